"""FHIRPath Patch on a parsed document: add, insert, delete, replace, move (FHIR R4, FHIRPath Patch)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.fhir.patching.places import Mismatch, Place, find
from tracker_core.errors import Malformed
from tracker_core.records import definitions
from tracker_core.records.definitions import Element

_NEEDS = {
    "add": ("name", "value"),
    "insert": ("index", "value"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A value as Parameters give it: `kind` is its FHIR type, empty for one made of parts; `sibling` its `_value`."""

    value: Any
    kind: str = ""
    sibling: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; which fields it needs depends on its `type`."""

    type: str
    path: str
    name: str = ""
    value: Given = Given(None)
    index: int = 0
    source: int = 0
    destination: int = 0


def read_operations(parameters: dict[str, Any]) -> list[Operation]:
    """Return the operations of a parsed Parameters resource. Raises `Malformed` naming the one that is none."""
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list):
        raise Malformed("parameter is a list", where="Parameters.parameter")
    return [_operation(one, f"Parameters.parameter[{number}]") for number, one in enumerate(listed)]


def _operation(one: Any, where: str) -> Operation:
    parts = one.get("part") if isinstance(one, dict) and one.get("name") == "operation" else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Malformed("a patch has parameters named operation, made of parts", where=where)
    given = {str(part.get("name")): part for part in parts}
    plain = {name: _given(part, where) for name, part in given.items()}
    type_ = str(plain["type"].value) if "type" in plain else ""
    if type_ not in _NEEDS:
        raise Malformed(f"an operation has a type of {', '.join(_NEEDS)}", where=where)
    missing = [name for name in ("path", *_NEEDS[type_]) if name not in plain]
    if missing:
        raise Malformed(f"{type_} needs {' and '.join(missing)}", where=where)
    numbers = {n: _number(plain[n].value, where) for n in ("index", "source", "destination") if n in plain}
    name = str(plain["name"].value) if "name" in plain else ""
    return Operation(type_, str(plain["path"].value), name, plain.get("value", Given(None)), **numbers)


def _number(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed("a position is a whole number from 0", where=where)
    return value


def _given(part: dict[str, Any], where: str) -> Given:
    """Read one part: `valueCode` …, or parts of its own, which make an element without a type of its own."""
    for key, value in part.items():
        if key.startswith("value"):
            return Given(value, key.removeprefix("value"), part.get("_" + key))
    if isinstance(part.get("part"), list):
        return Given([(str(inner.get("name")), _given(inner, where)) for inner in part["part"]])
    if isinstance(part.get("resource"), dict):
        return Given(part["resource"], "Resource")
    raise Malformed(f"{part.get('name')} has no value", where=where)


def apply(document: dict[str, Any], operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document after all operations; it is changed in place. Raises `Mismatch` for one that does not fit."""
    for operation in operations:
        _OPERATIONS[operation.type](document, operation)
    return document


def _add(document: dict[str, Any], operation: Operation) -> None:
    place = _one(document, operation)
    element = _element(place.kind, operation)
    held = place.value.get(element.name)
    if held is not None and not element.many:
        raise Mismatch(f"{element.name} is there already", operation.path)
    _write(place.value, element, operation.value, len(held) if held else 0)


def _write(holder: dict[str, Any], element: Element, given: Given, position: int) -> None:
    value = _built(element.kind, given)
    if not element.many:
        holder[element.name] = value
        if given.sibling:
            holder["_" + element.name] = given.sibling
        return
    holder.setdefault(element.name, []).insert(position, value)
    siblings = holder.get("_" + element.name)
    if siblings is not None or given.sibling:
        siblings = holder.setdefault("_" + element.name, [None] * (len(holder[element.name]) - 1))
        siblings.insert(position, given.sibling)


def _built(kind: str, given: Given) -> Any:
    if not isinstance(given.value, list) or given.kind:
        return given.value
    built: dict[str, Any] = {}
    for name, inner in given.value:
        element = _named(kind, name, inner)
        held = built.get(element.name)
        _write(built, element, inner, len(held) if held else 0)
    return built


def _element(kind: str, operation: Operation) -> Element:
    try:
        return _named(kind, operation.name, operation.value)
    except Mismatch as mismatch:
        raise Mismatch(str(mismatch), operation.path) from mismatch


