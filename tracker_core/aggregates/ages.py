"""Age groups in the ADX notation: `P1Y--P5Y` is one year old or more, and less than five."""

import re
from dataclasses import dataclass
from itertools import pairwise

UNKNOWN = "UNK"
"""The age group, or the sex, of persons of whom it is not known; a definition that leaves it out leaves them out."""

_CODE = re.compile(r"P(\d{1,4})([YMWD])--P(\d{1,4})([YMWD])", re.ASCII)
_UNITS = {"Y": ("years", 365.25), "M": ("months", 30.4375), "W": ("weeks", 7.0), "D": ("days", 1.0)}
_OPEN_END = 200


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """One group: bounds as PostgreSQL intervals, the lower inclusive, the upper exclusive and None without an end.

    `days` are the bounds in days, near enough to order groups and to see an overlap.
    """

    code: str
    low: str
    high: str | None
    days: tuple[float, float]


def parse(code: str) -> AgeGroup | None:
    """Return the age group that an ADX age code means, or None. An upper bound beyond 200 years is no bound."""
    match = _CODE.fullmatch(code)
    if match is None:
        return None
    low, high = _bound(match[1], match[2]), _bound(match[3], match[4])
    if low[1] >= high[1]:
        return None
    unbounded = match[4] == "Y" and int(match[3]) > _OPEN_END
    return AgeGroup(code, low[0], None if unbounded else high[0], (low[1], high[1]))


def overlapping(groups: list[AgeGroup]) -> list[tuple[str, str]]:
    """Return the pairs of codes that would both count the same age."""
    ordered = sorted(groups, key=lambda group: group.days)
    neighbours = pairwise(ordered)
    return [(one.code, other.code) for one, other in neighbours if other.days[0] < one.days[1]]


def _bound(number: str, unit: str) -> tuple[str, float]:
    word, days = _UNITS[unit]
    return f"{int(number)} {word}", int(number) * days
