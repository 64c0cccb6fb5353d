"""JSON Patch on a parsed document (RFC 6902, with the pointers of RFC 6901)."""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.fhir.patching.places import Mismatch
from tracker_core.errors import Malformed

_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `source` is the `from` of a move or copy."""

    op: str
    path: tuple[str, ...]
    value: Any = None
    source: tuple[str, ...] = ()


def read_operations(patch: Any) -> list[Operation]:
    """Return the operations of a parsed patch. Raises `Malformed` naming the one that is none."""
    if not isinstance(patch, list):
        raise Malformed("a JSON Patch is an array of operations")
    return [_operation(one, f"[{number}]") for number, one in enumerate(patch)]


def _operation(one: Any, where: str) -> Operation:
    op = one.get("op") if isinstance(one, dict) else None
    if op not in _OPERATIONS:
        raise Malformed(f"an operation has an op of {', '.join(_OPERATIONS)}", where=where)
    if op in ("add", "replace", "test") and "value" not in one:
        raise Malformed(f"{op} needs a value", where=where)
    source = _pointer(one.get("from"), where) if op in ("move", "copy") else ()
    return Operation(op, _pointer(one.get("path"), where), one.get("value"), source)


def _pointer(text: Any, where: str) -> tuple[str, ...]:
    if not isinstance(text, str) or (text and text[0] != "/"):
        raise Malformed(f"{text!r} is no JSON Pointer", where=where)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def apply(document: Any, operations: Sequence[Operation]) -> Any:
    """Return the document after all operations; it is changed in place. Raises `Mismatch` for one that does not fit."""
    for operation in operations:
        document = _OPERATIONS[operation.op](document, operation)
    return document


def _add(document: Any, operation: Operation) -> Any:
    return _put(document, operation.path, copy.deepcopy(operation.value))


def _put(document: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    holder = _find(document, path[:-1])
    key = path[-1]
    if isinstance(holder, list):
        holder.insert(len(holder) if key == "-" else _index(key, len(holder), path), value)
    elif isinstance(holder, dict):
        holder[key] = value
    else:
        raise _missing(path)
    return document


def _remove(document: Any, operation: Operation) -> Any:
    _take(document, operation.path)
    return document


def _take(document: Any, path: tuple[str, ...]) -> Any:
    taken = _find(document, path)
    if not path:
        raise Mismatch("the whole document cannot be removed", "/")
    holder = _find(document, path[:-1])
    del holder[path[-1] if isinstance(holder, dict) else int(path[-1])]
    return taken


def _replace(document: Any, operation: Operation) -> Any:
    _find(document, operation.path)
    if not operation.path:
        return copy.deepcopy(operation.value)
    holder = _find(document, operation.path[:-1])
    key = operation.path[-1]
    holder[key if isinstance(holder, dict) else int(key)] = copy.deepcopy(operation.value)
    return document


def _move(document: Any, operation: Operation) -> Any:
    if operation.path[: len(operation.source)] == operation.source != operation.path:
        raise Mismatch("a value cannot be moved into itself", _shown(operation.path))
    return _put(document, operation.path, _take(document, operation.source))


def _copy(document: Any, operation: Operation) -> Any:
    return _put(document, operation.path, copy.deepcopy(_find(document, operation.source)))


def _test(document: Any, operation: Operation) -> Any:
    if not _equal(_find(document, operation.path), operation.value):
        raise Mismatch("the test failed", _shown(operation.path))
    return document


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _find(document: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list):
            document = document[_index(step, len(document) - 1, path)]
        else:
            raise _missing(path)
    return document


def _index(step: str, last: int, path: tuple[str, ...]) -> int:
    if not _INDEX.match(step) or int(step) > last:
        raise _missing(path)
    return int(step)


def _missing(path: tuple[str, ...]) -> Mismatch:
    return Mismatch("there is nothing at the path", _shown(path))


def _shown(path: tuple[str, ...]) -> str:
    return "/" + "/".join(path)


_OPERATIONS: dict[str, Callable[[Any, Operation], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
