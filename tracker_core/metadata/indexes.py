"""What is found in a snapshot only by looking through it: built when first asked for, and kept as long as it is."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

from tracker_core.metadata import schema
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.model import Metadata

Document = Mapping[str, Any]
UNITS = "organisationUnits"
_KEPT = 4
_indexes: OrderedDict[int, "Indexes"] = OrderedDict()
_lock = Lock()


class Indexes:
    """Indexes over one snapshot. Asking twice costs nothing; two threads asking at once build the same thing."""

    def __init__(self, known: Metadata) -> None:
        self.known = known
        self._named: dict[str, Sequence[Document]] = {}
        self._mirrors: dict[tuple[str, str], Mapping[str, Sequence[str]]] = {}
        self._within: dict[str, Mapping[str, Document]] = {}

    def documents(self, collection: str) -> Sequence[Document]:
        """Return the documents of a collection in the order of their names; not those of org units or users."""
        found = self._named.get(collection)
        if found is None:
            found = sorted(self._unsorted(collection), key=_by_name)
            self._named[collection] = found
        return found

    def _unsorted(self, collection: str) -> Iterable[Document]:
        if schema.of(collection).within:
            return self.within(collection).values()
        return (found.doc for found in self.known.objects.get(collection, {}).values())

    def within(self, collection: str) -> Mapping[str, Document]:
        """Return the objects of a collection that are stored inside of their owners' documents, by uid.

        Each says whose it is, whether its document does or not.
        """
        found = self._within.get(collection)
        if found is None:
            place = schema.of(collection).within
            owner, name = place or ("", "")
            back = schema.of(owner).singular
            found = {
                reference(part): {back: {"id": held.uid}, **part}
                for held in self.known.objects.get(owner, {}).values()
                for part in held.doc.get(name) or ()
                if isinstance(part, dict) and reference(part)
            }
            self._within[collection] = found
        return found

    def mirror(self, collection: str, name: str) -> Mapping[str, Sequence[str]]:
        """Return, by what the reference `name` of `collection` leads to, the uids of the objects that hold it."""
        found = self._mirrors.get((collection, name))
        if found is None:
            made: dict[str, list[str]] = {}
            for doc in self.documents(collection):
                for uid in _referred(doc.get(name)):
                    made.setdefault(uid, []).append(str(doc["id"]))
            found = self._mirrors[collection, name] = made
        return found

    def placing(self, collection: str, parts: str, name: str) -> Mapping[str, Sequence[str]]:
        """Return, by what the reference `name` of its `parts` leads to, the uids of the objects of `collection`."""
        found = self._mirrors.get((collection, f"{parts}.{name}"))
        if found is None:
            made: dict[str, list[str]] = {}
            for held in self.known.objects.get(collection, {}).values():
                for part in filter(_is_object, held.doc.get(parts) or ()):
                    made.setdefault(reference(part.get(name)), []).append(held.uid)
            found = self._mirrors[collection, f"{parts}.{name}"] = made
        return found

    @property
    def units(self) -> Sequence[Document]:
        """What the snapshot knows of each org unit, as documents, in the order of their names."""
        return self.known.places.documents

    @property
    def children(self) -> Mapping[str, Sequence[str]]:
        """The uids of the units right below each unit, in the order of their names."""
        return self.known.places.children


def indexes(known: Metadata) -> Indexes:
    """Return the indexes over `known`; a few of the latest snapshots keep theirs."""
    with _lock:
        found = _indexes.get(id(known))
        if found is None:
            found = _indexes[id(known)] = Indexes(known)
        _indexes.move_to_end(id(known))
        while len(_indexes) > _KEPT:
            _indexes.popitem(last=False)
    return found


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _by_name(doc: Document) -> tuple[str, str]:
    return str(doc.get("name") or "").casefold(), str(doc.get("id") or "")


def _referred(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [uid for uid in map(reference, items) if uid]
