"""DHIS2's periods: identifier <-> dates <-> ADX interval, for every period type of the Gregorian calendar.

Three families cover them all. Days; weeks, which differ by their first weekday; and spans of months, which differ by
length and by the month that the year starts with. (DHIS2 2.42 Web API, "Date and period format"; IHE QRPH ADX,
"group/@period".)
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """One period: its type, its identifier as DHIS2 writes it, and its first and last day, both inclusive."""

    type: str
    id: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class _Months:
    """A type made of `12 / step` spans of `step` months; the named year starts `offset` months after its January."""

    template: str
    step: int = 12
    offset: int = 0


_WEEKS = {
    "Weekly": ("W", 0),
    "WeeklyWednesday": ("WedW", 2),
    "WeeklyThursday": ("ThuW", 3),
    "WeeklyFriday": ("FriW", 4),
    "WeeklySaturday": ("SatW", 5),
    "WeeklySunday": ("SunW", 6),
}
_MONTHS = {
    "Monthly": _Months("{year}{n:02}", 1),
    "BiMonthly": _Months("{year}{n:02}B", 2),
    "Quarterly": _Months("{year}Q{n}", 3),
    "QuarterlyNov": _Months("{year}NovQ{n}", 3, -2),
    "SixMonthly": _Months("{year}S{n}", 6),
    "SixMonthlyApril": _Months("{year}AprilS{n}", 6, 3),
    "SixMonthlyNov": _Months("{year}NovS{n}", 6, -2),
    "Yearly": _Months("{year}"),
    "FinancialFeb": _Months("{year}Feb", offset=1),
    "FinancialApril": _Months("{year}April", offset=3),
    "FinancialJuly": _Months("{year}July", offset=6),
    "FinancialAug": _Months("{year}Aug", offset=7),
    "FinancialSep": _Months("{year}Sep", offset=8),
    "FinancialOct": _Months("{year}Oct", offset=9),
    "FinancialNov": _Months("{year}Nov", offset=-2),
}
TYPES = ("Daily", *_WEEKS, "BiWeekly", *_MONTHS)
"""The names of all period types."""

_DAY = re.compile(r"(\d{4})(-?)(\d\d)\2(\d\d)", re.ASCII)
_WEEK = re.compile(r"(\d{4})(|Wed|Thu|Fri|Sat|Sun)W(\d{1,2})", re.ASCII)
_BIWEEK = re.compile(r"(\d{4})BiW(\d{1,2})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_ADX = re.compile(r"(\d{4}-\d\d-\d\d)/(P\d{1,2}[DMY])", re.ASCII)
_SPANS = {1: "P1M", 2: "P2M", 3: "P3M", 6: "P6M", 12: "P1Y"}


def _pattern(template: str) -> re.Pattern[str]:
    text = template.replace("{year}", r"(?P<year>\d{4})").replace("{n:02}", r"(?P<n>\d\d)").replace("{n}", r"(?P<n>\d)")
    return re.compile(text, re.ASCII)


_PATTERNS = {type: _pattern(row.template) for type, row in _MONTHS.items()}


def parse(identifier: str) -> Period | None:
    """Return the period called `identifier`, or None when there is no such period.

    Weeks may have one or two digits, days and months may have hyphens; `id` of the result is the canonical spelling.
    """
    for read in (_parse_months, _parse_week, _parse_biweek, _parse_day):
        try:
            found = read(identifier)
        except (ValueError, OverflowError):
            return None
        if found is not None:
            return found
    return None


def containing(type: str, day: date) -> Period:
    """Return the period of `type` that `day` lies in. Raises `ValueError` for an unknown type.

    A fortnight that two years share (27th of a 53-week year) counts as the first of the later year.
    """
    if type == "Daily":
        return Period(type, f"{day:%Y%m%d}", day, day)
    if type in _WEEKS:
        return _week(type, *_week_of(day, _WEEKS[type][1]))
    if type == "BiWeekly":
        year, week = _week_of(day, 0)
        return _fortnight(year, (week + 1) // 2)
    if type not in _MONTHS:
        raise ValueError(f"unknown period type {type!r}")
    row = _MONTHS[type]
    year, months = divmod(day.year * 12 + day.month - 1 - row.offset, 12)
    return _span(type, year, months // row.step + 1)


def to_adx(period: Period) -> str:
    """Return the period as an ADX interval (`2015-01-01/P1M`).

    A QuarterlyNov period reads back as a plain quarter or not at all: ADX has one kind of quarter.
    """
    return f"{period.start.isoformat()}/{_duration(period.type)}"


def from_adx(interval: str) -> Period | None:
    """Return the period that an ADX interval means, or None when no type has a period of that start and length."""
    match = _ADX.fullmatch(interval)
    if match is None:
        return None
    try:
        start = date.fromisoformat(match[1])
        candidates = [
            containing(type, start) for type in TYPES if type != "QuarterlyNov" and _duration(type) == match[2]
        ]
    except (ValueError, OverflowError):
        return None
    return next((period for period in candidates if period.start == start), _shared_fortnight(start, match[2]))


def from_dates(type: str, start: date, end: date) -> Period | None:
    """Return the period of `type`, or with an empty type of any, that has exactly these first and last days."""
    types = [type] if type else [name for name in TYPES if name != "QuarterlyNov"]
    try:
        candidates = [containing(name, start) for name in types]
    except (ValueError, OverflowError):
        return None
    return next((period for period in candidates if (period.start, period.end) == (start, end)), None)


def _duration(type: str) -> str:
    if type in _MONTHS:
        return _SPANS[_MONTHS[type].step]
    return {"Daily": "P1D", "BiWeekly": "P14D"}.get(type, "P7D")


def _parse_day(text: str) -> Period | None:
    match = _DAY.fullmatch(text)
    return containing("Daily", date(int(match[1]), int(match[3]), int(match[4]))) if match else None


def _parse_week(text: str) -> Period | None:
    match = _WEEK.fullmatch(text)
    if match is None:
        return None
    type = next(name for name, (mark, _) in _WEEKS.items() if mark == f"{match[2]}W")
    period = _week(type, int(match[1]), int(match[3]))
    return period if _week_of(period.start, _WEEKS[type][1]) == (int(match[1]), int(match[3])) else None


def _parse_biweek(text: str) -> Period | None:
    match = _BIWEEK.fullmatch(text)
    if match is None:
        return None
    year, n = int(match[1]), int(match[2])
    period = _fortnight(year, n)
    return period if n > 0 and _week_of(period.start, 0) == (year, 2 * n - 1) else None


def _parse_months(text: str) -> Period | None:
    if hyphenated := _MONTH.fullmatch(text):
        text = hyphenated[1] + hyphenated[2]
    for type, pattern in _PATTERNS.items():
        if match := pattern.fullmatch(text):
            n = int(match.groupdict().get("n") or 1)
            return _span(type, int(match["year"]), n) if 1 <= n <= 12 // _MONTHS[type].step else None
    return None


def _week_of(day: date, first: int) -> tuple[int, int]:
    """Return week year and number of the week with first weekday `first`: week 1 holds 4 January."""
    start = day - timedelta((day.weekday() - first) % 7)
    year = (start + timedelta(3)).year
    return year, (start - _first_week(year, first)).days // 7 + 1


def _first_week(year: int, first: int) -> date:
    fourth = date(year, 1, 4)
    return fourth - timedelta((fourth.weekday() - first) % 7)


def _week(type: str, year: int, n: int) -> Period:
    mark, first = _WEEKS[type]
    start = _first_week(year, first) + timedelta(7 * (n - 1))
    return Period(type, f"{year}{mark}{n}", start, start + timedelta(6))


def _fortnight(year: int, n: int) -> Period:
    start = _first_week(year, 0) + timedelta(14 * (n - 1))
    return Period("BiWeekly", f"{year}BiW{n}", start, start + timedelta(13))


def _shared_fortnight(start: date, duration: str) -> Period | None:
    year, week = _week_of(start, 0)
    return _fortnight(year, 27) if duration == "P14D" and week == 53 and start.weekday() == 0 else None


def _span(type: str, year: int, n: int) -> Period:
    row = _MONTHS[type]
    first = year * 12 + row.offset + row.step * (n - 1)
    end = _month(first + row.step) - timedelta(1)
    return Period(type, row.template.format(year=f"{year:04}", n=n), _month(first), end)


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)
