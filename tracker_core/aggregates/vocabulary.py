"""What aggregate values are called: elements, org units and option combos by uid, code, name or attribute value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tracker_core.metadata.compiling import reference
from tracker_core.metadata.model import Metadata, Object, OrgUnit

DEFAULT = "default"
"""How the option combo of what is not disaggregated is stored, whatever its uid is on one server or another."""


@dataclass(frozen=True, slots=True)
class Cube:
    """A category combo laid open: `options` by category uid, and the option combo of each choice of options.

    `combos` maps the chosen (category uid, option uid) pairs to the uid of their option combo.
    """

    categories: tuple[Object, ...]
    options: Mapping[str, tuple[Object, ...]]
    combos: Mapping[frozenset[tuple[str, str]], str]

    def find(self, chosen: Mapping[str, str], category_scheme: str = "", option_scheme: str = "") -> str | None:
        """Return the option combo of `chosen` (category -> option), named under these schemes; empty ones try all."""
        pairs = frozenset(
            (category.uid, option.uid)
            for key, value in chosen.items()
            for category in self.categories
            if _answers(category, category_scheme, key)
            for option in self.options[category.uid]
            if _answers(option, option_scheme, value)
        )
        return self.combos.get(pairs) if len(pairs) == len(chosen) else None

    def explode(self, combo: str) -> list[tuple[Object, Object]]:
        """Return the (category, option) pairs of an option combo, in the order of the categories."""
        pairs = next((pairs for pairs, uid in self.combos.items() if uid == combo), frozenset())
        return [(c, o) for c in self.categories for o in self.options[c.uid] if (c.uid, o.uid) in pairs]


def cube(metadata: Metadata, category_combo: str) -> Cube:
    """Return the category combo `category_combo` (uid) laid open; an unknown one is empty."""
    items = (reference(item) for item in _doc(metadata, "categoryCombos", category_combo).get("categories") or ())
    categories = tuple(filter(None, (metadata.get("categories", uid) for uid in items)))
    options = {category.uid: tuple(_options(metadata, category)) for category in categories}
    owner = {option.uid: uid for uid, members in options.items() for option in members}
    combos = {
        frozenset(
            (owner.get(option, ""), option) for option in map(reference, item.doc.get("categoryOptions") or ())
        ): uid
        for uid, item in metadata.objects.get("categoryOptionCombos", {}).items()
        if reference(item.doc.get("categoryCombo")) == category_combo
    }
    return Cube(categories, options, combos)


def _options(metadata: Metadata, category: Object) -> Iterable[Object]:
    uids = map(reference, category.doc.get("categoryOptions") or ())
    return filter(None, (metadata.get("categoryOptions", uid) for uid in uids))


def _answers(item: Object | OrgUnit, scheme: str, key: str) -> bool:
    if scheme.startswith("ATTRIBUTE:"):
        return _attribute(item, scheme.partition(":")[2]) == key
    names = {"UID": (item.uid,), "CODE": (item.code,), "NAME": (item.name,)}
    return key in names.get(scheme, (item.uid, item.code, item.name))


def named(metadata: Metadata, type: str, scheme: str, key: str) -> str | None:
    """Return the uid of what `key` names under an id scheme (`UID`, `CODE`, `NAME`, `ATTRIBUTE:uid`), or None.

    `type` is a collection, `organisationUnits` included.
    """
    if scheme == "UID":
        return key if _member(metadata, type, key) else None
    if scheme == "CODE":
        uid = metadata.uid_of(type, key)
        member = _member(metadata, type, uid) if uid else None
        return uid if member and member.code == key else None
    if scheme == "NAME":
        hits = [uid for uid, member in _members(metadata, type) if member.name == key]
        return hits[0] if len(hits) == 1 else None
    attribute = scheme.partition(":")[2]
    hits = [o.uid for o in metadata.objects.get(type, {}).values() if _attribute(o, attribute) == key]
    return hits[0] if len(hits) == 1 else None


def combo_of(metadata: Metadata, type: str, uid: str) -> str:
    """Return the category combo of a data element or data set, empty for the default one."""
    combo = reference(_doc(metadata, type, uid).get("categoryCombo"))
    member = metadata.get("categoryCombos", combo)
    return "" if member is None or DEFAULT in {member.name, member.code} else combo


def is_default(metadata: Metadata, key: str) -> bool:
    """Tell whether `key` means the default option combo: no text, the word, or an object of that name."""
    member = metadata.get("categoryOptionCombos", key)
    return key in {"", DEFAULT} or (member is not None and DEFAULT in {member.name, member.code})


def _members(metadata: Metadata, type: str) -> Iterable[tuple[str, Object | OrgUnit]]:
    return metadata.org_units.items() if type == "organisationUnits" else metadata.objects.get(type, {}).items()


def _member(metadata: Metadata, type: str, uid: str) -> Object | OrgUnit | None:
    return metadata.org_units.get(uid) if type == "organisationUnits" else metadata.get(type, uid)


def _doc(metadata: Metadata, type: str, uid: str) -> Mapping[str, Any]:
    member = metadata.get(type, uid)
    return member.doc if member else {}


def _attribute(item: Object | OrgUnit, attribute: str) -> str | None:
    values = item.doc.get("attributeValues") or () if isinstance(item, Object) else ()
    return next((str(v.get("value")) for v in values if reference(v.get("attribute")) == attribute), None)
