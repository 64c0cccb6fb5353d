"""The left side of a row: fields of an ER7 segment, parts of an ER7 value, or keys of a flat or nested document.

    SEG-n[.n[.n]]    SEG-n,n…    .n[.n]    key[.key…]

An ER7 segment is a list whose item n is field n; the parts of a value are given the same shape.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mappings.paths import BadRow
from mappings.scope import Scope

Segment = list[str]
_SEGMENT = re.compile(r"(?P<seg>[A-Z][A-Z0-9]{2})-(?P<fields>\d+(?:,\d+)*)(?:\.(?P<comp>\d+)(?:\.(?P<sub>\d+))?)?\Z")
_PART = re.compile(r"\.(?P<comp>\d+)(?:\.(?P<sub>\d+))?\Z")


@dataclass(frozen=True, slots=True)
class Left:
    """One parsed left side. `fields` are positions in the list; `inner` the parts below, outermost first.

    `depth` is that of the value: 1 a repetition, 2 a component, 3 a subcomponent.
    """

    text: str
    segment: str
    fields: tuple[int, ...]
    inner: tuple[int, ...]
    depth: int


def parse_segment_left(text: str, segment: str) -> Left:
    """Parse a left side of a segment table. Raises `BadRow`."""
    match = _SEGMENT.match(text)
    if match is None or match["seg"] != segment:
        raise BadRow(f"{text!r} is no field of {segment}")
    fields = tuple(int(n) for n in match["fields"].split(","))
    inner = tuple(int(n) for n in (match["comp"], match["sub"]) if n)
    if len(fields) > 1 and inner:
        raise BadRow(f"{text!r}: several fields have no parts in common")
    return Left(text, segment, fields, inner, 1 + len(inner))


def parse_part_left(text: str, depth: int) -> Left:
    """Parse a left side of a type table whose value lies at `depth`. Raises `BadRow`."""
    match = _PART.match(text)
    if match is None:
        raise BadRow(f"{text!r} is no part of a value")
    inner = (int(match["sub"]),) if match["sub"] else ()
    return Left(text, "", (int(match["comp"]),), inner, depth + 1 + len(inner))


def part_of(left: Left, top: int) -> Callable[[str, Scope], str]:
    """Return the function that takes the named part out of a value; `top` is the depth of that value."""
    if not left.inner:
        return lambda text, _scope: text
    first = left.inner[0] - 1
    if len(left.inner) == 1:
        return lambda text, scope: piece(text, scope.marks[top], first)
    second = left.inner[1] - 1
    return lambda text, scope: piece(piece(text, scope.marks[top], first), scope.marks[top + 1], second)


def piece(text: str, mark: str, index: int) -> str:
    """Return part `index` of a value, empty when it has fewer."""
    parts = text.split(mark, index + 1)
    return parts[index] if index < len(parts) else ""


def with_part(text: str, part: str, left: Left, top: int, scope: Scope) -> str:
    """Return the value `text` with its named part replaced; the other parts stay."""
    if not left.inner:
        return part
    return replace_piece(text, part, left.inner, top, scope)


def replace_piece(text: str, part: str, inner: tuple[int, ...], depth: int, scope: Scope) -> str:
    """Replace the part that `inner` names in a value at `depth`."""
    mark, index = scope.marks[depth], inner[0] - 1
    parts = text.split(mark)
    parts += [""] * (index + 1 - len(parts))
    parts[index] = replace_piece(parts[index], part, inner[1:], depth + 1, scope) if inner[1:] else part
    return mark.join(parts)


def field_text(segment: Segment, index: int) -> str:
    """Return the text of a field, empty when the segment is shorter."""
    return segment[index] if index < len(segment) else ""


def set_field(segment: Segment, index: int, text: str) -> None:
    """Set the text of a field; the segment grows only for a text."""
    if index < len(segment):
        segment[index] = text
    elif text:
        segment.extend([""] * (index + 1 - len(segment)))
        segment[index] = text