def _named(kind: str, name: str, given: Given) -> Element:
    """Return the element of that name; of a choice, the one for the type of the value."""
    bare = name.removesuffix("[x]")
    known = definitions.elements(kind)
    element = known.get(bare) or known.get(bare + given.kind)
    if element is None:
        raise Mismatch(f"{kind} has no {name}", name)
    return element


def _insert(document: dict[str, Any], operation: Operation) -> None:
    holder, element = _list(document, operation)
    count = len(holder.get(element.name, ()))
    if operation.index > count:
        raise Mismatch(f"nothing can be inserted at {operation.index} of {count}", operation.path)
    _write(holder, element, operation.value, operation.index)


def _move(document: dict[str, Any], operation: Operation) -> None:
    holder, element = _list(document, operation)
    for key in (element.name, "_" + element.name):
        items = holder.get(key)
        if items is None:
            continue
        if max(operation.source, operation.destination) >= len(items):
            raise Mismatch(f"there are only {len(items)}", operation.path)
        items.insert(operation.destination, items.pop(operation.source))


def _list(document: dict[str, Any], operation: Operation) -> tuple[dict[str, Any], Element]:
    """Return the object that holds the list which a path names, whether or not it has items, and its element."""
    head, _, name = operation.path.rpartition(".")
    place = _one(document, operation, head)
    element = definitions.elements(place.kind).get(name)
    if element is None or not element.many:
        raise Mismatch("the path names no list", operation.path)
    return place.value, element


def _replace(document: dict[str, Any], operation: Operation) -> None:
    place = _one(document, operation)
    if not place.steps:
        raise Mismatch("the whole resource cannot be replaced", operation.path)
    *above, step = place.steps
    holder = _at(document, above)
    if isinstance(step, int):
        holder[step] = _built(place.kind, operation.value)
        return
    element = _replaced(document, operation, place)
    for name in (step, "_" + step):
        holder.pop(name, None)
    _write(holder, element, operation.value, 0)


def _replaced(document: dict[str, Any], operation: Operation, place: Place) -> Element:
    """Return the element that takes the place's value: a choice may change its type."""
    *above, step = place.steps
    holder = _kind_at(document, above)
    known = definitions.elements(holder)
    current = known.get(str(step))
    if current is None:
        raise Mismatch(f"{holder} has no {step}", operation.path)
    return known.get(current.choice + operation.value.kind, current) if current.choice else current


def _delete(document: dict[str, Any], operation: Operation) -> None:
    found = find(document, operation.path)
    if len(found) > 1:
        raise Mismatch(f"the path names {len(found)} elements, only one can be deleted", operation.path)
    if not found:
        return
    if not found[0].steps:
        raise Mismatch("the whole resource cannot be deleted", operation.path)
    _drop(document, found[0].steps)


def _drop(document: dict[str, Any], steps: tuple[str | int, ...]) -> None:
    """Remove what stands at `steps`, and what is empty without it."""
    *above, step = steps
    holder = _at(document, above)
    if isinstance(step, int):
        del holder[step]
        siblings = _at(document, above[:-1]).get(f"_{above[-1]}")
        if siblings is not None:
            del siblings[step : step + 1]
    else:
        holder.pop(step, None)
        holder.pop(f"_{step}", None)
    if not holder and above:
        _drop(document, tuple(above))


def _one(document: dict[str, Any], operation: Operation, path: str = "") -> Place:
    found = find(document, path or operation.path)
    if len(found) != 1:
        raise Mismatch(f"the path names {len(found) or 'no'} elements, not one", operation.path)
    return found[0]


def _at(document: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        document = document[step]
    return document


def _kind_at(document: dict[str, Any], steps: Sequence[str | int]) -> str:
    kind = str(document["resourceType"])
    for number, step in enumerate(steps):
        if isinstance(step, str):
            element = definitions.elements(kind).get(step)
            kind = element.kind if element else ""
        if kind == "Resource":
            kind = str(_at(document, steps[: number + 1]).get("resourceType", "")) if isinstance(step, int) else kind
    return kind


_OPERATIONS: dict[str, Callable[[dict[str, Any], Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
