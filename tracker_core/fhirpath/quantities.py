"""Quantities, compared in any unit that measures the same (N1 6.1.1, 6.6)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tracker_core.records import units

# Calendar words and the UCUM units that they equal as durations
CALENDAR = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a unit: UCUM's code, or a calendar word (`days`)."""

    value: Decimal
    unit: str = "1"

    def __str__(self) -> str:
        return f"{self.value} {self.unit}" if self.unit.rstrip("s") in CALENDAR else f"{self.value} '{self.unit}'"


def read_quantity(document: dict[str, Any]) -> Quantity | None:
    """Return what a Quantity element says, None where it has no number or a comparator."""
    value = document.get("value")
    if value is None or isinstance(value, bool) or "comparator" in document:
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return Quantity(number, str(document.get("code") or document.get("unit") or "1"))


def ucum(unit: str) -> str:
    """Return the unit in UCUM's code."""
    return CALENDAR.get(unit.removesuffix("s") if len(unit) > 2 else unit, unit)


def compare(left: Quantity, right: Quantity) -> int | None:
    """Return -1, 0 or 1, None where the units do not measure the same."""
    values = aligned(left, right)
    # A calendar year is not the year of physics: neither equal to it nor not (N1 6.1.1).
    if values is None or (left.unit != right.unit and ucum(left.unit) in ("a", "mo") and _mixed(left, right)):
        return None
    return (values[0] > values[1]) - (values[0] < values[1])


def _mixed(left: Quantity, right: Quantity) -> bool:
    return (ucum(left.unit) == left.unit) != (ucum(right.unit) == right.unit)


def aligned(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    """Return both numbers in the unit of `left`."""
    mine, theirs = ucum(left.unit), ucum(right.unit)
    if mine == theirs:
        return left.value, right.value
    one, other = units.scale(mine), units.scale(theirs)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return left.value, one.from_other(right.value, other).normalize()
