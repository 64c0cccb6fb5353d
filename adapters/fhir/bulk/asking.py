"""What an export is asked for: the parameters of the kick-off, read and checked (Bulk Data Access IG 2.0, "Bulk Data
Kick-off Request")."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.fhir.replies import Pairs, query_pairs
from tracker_core.errors import HubError, Malformed
from tracker_core.records import forms
from tracker_core.records.definitions import elements, resource_types
from tracker_core.records.search import criteria
from tracker_core.records.search.criteria import RESULT, Condition
from tracker_core.records.terms import date_range

FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]+\?)")
_SHOWN = ("_format", "_pretty")


@dataclass(slots=True)
class Asked:
    """An export as asked for; as it is stored with its order.

    `patients` limits it to these ids (None: to nobody in particular); `filters` are (type, query). `passed` says what
    was not understood and is passed over because the caller is lenient.
    """

    level: str
    group: str = ""
    types: list[str] = field(default_factory=list)
    since: str = ""
    until: str = ""
    elements: list[str] = field(default_factory=list)
    filters: list[tuple[str, str]] = field(default_factory=list)
    patients: list[str] | None = None
    passed: list[str] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)


def read(level: str, group: str, pairs: Pairs, *, lenient: bool) -> Asked:
    """Read the parameters. Raises `Malformed` for a value that is wrong, and for what is not offered.

    With `lenient`, what is not offered is noted in `passed` instead.
    """
    asked = Asked(level, group)
    for key, value in pairs:
        try:
            _READERS.get(key, _unknown)(asked, key, value)
        except _NotOfferedError as error:
            if not lenient:
                raise Malformed(error.detail, where=key) from error
            asked.passed.append(error.detail)
    named = asked.types
    asked.types = named or list(resource_types())
    stray = [type_ for type_, _ in asked.filters if type_ not in asked.types]
    if stray:
        raise Malformed(f"_typeFilter is about {stray[0]}, which _type leaves out", where="_typeFilter")
    return asked


class _NotOfferedError(HubError):
    """Something that a lenient caller lets us pass over."""


def _format(_asked: Asked, key: str, value: str) -> None:
    # A plus sign that was not escaped arrives as a blank.
    if value.replace(" ", "+") not in FORMATS:
        raise Malformed(f"{value} is not offered: files are {FORMATS[0]}", where=key)


def _type(asked: Asked, key: str, value: str) -> None:
    for name in _listed(value):
        if name not in resource_types():
            raise _NotOfferedError(f"R4 has no resource type {name!r}", where=key)
        if name not in asked.types:
            asked.types.append(name)


def _since(asked: Asked, key: str, value: str) -> None:
    moment(key, value)
    asked.since = value


def _until(asked: Asked, key: str, value: str) -> None:
    moment(key, value)
    asked.until = value


def _elements(asked: Asked, key: str, value: str) -> None:
    for name in _listed(value):
        type_, dot, element = name.partition(".")
        if dot and type_ not in resource_types():
            raise _NotOfferedError(f"{name} is an element of no resource type", where=key)
        if dot and element.partition(".")[0] not in _names(type_):
            raise _NotOfferedError(f"{type_} has no element {element!r}", where=key)
        asked.elements.append(name)


def _names(type_: str) -> set[str]:
    return {name for one in elements(type_).values() for name in (one.name, one.choice)}


def _type_filter(asked: Asked, key: str, value: str) -> None:
    for one in _NEXT_FILTER.split(value):
        type_, _, query = one.partition("?")
        if type_ not in resource_types() or not query:
            raise Malformed(f"_typeFilter is a search on a type, as Observation?status=final, not {one!r}", where=key)
        conditions(type_, query)
        asked.filters.append((type_, query))


def conditions(type_: str, query: str) -> list[Condition]:
    """Return what a filter's search asks of records. Raises what `read` does for a search that cannot be run."""
    pairs = query_pairs(query)
    found = criteria.read(type_, pairs)
    for issue in found.issues:
        kind = Malformed if issue.severity == "error" else _NotOfferedError
        raise kind(f"_typeFilter: {issue.text}", where="_typeFilter")
    for name in (key.partition(":")[0] for key, _ in pairs):
        if name in RESULT and name not in _SHOWN:
            raise _NotOfferedError(f"_typeFilter chooses records: {name} has no place in it", where="_typeFilter")
    return found.criteria


def _patient(asked: Asked, key: str, value: str) -> None:
    if asked.level == "system":
        raise Malformed("patients can be named for Patient/$export and Group/[id]/$export alone", where=key)
    target = forms.target(value) or ("Patient", value)
    if target[0] != "Patient" or not target[1]:
        raise Malformed(f"{value!r} is no reference to a Patient", where=key)
    asked.patients = [*(asked.patients or []), target[1]]


def _unknown(_asked: Asked, key: str, value: str) -> None:
    if key not in _SHOWN:
        raise _NotOfferedError(f"$export does not offer {key} ({value})" if value else f"$export does not offer {key}")


_READERS = {
    "_outputFormat": _format,
    "_type": _type,
    "_since": _since,
    "_until": _until,
    "_elements": _elements,
    "_typeFilter": _type_filter,
    "patient": _patient,
}


def moment(name: str, text: str) -> datetime:
    """Return the beginning of an instant or date. Raises `Malformed`."""
    found = date_range(text.replace(" ", "+"))
    try:
        low, _ = (_EPOCH + timedelta(microseconds=micros) for micros in found or ())
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{name} is an instant, not {text!r}", where=name) from error
    return low


def _listed(value: str) -> Iterable[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def shown_elements(names: Sequence[str], type_: str) -> str:
    """Return those of the `_elements` asked for that are about a type, as a search would have them."""
    own = (name.partition(".") for name in names)
    return ",".join((rest if dot else head).partition(".")[0] for head, dot, rest in own if not dot or head == type_)
