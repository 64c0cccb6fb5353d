"""Bonds stand on both sides: a stage names its program, and the program lists its stages. An import may say either.

What the payload says wins over what is stored. A child that names a parent is listed by it; a child that is listed
names its parent. Where lists govern (options of an option set), a child that its parent's new list leaves out loses its
parent; elsewhere it is the child that says where it belongs, and the list follows.
"""

from typing import Any, NamedTuple

from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Prospect

_LISTS_GOVERN = ("options",)


class Bond(NamedTuple):
    """Children that name a parent in `back`, and the parent that lists them in `listing`."""

    children: str
    back: str
    parents: str
    listing: str


BONDS = [
    Bond(found.target, found.mirror, type.collection, found.name)
    for type in schema.TYPES.values()
    for found in type.of_kind("refs")
    if found.bond
]


def bond(prospect: Prospect) -> None:
    """Make both sides of every bond say the same. Objects that the payload lacks are touched where they must change."""
    for each in BONDS:
        if any(True for _ in prospect.of(each.children, each.parents)):
            _Tie(prospect, each).tie()


class _Tie:
    """One bond of one import."""

    def __init__(self, prospect: Prospect, bond: Bond) -> None:
        self.prospect = prospect
        self.bond = bond
        self.listed: dict[str, str] = {}
        self.left_out: set[str] = set()
        self.places: dict[str, dict[str, Any]] = {}

    def tie(self) -> None:
        for parent in list(self.prospect.of(self.bond.parents)):
            self._read_list(parent)
        children = [item.uid for item in self.prospect.of(self.bond.children) if not item.implied]
        stakes = dict.fromkeys((*children, *self.listed, *self.left_out))
        moves = [(uid, self._parent(uid)) for uid in stakes if self._doc(uid) and not self._contradictory(uid)]
        for uid, owner in moves:
            self._name(uid, owner)
        for uid, owner in sorted(moves, key=self._order):
            self._list(uid, owner)
        self._store()

    def _read_list(self, parent: Incoming) -> None:
        before = [reference(item) for item in (parent.stored or {}).get(self.bond.listing) or ()]
        given = parent.doc.get(self.bond.listing)
        if given is None:
            given = [{"id": uid} for uid in before]
            if given:
                parent.doc[self.bond.listing] = given
        uids = {uid for item in given if isinstance(given, list) if (uid := reference(item))}
        self.left_out.update(set(before) - uids)
        if not parent.implied:
            known = set(before) if parent.stored is not None else set()
            self.listed.update((uid, parent.uid) for uid in uids if uid not in known or self._coming(uid))

    def _coming(self, uid: str) -> bool:
        return self.prospect.item(self.bond.children, uid) is not None

    def _doc(self, uid: str) -> dict[str, Any] | None:
        return self.prospect.find(self.bond.children, uid)

    def _contradictory(self, uid: str) -> bool:
        """Tell whether the payload itself lists a child elsewhere than the child says: then both stay as they are."""
        item = self.prospect.item(self.bond.children, uid)
        named = reference(item.doc.get(self.bond.back)) if item and not item.implied else ""
        return bool(named) and self.listed.get(uid, named) != named

    def _parent(self, uid: str) -> str:
        item = self.prospect.item(self.bond.children, uid)
        named = reference(item.doc.get(self.bond.back)) if item and not item.implied else ""
        if named or uid in self.listed:
            return named or self.listed[uid]
        if uid in self.left_out and self.bond.children in _LISTS_GOVERN:
            return ""
        return reference(self._stored(uid).get(self.bond.back))

    def _stored(self, uid: str) -> dict[str, Any]:
        found = self.prospect.known.get(self.bond.children, uid)
        return found.doc if found else {}

    def _name(self, uid: str, parent: str) -> None:
        doc = self._doc(uid) or {}
        if reference(doc.get(self.bond.back)) == parent:
            return
        item = self.prospect.touch(self.bond.children, uid)
        if item is None:
            return
        if parent:
            item.doc[self.bond.back] = {"id": parent}
        else:
            item.doc.pop(self.bond.back, None)

    def _order(self, move: tuple[str, str]) -> int:
        found = (self._doc(move[0]) or {}).get("sortOrder")
        return found if isinstance(found, int) else 0

    def _list(self, uid: str, parent: str) -> None:
        others = {reference(self._stored(uid).get(self.bond.back)), self.listed.get(uid, "")}
        for other in others - {parent, ""}:
            self._members(other).pop(uid, None)
        if parent and uid not in self._members(parent):
            self._members(parent)[uid] = {"id": uid}

    def _members(self, parent: str) -> dict[str, Any]:
        found = self.places.get(parent)
        if found is None:
            doc = self.prospect.find(self.bond.parents, parent) or {}
            listed = doc.get(self.bond.listing)
            found = {_key(item, index): item for index, item in enumerate(listed if isinstance(listed, list) else ())}
            self.places[parent] = found
        return found

    def _store(self) -> None:
        for parent, members in self.places.items():
            doc = self.prospect.find(self.bond.parents, parent)
            if doc is None or _keys(doc.get(self.bond.listing)) == list(members):
                continue
            item = self.prospect.touch(self.bond.parents, parent)
            if item is not None:
                item.doc[self.bond.listing] = list(members.values())


def _keys(listed: Any) -> list[str]:
    return [_key(item, index) for index, item in enumerate(listed if isinstance(listed, list) else ())]


def _key(item: Any, index: int) -> str:
    return reference(item) or f"#{index}"
