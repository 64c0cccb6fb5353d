"""The least and the greatest value that one written less precisely may mean, and how precisely it is (N1 5.9)."""

from calendar import monthrange
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from tracker_core.fhirpath import quantities
from tracker_core.fhirpath.context import Items
from tracker_core.fhirpath.moments import Moment
from tracker_core.fhirpath.operators import single
from tracker_core.fhirpath.quantities import Quantity

_PLACES = 8
_MOST = 28
# Digits that are written up to each part: year, month … second with milliseconds
_DATE = (4, 6, 8, 10, 12, 17)
_TIME = (2, 4, 9)
_LATEST = ("9999", "12", "31", "23", "59", "59.999")
_EARLIEST = ("0001", "01", "01", "00", "00", "00.000")
_ZONES = {False: "+14:00", True: "-12:00"}


def boundary(high: bool) -> Callable[[Items, list[Items]], Items]:
    """Return the function `highBoundary` or `lowBoundary`."""

    def run(focus: Items, given: list[Items]) -> Items:
        value = single(focus)
        digits = single(given[0], "one number") if given else None
        made = _boundary(value, digits, high)
        return [] if made is None else [made]

    return run


def _boundary(value: Any, digits: Any, high: bool) -> Any:
    if isinstance(value, Moment):
        return _of_moment(value, digits, high)
    if isinstance(value, Quantity):
        number = _of_number(value.value, digits, high)
        return None if number is None else Quantity(number, value.unit)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _of_number(Decimal(value), digits, high)
    return None


def _of_number(value: Decimal, digits: Any, high: bool) -> Decimal | None:
    places = _PLACES if digits is None else digits
    if not isinstance(places, int) or not 0 <= places <= _MOST:
        return None
    half = Decimal(5).scaleb(-written_places(value) - 1)
    bound = value + half if high else value - half
    return bound.quantize(Decimal(1).scaleb(-places), rounding=ROUND_CEILING if high else ROUND_FLOOR)


def written_places(value: Decimal) -> int:
    """Return how many digits are written after the point."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _of_moment(value: Moment, digits: Any, high: bool) -> Moment | None:
    sizes = _TIME if value.kind == "time" else _DATE
    wanted = (8 if value.kind == "date" else sizes[-1]) if digits is None else digits
    if wanted not in sizes:
        return None
    count = sizes.index(wanted) + 1
    parts = _written(value)
    # An hour without minutes is read as the hour itself: FHIR has none.
    clock = 0 if value.kind == "time" else 3
    if len(parts) == clock + 1:
        parts.append("00")
    fill = (_LATEST if high else _EARLIEST)[3 if value.kind == "time" else 0 :]
    parts = [*parts, *fill[len(parts) :]]
    if value.kind != "time" and high and len(value.parts) < 3:
        parts[2] = str(monthrange(int(parts[0]), int(parts[1]))[1])
    return _made(value, parts[:count], high)


def _written(value: Moment) -> list[str]:
    widths = (2, 2) if value.kind == "time" else (4, 2, 2, 2, 2)
    out = [f"{int(part):0{width}}" for part, width in zip(value.parts, widths, strict=False)]
    for part in value.parts[len(widths) :]:
        whole, _, fraction = str(part).partition(".")
        out.append(f"{int(whole):02}.{(fraction + '000')[:3]}" if fraction else f"{int(whole):02}.000")
    return out


def _made(like: Moment, parts: list[str], high: bool) -> Moment:
    numbers = tuple(map(Decimal, parts))
    if like.kind == "time":
        return Moment("time", numbers, None, ":".join(parts))
    day, clock = "-".join(parts[:3]), ":".join(parts[3:])
    if not clock:
        return Moment("date" if like.kind == "date" else "dateTime", numbers, None, day)
    zone = like.text[-6:] if like.zone else "Z" if like.zone == 0 else _ZONES[high]
    minutes = like.zone if like.zone is not None else (-720 if high else 840)
    return Moment("dateTime", numbers, minutes, f"{day}T{clock}{zone}")


def precision(focus: Items, _given: list[Items]) -> Items:
    """Return how many digits a number has after the point, or a date or time in all."""
    value = single(focus)
    if isinstance(value, Moment):
        sizes = _TIME if value.kind == "time" else _DATE
        whole = len(value.parts) == len(sizes) and "." not in str(value.parts[-1])
        return [sizes[len(value.parts) - 1] - (3 if whole else 0)]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return [written_places(Decimal(value))]
    return []


def comparable(focus: Items, given: list[Items]) -> Items:
    """Tell whether two quantities measure the same."""
    one, other = single(focus), single(given[0])
    if not isinstance(one, Quantity) or not isinstance(other, Quantity):
        return []
    return [quantities.aligned(one, other) is not None]


BOUNDARIES = {
    "lowBoundary": (0, 1, boundary(high=False)),
    "highBoundary": (0, 1, boundary(high=True)),
    "precision": (0, 0, precision),
    "comparable": (1, 1, comparable),
}
