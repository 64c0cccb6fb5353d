"""What a sender's words for an aggregate value mean here: its key, or what is wrong with them in DHIS2's codes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

from tracker_core import periods
from tracker_core.aggregates import vocabulary
from tracker_core.aggregates.values import Key
from tracker_core.aggregates.vocabulary import DEFAULT, Cube
from tracker_core.changes import AggregateChange
from tracker_core.issues import Issue
from tracker_core.metadata import Metadata, Object
from tracker_core.metadata.compiling import reference
from tracker_core.tracker.validation.value_types import ACCEPTS, in_options

_TRUE = {"true", "1", "t", "y", "yes"}
_FALSE = {"false", "0", "f", "n", "no"}


class Wrong(Exception):
    """What is wrong with one value; never leaves this module."""

    def __init__(self, code: str, text: str, value: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.value = code, text, value


@dataclass(frozen=True, slots=True)
class Resolved:
    """A change in our own words. `data_set` is a uid or None; `value` is in normal form, None to delete."""

    key: Key
    value: str | None
    data_set: str | None


@dataclass(slots=True)
class Resolver:
    """Reads the changes of one document; remembers what each name meant. `today` decides which periods are closed."""

    metadata: Metadata
    today: date
    _names: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    _cubes: dict[str, Cube] = field(default_factory=dict)

    def resolve(self, change: AggregateChange) -> Resolved | Issue:
        """Return the change in our words, or the issue that keeps it out."""
        try:
            return self._resolve(change)
        except Wrong as wrong:
            return Issue(wrong.code, wrong.text, where=change.where, value=wrong.value)

    def _resolve(self, change: AggregateChange) -> Resolved:
        terms = change.terms
        data_set = self._data_set(change)
        element = self._named("dataElements", terms.data_element, change.data_element, "E7610", "Data element")
        period = periods.parse(change.period)
        if period is None:
            raise Wrong("E7611", f"Period not valid: `{change.period}`", change.period)
        unit = self._named("organisationUnits", terms.org_unit, change.org_unit, "E7612", "Organisation unit")
        combo = self._combo(change, element)
        attribute_combo = self._attribute_combo(change, data_set)
        key = Key(element, period.id, self.metadata.org_units[unit].pk, combo, attribute_combo)
        _insist(self.metadata, change, key, period, data_set)
        self._check_open(key, period, data_set)
        deletes = change.value is None or terms.strategy == "DELETE"
        return Resolved(key, None if deletes else self._value(change, element), data_set)

    def _data_set(self, change: AggregateChange) -> str | None:
        if not change.data_set:
            return None
        return self._named("dataSets", change.terms.data_set, change.data_set, "E7600", "Data set")

    def _named(self, type: str, scheme: str, key: str, code: str, word: str) -> str:
        found = self._find(type, scheme, key)
        if found is None:
            raise Wrong(code, f"{word} not found or not accessible: `{key}`", key)
        return found

    def _find(self, type: str, scheme: str, key: str) -> str | None:
        asked = (type, scheme, key)
        if asked not in self._names:
            find = vocabulary.named if scheme else partial(_any_name)
            self._names[asked] = find(self.metadata, type, scheme, key)
        return self._names[asked]

    def _combo(self, change: AggregateChange, element: str) -> str:
        terms, key = change.terms, change.category_option_combo
        if key and not vocabulary.is_default(self.metadata, key):
            word = "Category option combo"
            return self._named_combo(terms.category_option_combo, key, "E7613", word)
        if change.categories:
            cube = self._cube(vocabulary.combo_of(self.metadata, "dataElements", element))
            return self._chosen(cube, change.categories, terms.category, terms.category_option, "E7613", "Category")
        if not key and "requireCategoryOptionCombo" in terms.strict:
            raise Wrong("E7630", "Category option combo is required but is not specified")
        return DEFAULT

    def _attribute_combo(self, change: AggregateChange, data_set: str | None) -> str:
        terms, key = change.terms, change.attribute_option_combo
        if key and not vocabulary.is_default(self.metadata, key):
            word = "Attribute option combo"
            return self._named_combo(terms.attribute_option_combo, key, "E7615", word)
        if change.attributes:
            cube = self._cube(vocabulary.combo_of(self.metadata, "dataSets", data_set or ""))
            return self._chosen(cube, change.attributes, terms.category, terms.category_option, "E7615", "Attribute")
        if not key and "requireAttributeOptionCombo" in terms.strict:
            raise Wrong("E7631", "Attribute option combo is required but is not specified")
        return DEFAULT

    def _named_combo(self, scheme: str, key: str, code: str, word: str) -> str:
        found = self._find("categoryOptionCombos", scheme, key)
        if found is None:
            raise Wrong(code, f"{word} not found or not accessible for writing data: `{key}`", key)
        return found

    def _cube(self, combo: str) -> Cube:
        if combo not in self._cubes:
            self._cubes[combo] = vocabulary.cube(self.metadata, combo)
        return self._cubes[combo]

    def _chosen(
        self, cube: Cube, chosen: Mapping[str, str], category_scheme: str, option_scheme: str, code: str, word: str
    ) -> str:
        found = cube.find(chosen, category_scheme, option_scheme)
        if found is None:
            text = ", ".join(f"{category}={option}" for category, option in chosen.items())
            raise Wrong(code, f"{word} option combo not found or not accessible for writing data: `{text}`", text)
        return found

    def _value(self, change: AggregateChange, element: str) -> str:
        known = self.metadata.data_elements[element]
        value = normal(known.value_type, change.value or "")
        if not value:
            raise Wrong("E7618", f"Data value or comment not specified for data element: `{change.data_element}`")
        accepts: Callable[[str], bool] | None = ACCEPTS.get(known.value_type)
        if accepts is not None and not accepts(value):
            raise Wrong(
                "E7619", f"Value must match value type of data element `{change.data_element}`: `{value}`", value
            )
        if known.option_set and not in_options(known.value_type, known.option_set.options, value):
            text = f"Data value is not a valid option of the data element option set: `{change.data_element}`"
            raise Wrong("E7621", text, value)
        return value

    def _check_open(self, key: Key, period: periods.Period, data_set: str | None) -> None:
        """A data set's expiryDays close a period to everyone (DHIS2 Web API 2.42, "Data set", E7640)."""
        named = self.metadata.get("dataSets", data_set or "")
        for item in [named] if named else _data_sets(self.metadata, key.element):
            days = item.doc.get("expiryDays") or 0
            if days and self.today > period.end + timedelta(float(days) + 1):
                text = f"Current date is past expiry days for period: `{period.id}`  and data set: `{item.uid}`"
                raise Wrong("E7640", text, period.id)


