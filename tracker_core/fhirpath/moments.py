"""Dates and times of any precision, compared as FHIRPath compares them (N1 6.1.1, 6.2)."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(T)?(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?\Z"
)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?\Z")
Kind = Literal["date", "dateTime", "time"]
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE = range(5)
UNITS = {
    "year": 0, "month": 1, "week": 2, "day": 2, "hour": 3, "minute": 4, "second": 5, "millisecond": 5,
    "wk": 2, "d": 2, "h": 3, "min": 4, "s": 5, "ms": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, time or both. `parts` are year, month, day, hour, minute, second as far as they are said; a time has
    hour, minute, second. `zone` is minutes east of Greenwich, None where it is not said."""

    kind: Kind
    parts: tuple[Decimal, ...]
    zone: int | None
    text: str

    @property
    def universal(self) -> tuple[Decimal, ...]:
        """The parts as they are at Greenwich, where the zone and the minute are known."""
        if not self.zone or len(self.parts) <= _MINUTE:
            return self.parts
        year, month, day, hour, minute = (int(part) for part in self.parts[:5])
        moved = datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(minutes=self.zone)
        clock = (moved.year, moved.month, moved.day, moved.hour, moved.minute)
        return (*map(Decimal, clock), *self.parts[5:])


def read_moment(text: str, kind: str) -> Moment | None:
    """Return what a text of the FHIR type `kind` says, None when it is no such text."""
    if kind == "time":
        match = _TIME.match(text)
        return Moment("time", _numbers(match.groups()), None, text) if match else None
    match = _DATE.match(text)
    if match is None:
        return None
    zone = _zone(match[8]) if match[8] else None
    parts = _numbers([part for n, part in enumerate(match.groups(), 1) if n not in (4, 8)])
    made: Kind = "date" if kind == "date" and len(parts) <= _HOUR and not match[4] else "dateTime"
    return Moment(made, parts, zone, text)


def _numbers(parts: tuple[str | None, ...] | list[str | None]) -> tuple[Decimal, ...]:
    return tuple(Decimal(part) for part in parts if part is not None)


def _zone(text: str) -> int:
    if text == "Z":
        return 0
    return (1 if text[0] == "+" else -1) * (int(text[1:3]) * 60 + int(text[4:6]))


def compare(left: Moment, right: Moment) -> int | None:
    """Return -1, 0 or 1, or None where their precision or a zone that only one has leaves it open."""
    if (left.kind == "time") != (right.kind == "time"):
        return None
    both = len(left.parts) > _HOUR and len(right.parts) > _HOUR
    if both and left.kind != "time" and (left.zone is None) != (right.zone is None):
        return None
    mine, theirs = left.universal, right.universal
    for one, other in zip(mine, theirs, strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(mine) == len(theirs) else None


def add(moment: Moment, amount: Decimal, unit: str) -> Moment | None:
    """Return the moment later by an amount of calendar units (years, `a`), at its own precision; None for a time span
    that it cannot be moved by (N1 6.6.7)."""
    place = UNITS.get(unit.removesuffix("s") if len(unit) > 3 else unit)
    if place is None:
        return None
    singular = unit.removesuffix("s") if len(unit) > 3 else unit
    if moment.kind == "time":
        return _later_time(moment, amount, singular)
    whole = int(amount)
    if place <= _MONTH and singular != "week":
        return _later_months(moment, whole * 12 if place == _YEAR else whole)
    seconds = _seconds(singular)
    return _later_seconds(moment, amount * seconds if place > _MINUTE else whole * seconds)


def _seconds(unit: str) -> Decimal:
    sizes = {"week": 604800, "wk": 604800, "day": 86400, "d": 86400, "hour": 3600, "h": 3600, "minute": 60, "min": 60}
    return Decimal("0.001") if unit in ("millisecond", "ms") else Decimal(sizes.get(unit, 1))


def _later_months(moment: Moment, months: int) -> Moment | None:
    year = int(moment.parts[0])
    month = int(moment.parts[1]) if len(moment.parts) > _MONTH else 1
    total = year * 12 + month - 1 + months
    if len(moment.parts) == 1:
        return _written(moment, (Decimal(total // 12),))
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        return None
    parts = [Decimal(year), Decimal(month), *moment.parts[2:]]
    if len(parts) > _DAY:
        parts[2] = min(parts[2], Decimal(monthrange(year, month)[1]))
    return _written(moment, tuple(parts))


def _later_seconds(moment: Moment, seconds: Decimal) -> Moment | None:
    size = len(moment.parts)
    if size <= _DAY:
        days = int(seconds / 86400)
        return _later_months(moment, int(days / 365) * 12 if size == 1 else int(days / 30))
    year, month, day, hour, minute = [*map(int, moment.parts[:5]), 0, 0][:5]
    second = moment.parts[5] if size > 5 else Decimal(0)
    total = second + seconds
    try:
        moved = datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=int(total // 1))
    except OverflowError:
        return None
    clock = (moved.year, moved.month, moved.day, moved.hour, moved.minute)
    return _written(moment, (*map(Decimal, clock), Decimal(moved.second) + total % 1)[:size])


def _later_time(moment: Moment, amount: Decimal, unit: str) -> Moment:
    size = len(moment.parts)
    hour, minute, second = (*moment.parts, Decimal(0), Decimal(0))[:3]
    total = (hour * 3600 + minute * 60 + second + amount * _seconds(unit)) % 86400
    parts = (total // 3600, total % 3600 // 60, total % 60)
    return _written(moment, parts[:size])


def _written(like: Moment, parts: tuple[Decimal, ...]) -> Moment:
    clock = parts if like.kind == "time" else parts[3:]
    day = "" if like.kind == "time" else "-".join([f"{int(parts[0]):04}", *(f"{int(p):02}" for p in parts[1:3])])
    hours = ":".join([f"{int(p):02}" for p in clock[:2]] + [_second(p) for p in clock[2:3]])
    mark = "T" if day and "T" in like.text else ""
    zone = like.text[-1:] if like.text.endswith("Z") else like.text[-6:] if like.zone is not None else ""
    return Moment(like.kind, parts, like.zone, f"{day}{mark}{hours}{zone}")


def _second(value: Decimal) -> str:
    whole, _, fraction = str(value).partition(".")
    return f"{int(whole):02}" + (f".{fraction}" if fraction else "")


def today(now: datetime) -> Moment:
    """Return the day of a time."""
    day: date = now.date()
    return Moment("date", tuple(map(Decimal, (day.year, day.month, day.day))), None, day.isoformat())


def at(now: datetime) -> Moment:
    """Return a time as a moment, to the millisecond."""
    found = read_moment(now.isoformat(timespec="milliseconds"), "dateTime")
    assert found is not None
    return found
