"""Places within a JSON value: `a.b[0].c`; the empty path and `.` are the value itself."""

import re
from typing import Any

from tracker_core.errors import Malformed

Steps = tuple[str | int, ...]
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")
MISSING = object()


def steps(path: str) -> Steps:
    """Return the steps of a path. Raises `Malformed` for one that cannot be read."""
    if path in ("", "."):
        return ()
    found: list[str | int] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise Malformed(f"Not a valid path: '{path}'")
        found.append(step[1] if step[1] is not None else int(step[2]))
        at = step.end()
    return tuple(found)


def look(value: Any, path: Steps) -> Any:
    """Return what stands at `path`, or `MISSING`."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return MISSING
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return MISSING
    return value


def change(value: Any, path: str, new: Any, roll: int = 0) -> Any:
    """Return `value` with `new` at `path`; what the path needs on its way is made.

    With `roll` the place holds a list that `new` is appended to, of which the last `roll` stay.
    Raises `Malformed` when the path leads through something that is neither object nor list.
    """
    return _changed(value, steps(path), path, new, roll)


def _changed(value: Any, rest: Steps, path: str, new: Any, roll: int) -> Any:
    if not rest:
        if not roll:
            return new
        kept = value if isinstance(value, list) else []
        return [*kept, new][-abs(roll) :]
    step = rest[0]
    if isinstance(step, str) and isinstance(value, dict | None):
        inner = (value or {}).get(step)
        return {**(value or {}), step: _changed(inner, rest[1:], path, new, roll)}
    if isinstance(step, int) and isinstance(value, list | None):
        items = list(value or [])
        items += [None] * (step + 1 - len(items))
        items[step] = _changed(items[step], rest[1:], path, new, roll)
        return items
    raise Malformed(f"The path '{path}' does not fit the value")
