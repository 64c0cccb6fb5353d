"""A metadata payload taken apart into the objects it holds."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

from tracker_core.issues import Issue
from tracker_core.metadata import schema
from tracker_core.metadata.importing.codes import message
from tracker_core.metadata.importing.options import Document
from tracker_core.metadata.model import Metadata
from tracker_core.metadata.schema import Type
from tracker_core.uids import is_uid

APART = ("organisationUnits", "users")
# What DHIS2 keeps out of metadata imports.
_UNIMPORTED = ("fileResources", "messageConversations", "interpretations", "apiTokens", "icons")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fault(Issue):
    """An issue of a metadata object, with the arguments of the code's message."""

    arguments: tuple[str, ...] = ()


@dataclass(slots=True)
class Incoming:
    """One object to be written. `stored` is its document in the database, `pk` its key there, if any.

    `index` is its place in the payload's list; an object that the payload does not hold, but that changes with one that
    it does, is `implied`.
    """

    type: Type
    uid: str
    doc: Document
    index: int = 0
    pk: int = 0
    stored: Document | None = None
    implied: bool = False

    @property
    def key(self) -> Key:
        """Collection and uid."""
        return self.type.collection, self.uid

    @property
    def where(self) -> str:
        """How issues name it."""
        return f"{self.type.collection} {self.uid}"

    @property
    def action(self) -> Literal["created", "updated", "unchanged"]:
        """What importing it comes to."""
        if self.stored is None:
            return "created"
        return "unchanged" if self.stored == self.doc else "updated"

    def fault(self, code: str, *arguments: str, value: str = "") -> Issue:
        """Return what is wrong with it, in DHIS2's words."""
        return Fault(code, message(code, *arguments), where=self.where, value=value, arguments=arguments)


@dataclass(slots=True)
class Package:
    """A payload taken apart: objects in document order, `apart` those with rows of their own, and wrong shapes.

    `folded` are objects that live in others' documents and were put there; `dropped` the `default` objects.
    """

    items: list[Incoming] = field(default_factory=list)
    apart: dict[str, list[Document]] = field(default_factory=dict)
    folded: list[Incoming] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def take_apart(payload: Document) -> Package:
    """Split a payload into objects. Keys that name no type, or hold no list (`system`, `package`), are skipped."""
    package = Package()
    for collection, items in payload.items():
        type = schema.find(collection)
        if type is None or not isinstance(items, list):
            continue
        if collection in _UNIMPORTED and items:
            package.issues.append(_issue("E6023", f"{collection}[0]", type.name))
            continue
        for index, doc in enumerate(items):
            _take(package, type, index, doc)
    return package


def _take(package: Package, type: Type, index: int, doc: Any) -> None:
    where = f"{type.collection}[{index}]"
    if not isinstance(doc, dict):
        package.issues.append(_issue("E5001", where, type.name, str(doc)[:100]))
    elif doc.get("id") is not None and not is_uid(str(doc["id"])):
        package.issues.append(_issue("E4014", where, str(doc["id"]), "id"))
    elif type.collection in APART:
        package.apart.setdefault(type.collection, []).append(bare(doc))
    else:
        package.items.append(Incoming(type, str(doc.get("id") or ""), bare(doc), index))


def bare(value: Any) -> Any:
    """Return a copy of `value` in which no object has a property that is null: to DHIS2 that is no property."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if item is not None}
    return [bare(item) for item in value] if isinstance(value, list) else value


def _issue(code: str, where: str, *arguments: str) -> Issue:
    return Fault(code, message(code, *arguments), where=where, arguments=arguments)


class Prospect:
    """The metadata as it will be: what is stored, seen through what is to be written."""

    def __init__(self, known: Metadata, items: Sequence[Incoming], apart: dict[str, set[str]] | None = None) -> None:
        """Look at `known` through `items`; `apart` gives the uids of what has rows of its own."""
        self.known = known
        self.items = list(items)
        self.apart = apart or {}
        self._by_key = {item.key: item for item in items}

    def find(self, collection: str, uid: str) -> Document | None:
        """Return the document of an object as it will be."""
        item = self._by_key.get((collection, uid))
        if item is not None:
            return item.doc
        found = self.known.objects.get(collection, {}).get(uid)
        return found.doc if found else None

    def has(self, collection: str, uid: str) -> bool:
        """Tell whether there will be such an object."""
        if collection in self.apart and uid in self.apart[collection]:
            return True
        if collection == "organisationUnits":
            return uid in self.known.org_units
        return (collection, uid) in self._by_key or uid in self.known.objects.get(collection, {})

    def item(self, collection: str, uid: str) -> Incoming | None:
        """Return the object if it is one of those to be written."""
        return self._by_key.get((collection, uid))

    def touch(self, collection: str, uid: str) -> Incoming | None:
        """Return the object to be changed along with the payload's; None when there will be none."""
        item = self._by_key.get((collection, uid))
        found = self.known.objects.get(collection, {}).get(uid)
        if item is None and found is not None:
            type = schema.of(collection)
            item = Incoming(type, uid, deepcopy(found.doc), pk=found.pk, stored=found.doc, implied=True)
            self.add(item)
        return item

    def add(self, item: Incoming) -> None:
        """Let one more object be written."""
        self.items.append(item)
        self._by_key[item.key] = item

    def of(self, *collections: str) -> Iterator[Incoming]:
        """Yield the objects to be written of some types."""
        return (item for item in list(self.items) if item.type.collection in collections)
