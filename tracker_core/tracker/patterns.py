"""TextPatterns: how generated attribute values are made (Web API 2.42, "Reserved and generated attribute values").

A pattern is segments joined by `+`: `"TEXT"`, `ORG_UNIT_CODE(...)`, `CURRENT_DATE(yyyyMM)` are fixed once they are
resolved, and the one generated segment, `RANDOM(#Xx*)` or `SEQUENTIAL(####)`, makes the values differ.
"""

import re
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import product
from math import prod
from typing import Literal, TypeAlias, cast

from tracker_core.errors import Conflict

Method: TypeAlias = Literal["TEXT", "ORG_UNIT_CODE", "CURRENT_DATE", "RANDOM", "SEQUENTIAL"]

_SEGMENT = re.compile(
    r'\s*(?:"(?P<TEXT>(?:\\.|[^"\\])*)"'
    r"|ORG_UNIT_CODE\((?P<ORG_UNIT_CODE>\^?\.*\$?)\)"
    r"|CURRENT_DATE\((?P<CURRENT_DATE>[^()]+)\)"
    r"|RANDOM\((?P<RANDOM>[#Xx*]+)\)"
    r"|SEQUENTIAL\((?P<SEQUENTIAL>#+)\))\s*"
)
_GENERATED = ("RANDOM", "SEQUENTIAL")
_ALPHABETS = {
    "#": string.digits,
    "X": string.ascii_uppercase,
    "x": string.ascii_lowercase,
    "*": string.digits + string.ascii_letters,
}
_CLASSES = {"#": "[0-9]", "X": "[A-Z]", "x": "[a-z]", "*": "[0-9A-Za-z]"}
# Runs of letters in a date format, as Java's SimpleDateFormat reads them, and how many digits each gives.
_DATE_PARTS = {"yyyy": ("%Y", 4), "yy": ("%y", 2), "MM": ("%m", 2), "dd": ("%d", 2), "DDD": ("%j", 3), "ww": ("%V", 2)}
_DATE_RUN = re.compile(r"([A-Za-z])\1*")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a pattern: its method, what stands in its brackets or quotes, and how it was written."""

    method: Method
    format: str
    raw: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A pattern of which only the generated segment, if it has one, is open.

    `key` is the pattern with the rest resolved: values of one key share a sequence.
    """

    before: str
    generated: Segment | None
    after: str

    @property
    def key(self) -> str:
        """What the values are counted under."""
        return self.before + (self.generated.raw if self.generated else "") + self.after

    def value(self, made: str) -> str:
        """Return the whole value around a generated part."""
        return self.before + made + self.after


@lru_cache(maxsize=256)
def parse_pattern(text: str) -> tuple[Segment, ...]:
    """Return the segments of a pattern. Raises `Conflict` when it is none, or has more than one generated segment."""
    segments, at = [], 0
    while found := _SEGMENT.match(text, at):
        method = cast("Method", found.lastgroup)
        segments.append(Segment(method, found[method], found[0].strip()))
        at = found.end()
        if at == len(text) or text[at] != "+":
            break
        at += 1
    if at != len(text) or not segments or text.endswith("+"):
        raise Conflict(f"the pattern cannot be read at position {at}: {text}")
    if sum(segment.method in _GENERATED for segment in segments) > 1:
        raise Conflict(f"the pattern has more than one generated segment: {text}")
    return tuple(segments)


def required_values(segments: tuple[Segment, ...]) -> dict[str, list[str]]:
    """Return the methods whose values a caller must give (REQUIRED), and those it may leave to the server."""
    methods = [segment.method for segment in segments]
    return {
        "REQUIRED": [method for method in methods if method == "ORG_UNIT_CODE"],
        "OPTIONAL": [method for method in methods if method in _GENERATED],
    }


def resolve(segments: tuple[Segment, ...], given: Mapping[str, str], today: date) -> Resolved:
    """Fill in everything but the generated segment; `given` has the values that the caller must bring.

    Raises `Conflict` for one that is missing or too short for its format.
    """
    parts: list[str] = ["", ""]
    generated: Segment | None = None
    for segment in segments:
        if segment.method in _GENERATED:
            generated = segment
        else:
            parts[generated is not None] += _fixed(segment, given, today)
    return Resolved(parts[0], generated, parts[1])


def _fixed(segment: Segment, given: Mapping[str, str], today: date) -> str:
    if segment.method == "TEXT":
        return re.sub(r"\\(.)", r"\1", segment.format)
    if segment.method == "CURRENT_DATE":
        return _DATE_RUN.sub(lambda run: today.strftime(_date_part(run[0])[0]), segment.format)
    text = given.get("ORG_UNIT_CODE", "")
    if not text:
        raise Conflict("Missing required values: ORG_UNIT_CODE")
    if not segment.format:
        return text
    found = re.search(segment.format, text)
    if found is None:
        raise Conflict(f"The value '{text}' is too short for {segment.raw}")
    return found[0]


def _date_part(run: str) -> tuple[str, int]:
    if run not in _DATE_PARTS:
        raise Conflict(f"'{run}' is not offered in CURRENT_DATE; use {', '.join(_DATE_PARTS)}")
    return _DATE_PARTS[run]


def matches(pattern: str, value: str) -> bool:
    """Tell whether `value` could have been made by `pattern`, whatever day and org unit it was made for."""
    return _expression(pattern).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_expected(segment) for segment in parse_pattern(pattern)), re.DOTALL)


def _expected(segment: Segment) -> str:
    if segment.method == "TEXT":
        return re.escape(re.sub(r"\\(.)", r"\1", segment.format))
    if segment.method == "CURRENT_DATE":
        pieces, at = [], 0
        for run in _DATE_RUN.finditer(segment.format):
            pieces += [re.escape(segment.format[at : run.start()]), f"[0-9]{{{_date_part(run[0])[1]}}}"]
            at = run.end()
        return "".join(pieces) + re.escape(segment.format[at:])
    if segment.method == "ORG_UNIT_CODE":
        return f".{{{segment.format.count('.')}}}" if segment.format else ".+"
    return "".join(_CLASSES[letter] for letter in segment.format)


def space(segment: Segment) -> int:
    """Return how many values a generated segment can make."""
    return prod(len(_ALPHABETS[letter]) for letter in segment.format)


def every(segment: Segment) -> Iterator[str]:
    """Return all that a generated segment can make, in order."""
    return ("".join(letters) for letters in product(*(_ALPHABETS[letter] for letter in segment.format)))


def random_value(segment: Segment) -> str:
    """Return a value that nobody can foresee."""
    return "".join(secrets.choice(_ALPHABETS[letter]) for letter in segment.format)
