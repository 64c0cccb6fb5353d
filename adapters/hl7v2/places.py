"""Places of a message as settings name them: `PID-8`, `PID-5.1`, `PV1-3.4.2`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mappings import er7
from mappings.er7 import Message
from tracker_core.errors import Malformed

_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-(\d+)(?:\.(\d+)(?:\.(\d+))?)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a segment, or a component (subcomponent) of it; 0 stands for the whole."""

    text: str
    segment: str
    field: int
    component: int = 0
    sub: int = 0


def parse_place(text: str) -> Place:
    """Return a place. Raises `Malformed` for what is none."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise Malformed(f"{text!r} is no place such as PID-8 or PID-5.1", text)
    segment, *numbers = found.groups()
    return Place(text, segment, *(int(number or 0) for number in numbers))


@dataclass(frozen=True, slots=True)
class Value:
    """One value at a place: which segment of its name, which repetition (0 for an empty field), and its text."""

    segment: int
    repetition: int
    text: str

    def where(self, place: Place) -> str:
        """Return the value's own place, `PID[1]-3(2).4`."""
        parts = "".join(f".{number}" for number in (place.component, place.sub) if number)
        repeated = f"({self.repetition})" if self.repetition else ""
        return f"{place.segment}[{self.segment}]-{place.field}{repeated}{parts}"


def values(message: Message, place: Place) -> Iterator[Value]:
    """Yield what stands at a place, by segment and repetition; an empty field once, as the empty text.

    A whole field is its raw text without escapes; null (two quotes) counts as empty.
    """
    for number, segment in enumerate(message.all(place.segment), 1):
        raw = er7.get(segment, place.field)
        if not raw:
            yield Value(number, 0, "")
            continue
        for repetition, text in enumerate(er7.split(raw, message.encoding.repetition), 1):
            alone = ["", text]
            whole = er7.unescape("" if text == er7.NULL else text, message.encoding)
            part = er7.value(alone, message.encoding, 1, place.component or 1, place.sub or 1)
            yield Value(number, repetition, part if place.component else whole)


def codes(message: Message, place: Place) -> Iterator[Value]:
    """Yield as `values` does, of a whole field its first component: the code of a coded field."""
    coded = Place(place.text, place.segment, place.field, place.component or 1, place.sub)
    return values(message, coded)
