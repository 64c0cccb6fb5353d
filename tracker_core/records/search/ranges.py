"""Dates, numbers and quantities: a searched value is a range, a prefix says how the stored one must lie to it.

FHIR R4 3.1.1.4.5 to 3.1.1.4.9: `eq` is containment of the stored value in the searched range, not overlap.
"""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from psycopg import sql

from tracker_core.records.search.criteria import unescape
from tracker_core.records.terms import date_range
from tracker_core.records.units import Scale

# Every start lies before its end. Bounds on the start say again what follows: it is the start that the index begins
# with, and a range of it that the planner can estimate.
_DATE = {
    "eq": "lo >= {lo} and lo < {hi} and hi <= {hi}",
    "ne": "not (lo >= {lo} and hi <= {hi})",
    "gt": "hi > {hi}",
    "lt": "lo < {lo}",
    "ge": "(hi > {hi} or lo >= {lo})",
    "le": "lo < {hi} and (lo < {lo} or hi <= {hi})",
    "sa": "lo >= {hi}",
    "eb": "lo < {lo} and hi <= {lo}",
    "ap": "lo < {hi} and hi > {lo}",
    "overlaps": "lo < {hi} and hi > {lo}",
}
_UPDATED = {
    "eq": "(r.updated >= {lo} and r.updated < {hi})",
    "ne": "not (r.updated >= {lo} and r.updated < {hi})",
    "gt": "r.updated >= {hi}",
    "lt": "r.updated < {lo}",
    "ge": "r.updated >= {lo}",
    "le": "r.updated < {hi}",
    "sa": "r.updated >= {hi}",
    "eb": "r.updated < {lo}",
    "ap": "(r.updated >= {lo} and r.updated < {hi})",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LONGEST = 40  # digits and signs of a number; more than that is no measurement
_NUMBER = {
    "eq": "{value} >= {lo} and {value} < {hi}",
    "ne": "not ({value} >= {lo} and {value} < {hi})",
    "gt": "{value} > {exact}",
    "lt": "{value} < {exact}",
    "ge": "{value} >= {exact}",
    "le": "{value} <= {exact}",
    "sa": "{value} > {exact}",
    "eb": "{value} < {exact}",
    "ap": "{value} >= {lo} and {value} <= {hi}",
}


def date_condition(prefix: str, value: str) -> sql.Composable | None:
    """Return the condition on `lo` and `hi` (microseconds, half-open), or None when the value is no date."""
    found = date_bounds(prefix, value)
    if found is None:
        return None
    lo, hi = found
    return sql.SQL(_DATE[prefix or "eq"]).format(lo=sql.Literal(lo), hi=sql.Literal(hi))


def date_bounds(prefix: str, value: str) -> tuple[int, int] | None:
    """Return the range that a searched date stands for, widened by a tenth of its distance from now for `ap`."""
    # A `+` of a zone that was not escaped in the address arrives as a space.
    found = date_range(unescape(value).replace(" ", "+"))
    if found is None or prefix != "ap":
        return found
    slack = abs(int(time.time() * 1_000_000) - found[0]) // 10
    return found[0] - slack, found[1] + slack


def updated_condition(prefix: str, value: str) -> sql.Composable | None:
    """Return the condition on the time of the last change, or None when the value is no date.

    Stored times have milliseconds, as emitted: each is the millisecond it names, so `gt` never returns its own bound.
    Compared as a column, so that the index (type, updated) serves it.
    """
    found = date_range(unescape(value).replace(" ", "+"))
    if found is None:
        return None
    lo, hi = found[0] // 1000 * 1000, -(-found[1] // 1000) * 1000
    if prefix == "ap":
        slack = abs(int(time.time() * 1_000_000) - lo) // 10
        lo, hi = lo - slack, hi + slack
    bounds = {"lo": sql.Literal(_moment(lo)), "hi": sql.Literal(_moment(hi))}
    return sql.SQL(_UPDATED[prefix or "eq"]).format(**bounds)


def _moment(micros: int) -> datetime:
    """Return the time, or the first or last one there is."""
    return _EPOCH + timedelta(microseconds=min(max(micros, _FIRST), _LAST))


@dataclass(frozen=True, slots=True)
class Number:
    """A searched number: the range that its digits stand for (without prefix, or `ap`), and its exact value."""

    prefix: str
    lo: Decimal
    hi: Decimal
    exact: Decimal

    def condition(self, column: str = "value") -> sql.Composable:
        """Return the condition on a column."""
        lo, hi, exact = float(self.lo), float(self.hi), float(self.exact)
        # Of a very large number the digits say less than a double can tell apart.
        hi = hi if hi > exact else math.nextafter(exact, math.inf)
        literals = {name: sql.Literal(one) for name, one in (("lo", lo), ("hi", hi), ("exact", exact))}
        return sql.SQL(_NUMBER[self.prefix or "eq"]).format(value=sql.Identifier(column), **literals)

    def scaled(self, here: Scale, there: Scale) -> "Number":
        """Return the number, which is on the scale `here`, on the scale `there`."""
        lo, hi, exact = (there.from_other(one, here) for one in (self.lo, self.hi, self.exact))
        return Number(self.prefix, lo, hi, exact)


def read_number(prefix: str, value: str) -> Number | None:
    """Read a searched number, or return None when the text is none.

    Without a prefix the digits given say how exact it is: `5` is 4.5 to 5.5, `5.0` is 4.95 to 5.05.
    """
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return None
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 300 or len(value) > _LONGEST:
        return None
    half = abs(exact) / 10 if prefix == "ap" else Decimal((0, (5,), exponent - 1))
    return Number(prefix, exact - half, exact + half, exact)
