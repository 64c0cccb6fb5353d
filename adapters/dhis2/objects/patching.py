"""JSON Patch (RFC 6902) on one object, with DHIS2's `remove-by-id` (Web API 2.42, "Metadata endpoints")."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tracker_core.errors import Malformed

Document = dict[str, Any]
Container = dict[str, Any] | list[Any]
_END = "-"
# Operations that carry a value, and those that name a second place.
_WITH_VALUE = ("add", "replace", "test")
_WITH_FROM = ("move", "copy")


def apply_patch(document: Document, operations: Any) -> Document:
    """Return `document` as `operations` leave it; the original stays as it is.

    Differs from RFC 6902 as DHIS2 does: `replace` and `add` may name a property that has no value yet, since objects
    are shown without those; `add` to the end of a list that is not there begins it. Raises `Malformed` for operations
    that are none, that lead nowhere, or whose `test` fails.
    """
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise Malformed("a JSON Patch is a list of operations")
    patched = deepcopy(document)
    for operation in operations:
        name, path = operation.get("op"), operation.get("path")
        if name not in _APPLY or not isinstance(path, str) or not path.startswith("/"):
            raise Malformed(f"Invalid patch operation {name!r} on path {path!r}")
        if name in _WITH_VALUE and "value" not in operation:
            raise Malformed(f"the patch operation {name} on path {path} has no value")
        _APPLY[name](patched, steps_of(path), operation)
    return patched


def steps_of(path: str) -> list[str]:
    """Return the steps of a JSON Pointer (RFC 6901), with `~1` and `~0` resolved."""
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _add(document: Document, steps: list[str], operation: Document) -> None:
    _put(document, steps, operation["value"], insert=True)


def _replace(document: Document, steps: list[str], operation: Document) -> None:
    _put(document, steps, operation["value"], insert=False)


def _put(document: Document, steps: list[str], value: Any, *, insert: bool) -> None:
    if steps[-1] == _END and len(steps) > 1:
        held = _container(document, steps[:-2])
        if isinstance(held, dict):
            held.setdefault(steps[-2], [])
    holder, last = _container(document, steps[:-1]), steps[-1]
    if isinstance(holder, dict):
        holder[last] = deepcopy(value)
    elif last == _END:
        holder.append(deepcopy(value))
    elif insert:
        holder.insert(_index(holder, steps, most=len(holder)), deepcopy(value))
    else:
        holder[_index(holder, steps, most=len(holder) - 1)] = deepcopy(value)


def _remove(document: Document, steps: list[str], _operation: Document) -> None:
    holder, last = _container(document, steps[:-1]), steps[-1]
    if isinstance(holder, list):
        del holder[_index(holder, steps, most=len(holder) - 1)]
    elif last in holder:
        del holder[last]
    else:
        raise _nowhere(steps)


def _remove_by_id(document: Document, steps: list[str], operation: Document) -> None:
    wanted, held = operation.get("id"), _value(document, steps)
    if not isinstance(wanted, str) or not isinstance(held, list):
        raise Malformed(f"remove-by-id needs a list at {_pointer(steps)} and the id of the item")
    kept = [item for item in held if not (isinstance(item, dict) and item.get("id") == wanted)]
    if len(kept) == len(held):
        raise Malformed(f"Invalid patch path {_pointer(steps)}: nothing with id {wanted} is in it")
    held[:] = kept


def _test(document: Document, steps: list[str], operation: Document) -> None:
    if _value(document, steps) != operation["value"]:
        raise Malformed(f"the patch test on path {_pointer(steps)} failed")


def _copy(document: Document, steps: list[str], operation: Document) -> None:
    _put(document, steps, _value(document, _source(operation)), insert=True)


def _move(document: Document, steps: list[str], operation: Document) -> None:
    source = _source(operation)
    value = _value(document, source)
    _remove(document, source, operation)
    _put(document, steps, value, insert=True)


def _source(operation: Document) -> list[str]:
    path = operation.get("from")
    if not isinstance(path, str) or not path.startswith("/"):
        raise Malformed(f"the patch operation {operation['op']} needs `from`")
    return steps_of(path)


def _container(document: Document, steps: list[str]) -> Container:
    found = _value(document, steps)
    if not isinstance(found, dict | list):
        raise _nowhere(steps)
    return found


def _value(document: Document, steps: list[str]) -> Any:
    current: Any = document
    for step in steps:
        if isinstance(current, dict) and step in current:
            current = current[step]
        elif isinstance(current, list):
            current = current[_index(current, [*steps[: steps.index(step)], step], most=len(current) - 1)]
        else:
            raise _nowhere(steps)
    return current


def _index(held: list[Any], steps: list[str], *, most: int) -> int:
    last = steps[-1]
    if not (last.isascii() and last.isdigit()) or int(last) > most or len(last) > len(str(len(held))):
        raise _nowhere(steps)
    return int(last)


def _nowhere(steps: list[str]) -> Malformed:
    return Malformed(f"Invalid patch path {_pointer(steps)}")


def _pointer(steps: list[str]) -> str:
    return "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)


_APPLY: dict[str, Callable[[Document, list[str], Document], None]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
    "remove-by-id": _remove_by_id,
    "test": _test,
    "copy": _copy,
    "move": _move,
}
