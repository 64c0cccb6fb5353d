"""Conversions between plain values, and the questions whether they are possible (N1 5.5)."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tracker_core.fhirpath.context import Items
from tracker_core.fhirpath.moments import Moment, read_moment
from tracker_core.fhirpath.nodes import Node
from tracker_core.fhirpath.operators import single
from tracker_core.fhirpath.quantities import CALENDAR, Quantity

_INTEGER = re.compile(r"[+-]?\d+\Z")
_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?\Z")
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([A-Za-z]+))?\Z")
_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        return True if value.lower() in _TRUE else False if value.lower() in _FALSE else None
    return None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool | int):
        return int(value)
    return int(value) if isinstance(value, str) and _INTEGER.match(value) else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool | int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _DECIMAL.match(value) else None


def _string(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Moment):
        return value.text
    return None if isinstance(value, Node) else format(value, "f") if isinstance(value, Decimal) else str(value)


def _moment(kind: str) -> Callable[[Any], Moment | None]:
    def read(value: Any) -> Moment | None:
        text = value.text if isinstance(value, Moment) else value
        if not isinstance(text, str):
            return None
        if kind == "date":
            text = text.partition("T")[0]
        found = read_moment(text, kind)
        if kind == "dateTime" and found is not None and found.kind == "date":
            return Moment("dateTime", found.parts, found.zone, found.text)
        return found

    return read


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool | int | Decimal):
        return Quantity(Decimal(value))
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    if match is None or (match[3] and match[3].removesuffix("s") not in CALENDAR):
        return None
    return Quantity(Decimal(match[1]), match[2] or match[3] or "1")


def _to(read: Callable[[Any], Any]) -> Callable[[Items, list[Items]], Items]:
    def run(focus: Items, _given: list[Items]) -> Items:
        value = single(focus)
        made = None if value is None else read(value)
        return [] if made is None else [made]

    return run


def _can(read: Callable[[Any], Any]) -> Callable[[Items, list[Items]], Items]:
    def run(focus: Items, _given: list[Items]) -> Items:
        value = single(focus)
        return [] if value is None else [read(value) is not None]

    return run


_READERS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "Boolean": (0, _boolean),
    "Integer": (0, _integer),
    "Decimal": (0, _decimal),
    "String": (0, _string),
    "Date": (0, _moment("date")),
    "DateTime": (0, _moment("dateTime")),
    "Time": (0, _moment("time")),
    "Quantity": (1, _quantity),
}
CONVERSIONS = {
    **{f"to{name}": (0, most, _to(read)) for name, (most, read) in _READERS.items()},
    **{f"convertsTo{name}": (0, most, _can(read)) for name, (most, read) in _READERS.items()},
}