def normal(value_type: str, text: str) -> str:
    """Return a value as it is stored: booleans as words, whole numbers without a fraction of zeros."""
    text = text.strip()
    if value_type in {"BOOLEAN", "TRUE_ONLY"}:
        word = text.lower()
        return "true" if word in _TRUE else "false" if word in _FALSE else text
    if value_type.startswith("INTEGER"):
        whole, dot, fraction = text.partition(".")
        return whole if dot and fraction and not fraction.strip("0") else text
    return text


def _any_name(metadata: Metadata, type: str, _: str, key: str) -> str | None:
    return metadata.uid_of(type, key)


def _data_sets(metadata: Metadata, element: str) -> list[Object]:
    return [s for s in metadata.objects.get("dataSets", {}).values() if element in _elements(s.doc)]


def _elements(doc: Mapping[str, list[Mapping[str, object]]]) -> set[str]:
    return {reference(item.get("dataElement")) for item in doc.get("dataSetElements") or ()}


def _insist(
    metadata: Metadata, change: AggregateChange, key: Key, period: periods.Period, data_set: str | None
) -> None:
    """Apply the strict parameters of an import (DHIS2 Web API 2.42, "Data value sets: parameters")."""
    strict = change.terms.strict
    if not strict:
        return
    known = metadata.get("dataSets", data_set or "")
    sets = [known] if known else _data_sets(metadata, key.element)
    element, unit = change.data_element, change.org_unit
    if "strictPeriods" in strict and all(s.doc.get("periodType") != period.type for s in sets):
        raise Wrong("E7632", f"Period type of period: `{period.id}` not valid for data element: `{element}`", period.id)
    if "strictDataElements" in strict and known and key.element not in _elements(known.doc):
        raise Wrong("E7633", f"Data element: `{element}` is not part of dataset(s): `{known.uid}`", element)
    if "strictCategoryOptionCombos" in strict and not _belongs(metadata, "dataElements", [key.element], key.combo):
        text = f"Category option combo: `{key.combo}` must be part of category combo of data element: `{element}`"
        raise Wrong("E7634", text, key.combo)
    uids = [s.uid for s in sets]
    if "strictAttributeOptionCombos" in strict and not _belongs(metadata, "dataSets", uids, key.attribute_combo):
        text = (
            f"Attribute option combo: `{key.attribute_combo}` must be part of category combo of data sets of data"
            f" element: `{element}`"
        )
        raise Wrong("E7635", text, key.attribute_combo)
    assigned = {reference(u) for s in sets for u in s.doc.get("organisationUnits") or ()}
    if "strictOrganisationUnits" in strict and metadata.uids[key.org_unit] not in assigned:
        text = f"Data element: `{element}` must be assigned through data sets to organisation unit: `{unit}`"
        raise Wrong("E7636", text, unit)


def _belongs(metadata: Metadata, type: str, owners: list[str], combo: str) -> bool:
    item = metadata.get("categoryOptionCombos", combo)
    category_combo = "" if combo == DEFAULT or item is None else reference(item.doc.get("categoryCombo"))
    return any(vocabulary.combo_of(metadata, type, owner) == category_combo for owner in owners)
