"""What the standard calls segments and fields (`fields.txt`): for people who look at a message."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("fields.txt")


@dataclass(frozen=True, slots=True)
class FieldName:
    """One field: its name, its data type (of version 2.9), and whether it may repeat."""

    name: str
    type: str
    repeats: bool


@dataclass(frozen=True, slots=True)
class SegmentName:
    """One segment: what it is called, and its fields by number."""

    name: str
    fields: dict[int, FieldName] = field(default_factory=dict)


NOTHING = SegmentName("")


@cache
def segments() -> dict[str, SegmentName]:
    """Return every segment that has names, by its three letters."""
    known: dict[str, SegmentName] = {}
    current = NOTHING
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        first, rest = line.split(" ", 1)
        if first.isdigit():
            type, name = rest.split(" ", 1)
            current.fields[int(first)] = FieldName(name, type.rstrip("*"), type.endswith("*"))
        else:
            current = known[first] = SegmentName(rest)
    return known


def named(segment: str) -> SegmentName:
    """Return the names of a segment; a Z segment or an unknown one has none."""
    return segments().get(segment, NOTHING)
