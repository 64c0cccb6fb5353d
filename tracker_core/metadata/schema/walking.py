"""Walking a document by its description: what it refers to, and the parts it is made of."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tracker_core.metadata.schema.model import Property, Type
from tracker_core.metadata.schema.tables import structure

Path = tuple[str | int, ...]
Document = dict[str, Any]


class Reference(NamedTuple):
    """A reference in a document: where it stands, `by` which property, and the value there (`{"id": …}`, mostly)."""

    path: Path
    by: Property
    value: Any

    @property
    def target(self) -> str:
        """The collection it leads into."""
        return self.by.target

    @property
    def uid(self) -> str:
        """The uid it names, empty when it names none (a code only, or nothing sensible)."""
        found = self.value.get("id") if isinstance(self.value, dict) else self.value
        return found if isinstance(found, str) else ""


class Part(NamedTuple):
    """A part of a document, which may be the document itself: its description, where it stands, and what it holds."""

    path: Path
    type: Type
    doc: Document


def references(type: Type, doc: Document) -> Iterator[Reference]:
    """Yield every reference that `doc` owns, those in its parts included."""
    for part in parts(type, doc):
        for found in part.type.of_kind("ref", "refs"):
            value = part.doc.get(found.name)
            if value is None:
                continue
            if found.kind == "ref":
                yield Reference((*part.path, found.name), found, value)
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    yield Reference((*part.path, found.name, index), found, item)


def parts(type: Type, doc: Document, path: Path = ()) -> Iterator[Part]:
    """Yield `doc` and every part within it, outer ones first. What has not the shape of a part is passed over."""
    yield Part(path, type, doc)
    for found in type.of_kind("part", "parts"):
        value = doc.get(found.name)
        inner = structure(found.target)
        if isinstance(value, dict) and found.kind == "part":
            yield from parts(inner, value, (*path, found.name))
        elif isinstance(value, list) and found.kind == "parts":
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield from parts(inner, item, (*path, found.name, index))
