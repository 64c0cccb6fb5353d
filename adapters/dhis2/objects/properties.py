"""Reading one property of an object, as its description says: a value, a part, or references that lead on."""

from collections.abc import Callable, Sequence
from typing import Any

from adapters.dhis2.objects.computed import computed, mirrored
from adapters.dhis2.objects.view import USERS, Document, Show, View
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.defaults import DEFAULTED
from tracker_core.metadata.schema import Property, Type
from tracker_core.uids import is_uid

# What a reference to a user shows of itself, without brackets.
_USER = ("id", "code", "name", "displayName", "username")


def raw_reader(type: Type, name: str) -> Show:
    """Return how to read `name` as it is: computed, of a custom attribute, or what the document holds."""
    if found := computed(type, name):
        return found
    if name not in type.properties and is_uid(name):
        return lambda _view, doc: doc[name] if name in doc else _custom(doc, name)  # `authorities` looks like a uid
    return lambda _view, doc: doc.get(name)


def _custom(doc: Document, attribute: str) -> Any:
    for item in doc.get("attributeValues") or ():
        if isinstance(item, dict) and reference(item.get("attribute")) == attribute:
            return item.get("value")
    return None


def plain_reader(type: Type, name: str) -> Show:
    """Return how to read `name` without brackets: of references the id only, of lists at least the empty list."""
    found = type.properties.get(name)
    if found is None or not found.target or found.kind in ("part", "parts"):
        raw = raw_reader(type, name)
        if found is not None and found.many:
            return lambda view, doc: raw(view, doc) or []
        return raw
    return reference_reader(type, found, _brief_user if found.target == USERS else _brief)


def reference_reader(type: Type, found: Property, show: Show | None) -> Show:
    """Return how to read a reference, or a list of them, as `show` shows what it leads to.

    A reference that leads nowhere is shown as it was written. Without `show` the ids are enough.
    """
    entries = _entries(type, found)
    one = _one(found.target, show)
    if found.kind == "refs":

        def read_all(view: View, doc: Document) -> list[Any]:
            shown = [one(view, item) for item in entries(view, doc)]
            return [item for item in shown if item is not None]

        return read_all

    def read(view: View, doc: Document) -> Any:
        for item in entries(view, doc):
            return one(view, item)
        return None

    return read


def _entries(type: Type, found: Property) -> Callable[[View, Document], Sequence[Any]]:
    """Return how to find what the document says of a reference: objects with an id, or bare ids."""
    raw = computed(type, found.name)
    if raw is None and not found.owner:
        return mirrored(type, found)
    read = raw or (lambda _view, doc: doc.get(found.name))

    def stored(view: View, doc: Document) -> Sequence[Any]:
        value = read(view, doc)
        return value if isinstance(value, list) else () if value is None else (value,)

    return stored


def _one(target: str, show: Show | None) -> Callable[[View, Any], Any]:
    may_be_default = target in DEFAULTED

    def read(view: View, item: Any) -> Any:
        uid = reference(item)
        if show is None and not (may_be_default and view.skip_defaults):
            return {"id": uid} if uid else None
        found = view.find(target, uid)
        if found is None:
            found = item if isinstance(item, dict) else {"id": uid}
        if may_be_default and view.skip_defaults and found.get("name") == "default":
            return None
        return show(view, found) if show else {"id": uid}

    return read


def _brief(_view: View, doc: Document) -> dict[str, Any]:
    return {"id": doc.get("id")}


def _brief_user(_view: View, doc: Document) -> dict[str, Any]:
    return {name: doc[name] for name in _USER if doc.get(name) is not None}
