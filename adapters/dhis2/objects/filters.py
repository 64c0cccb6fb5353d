"""`filter=property:operator[:value]` over metadata objects (Web API 2.42, "Object filter language")."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from adapters.dhis2.objects.fetching import fetching_reader
from adapters.dhis2.objects.operators import OPERATORS, UNARY, Test
from adapters.dhis2.objects.properties import reference_reader
from adapters.dhis2.objects.translations import shown_property
from adapters.dhis2.objects.view import Document, Show, View
from tracker_core.errors import Conflict
from tracker_core.metadata import schema
from tracker_core.metadata.schema import TYPES, Type
from tracker_core.uids import is_uid

Predicate = Callable[[View, Document], bool]

_IDENTIFIABLE = "identifiable"
_IDENTITY = ("id", "code", "name", "shortName")
_BY_ID = ("eq", "in")
_SIZED = ("eq", "!eq", "ne", "neq", "gt", "ge", "lt", "le", "null", "!null", "empty", "!empty")


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. `uids` are the only ones that can pass, where it names them."""

    test: Predicate
    uids: tuple[str, ...] | None = None


@lru_cache(maxsize=2048)
def parse_filter(collection: str, text: str) -> Filter:
    """Compile one filter. Raises `Conflict`: E7652 for what is no filter, E7653 for an unknown operator or property."""
    path, _, rest = text.partition(":")
    name, given, operand = rest.partition(":")
    path, operator = path.strip(), name.strip().lower()
    if not path or not operator:
        raise Conflict(f"E7652 Illegal filter expression `{text}`: property:operator[:value] was expected")
    if operator not in OPERATORS:
        raise Conflict(f"E7653 Illegal filter `{text}`: unknown operator `{operator}`")
    if not given and operator not in UNARY:
        raise Conflict(f"E7653 Illegal filter `{text}`: the operator `{operator}` needs a value")
    test = OPERATORS[operator](operand)
    named = _named(operator, operand) if path == "id" else None
    return Filter(_predicate(TYPES[collection], path, text, operator, test), named)


def passing(filters: Sequence[Filter], *, any_of: bool) -> Predicate:
    """Return the test for all of `filters`, or for `any_of` them (`rootJunction=OR`)."""
    tests = [each.test for each in filters]
    if len(tests) == 1:
        return tests[0]
    if any_of and tests:
        return lambda view, doc: any(test(view, doc) for test in tests)
    return lambda view, doc: all(test(view, doc) for test in tests)


def _named(operator: str, operand: str) -> tuple[str, ...] | None:
    if operator not in _BY_ID:
        return None
    listed = operand.strip().removeprefix("[").removesuffix("]").split(",") if operator == "in" else [operand]
    return tuple(dict.fromkeys(part.strip() for part in listed if part.strip()))


def _predicate(type: Type, path: str, text: str, operator: str, test: Test) -> Predicate:
    if path == _IDENTIFIABLE:
        reads = [fetching_reader(type, name) for name in _IDENTITY if name in type.properties]
        return lambda view, doc: any(test(read(view, doc)) for read in reads)
    whole = operator in _SIZED
    if "." not in path:
        read = _property_reader(type, path, text)
        return lambda view, doc: _passes(read(view, doc), test, whole=whole)
    values = value_reader(type, path.split("."), text)

    def holds(view: View, doc: Document) -> bool:
        found = values(view, doc)
        return any(_passes(item, test, whole=whole) for item in found) if found else test(None)

    return holds


def _passes(value: Any, test: Test, *, whole: bool) -> bool:
    """Test a value; of a list its size where the operator has one, and each of its items."""
    if not isinstance(value, list):
        return test(value)
    return (whole and test(value)) or any(test(item) for item in value if not isinstance(item, dict | list))


def value_reader(type: Type, path: list[str], text: str) -> Callable[[View, Document], list[Any]]:
    """Return how to find the values at `path`; lists on the way give those of each item.

    A list at its end is one value. Raises `Conflict` (E7653) for a property that the type does not have.
    """
    name, rest = path[0], path[1:]
    found = type.properties.get(name)
    read = _property_reader(type, name, text, rest)
    if not rest:
        return lambda view, doc: [read(view, doc)]
    if found and found.kind in ("ref", "refs") and rest == ["id"]:
        return _ids(read)
    if found is None or not found.target:
        if found is not None and found.kind not in ("json", "geometry"):
            raise Conflict(f"E7653 Illegal filter `{text}`: `{name}` has no properties")
        return lambda view, doc: _dig(read(view, doc), rest)
    target = TYPES[found.target] if found.kind in ("ref", "refs") else schema.structure(found.target)
    further = value_reader(target, rest, text)
    return lambda view, doc: [value for item in _items(read(view, doc)) for value in further(view, item)]


def _property_reader(type: Type, name: str, text: str, rest: Sequence[str] = ()) -> Show:
    """Return how to read the property that `rest` leads on from; whole objects where more than their ids is read."""
    found = type.properties.get(name)
    if found is None and not is_uid(name) and not shown_property(name):
        raise Conflict(f"E7653 Illegal filter `{text}`: {type.name} has no property `{name}`")
    if found is None or found.kind not in ("ref", "refs"):
        return fetching_reader(type, name)
    return reference_reader(type, found, None if list(rest) in ([], ["id"]) else lambda _view, doc: doc)


def _ids(read: Show) -> Callable[[View, Document], list[Any]]:
    return lambda view, doc: [item["id"] for item in _items(read(view, doc))]


def _items(value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _dig(value: Any, path: list[str]) -> list[Any]:
    """Follow `path` through plain JSON."""
    found = [value]
    for step in path:
        found = [item[step] for held in found for item in _items(held) if step in item]
    return found
