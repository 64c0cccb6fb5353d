"""Codecs over a start, an amount of time and its unit: periods, minutes, the bounds of a timing.

HL7 v2.9 chapters 4.5.4 (TQ1) and 10.6 (AIS, AIG, AIL, AIP); units as senders and UCUM write them.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mappings.codecs.choices import head
from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.dates import read_datetime, write_dtm
from mappings.codecs.identifiers import joined, parts
from mappings.codecs.text import read_decimal, write_decimal
from mappings.er7 import NULL
from mappings.naming import SYSTEMS
from mappings.scope import Scope, Unfit

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800}
SPELLINGS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("", "m", "min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "wk"),
    **dict.fromkeys(("l", "mo", "month", "months"), "mo"),
    **dict.fromkeys(("a", "y", "yr", "year", "years"), "a"),
}


def unit_of(text: str) -> str:
    """Return the UCUM unit of time that a sender names; minutes when it names none. Raises `Unfit`."""
    unit = SPELLINGS.get(text.strip().lower())
    if unit is None:
        raise Unfit(f"{text} is no unit of time", "unit")
    return unit


def elapsed(amount: Decimal, unit: str) -> timedelta:
    """Return an amount of time. Raises `Unfit` for months and years, whose length is no number."""
    if unit not in SECONDS or abs(amount) > 10**9:
        raise Unfit(f"{amount} {unit} is no fixed time", "unit")
    return timedelta(seconds=float(amount * SECONDS[unit]))


def shifted(moment: str, by: timedelta) -> str:
    """Return a FHIR dateTime later by some time, in its own offset; a day without time moves by whole days."""
    if "T" in moment:
        return (datetime.fromisoformat(moment) + by).isoformat()
    if len(moment) < 10:
        raise Unfit("a month or a year has no moment to count from", "unit")
    return (datetime.fromisoformat(moment) + by).date().isoformat()


def minutes_of(amount: Decimal, unit: str) -> int:
    """Return an amount of time in whole minutes. Raises `Unfit` for what is none."""
    minutes = elapsed(amount, unit) / timedelta(minutes=1)
    if minutes < 0 or minutes != int(minutes):
        raise Unfit("not a number of whole minutes", "unit")
    return int(minutes)


def read_minutes(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read an amount and its unit as whole minutes (SCH-9,10)."""
    amount = read_decimal(head(texts[0], scope))
    if amount is MISSING:
        return None if texts[0] == NULL else MISSING
    return minutes_of(amount, unit_of(head(texts[1], scope))) or MISSING


def write_minutes(value: Any, _scope: Scope, _old: list[str]) -> list[str] | None:
    """Write minutes with their unit."""
    return [str(value), "min"] if isinstance(value, int) else None


def quantity_of_time(text: str, scope: Scope) -> tuple[Decimal, str] | None:
    """Return amount and unit of a CQ, None for an empty one."""
    amount, unit = [*parts(text.split(scope.marks[0], maxsplit=1)[0], scope.marks[1], scope), "", ""][:2]
    number = read_decimal(amount)
    return None if number is MISSING else (number, unit_of(unit.split(scope.marks[2])[0]))


def read_offset(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read a CQ as whole minutes (TQ1-5)."""
    found = quantity_of_time(texts[0], scope)
    return MISSING if found is None else minutes_of(*found)


def read_span(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read a start, a duration and its unit as a Period (AIP-6,9,10). A duration alone says nothing."""
    start = read_datetime(head(texts[0], scope), scope)
    if start is MISSING:
        return None if texts[0] == NULL else MISSING
    amount = read_decimal(head(texts[1], scope))
    if amount is MISSING:
        return {"start": start}
    return {"start": start, "end": shifted(start, elapsed(amount, unit_of(head(texts[2], scope))))}


def write_span(value: Any, scope: Scope, _old: list[str]) -> list[str] | None:
    """Write a Period as start, duration and unit; one without start has no place."""
    start, end = value.get("start"), value.get("end")
    text = write_dtm(start, scope)
    if text is None:
        return None
    if not end or ("T" in start) != ("T" in end):
        return [text, "", ""]
    seconds = int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    unit = "min" if seconds % 60 == 0 else "s"
    return [text, str(seconds // SECONDS[unit]), unit]


def read_performed(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read a start and a number of minutes: a period, without the minutes a moment (PR1-5,7)."""
    span = read_span([*texts, "min"], scope, None)
    if not isinstance(span, dict):
        return span
    return {"performedPeriod": span} if "end" in span else {"performedDateTime": span["start"]}


def write_performed(value: Any, scope: Scope, _old: list[str]) -> list[str] | None:
    """Write a moment, or a period as its start and minutes."""
    if "performedDateTime" in value:
        text = write_dtm(value["performedDateTime"], scope)
        return None if text is None else [text, ""]
    found = write_span(value.get("performedPeriod") or {}, scope, [])
    return found[:2] if found and found[2] != "s" else None


def read_bounds(texts: list[str], scope: Scope, _old: Any) -> Any:
    """Read a duration, a start and an end as the bounds of a timing (TQ1-6,7,8): any two make a period."""
    duration = quantity_of_time(texts[0], scope)
    start, end = (read_datetime(head(text, scope), scope) for text in texts[1:])
    if start is MISSING and end is MISSING:
        if duration is None:
            return None if NULL in texts else MISSING
        amount, unit = duration
        return {"boundsDuration": {"value": amount, "unit": unit, "system": SYSTEMS["ucum"], "code": unit}}
    if duration is not None and start is MISSING:
        start = shifted(end, -elapsed(*duration))
    elif duration is not None and end is MISSING:
        end = shifted(start, elapsed(*duration))
    return {"boundsPeriod": {name: v for name, v in (("start", start), ("end", end)) if v is not MISSING}}


def write_bounds(value: Any, scope: Scope, _old: list[str]) -> list[str] | None:
    """Write the bounds of a timing; a range has no place."""
    if "boundsDuration" in value:
        content = value["boundsDuration"]
        number = write_decimal(content.get("value"))
        unit = content.get("code") or content.get("unit") or ""
        return [joined([number, unit], scope.marks[1], scope), "", ""] if number else None
    if "boundsPeriod" not in value:
        return None
    period = value["boundsPeriod"]
    return ["", *(write_dtm(period.get(name), scope) or "" for name in ("start", "end"))]


CODECS = (
    Codec("minutes", read_minutes, write_minutes, "fields", arity=2),
    Codec("offset", read_offset, lambda _value, _scope, _old: None, "fields", arity=1),
    Codec("span", read_span, write_span, "fields", targets=("start", "end"), arity=3),
    Codec("performed", read_performed, write_performed, "fields", targets=("start", "end"), arity=2),
    Codec("bounds", read_bounds, write_bounds, "fields", targets=("start", "end"), arity=3),
)
