"""Periods: identifiers, dates and ADX intervals of every type."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_core import periods

NO_PERIODS = """
x 2024-13 202413 202400 20240230 2024-0101 2019W53 2024TueW1 2024MonW1 2019BiW27
2024BiW0 202407B 2024Q5 2024NovQ0 2024S3 2024Mar 0000 0000W1 99991231x ٢٠٢٤
"""
NO_INTERVALS = """
201501 2015-01-01 2015-01-01/P5M 2020-01-15/P1M 2014-02-01/P6M 2014-06-01/P1Y
2024-01-02/P7D 2024-01-08/P14D 2024-02-01/P2M 2024-02-30/P1D 2024-01-01/P1W 9999-12-01/P1M 2024-02-01/P3M
"""
DAYS = st.dates(date(1950, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("identifier", "type", "start", "end", "interval"),
    [
        ("20240229", "Daily", "2024-02-29", "2024-02-29", "2024-02-29/P1D"),
        ("2026W1", "Weekly", "2025-12-29", "2026-01-04", "2025-12-29/P7D"),
        ("2020W53", "Weekly", "2020-12-28", "2021-01-03", "2020-12-28/P7D"),
        ("2024WedW1", "WeeklyWednesday", "2024-01-03", "2024-01-09", "2024-01-03/P7D"),
        ("2024ThuW1", "WeeklyThursday", "2024-01-04", "2024-01-10", "2024-01-04/P7D"),
        ("2024FriW1", "WeeklyFriday", "2023-12-29", "2024-01-04", "2023-12-29/P7D"),
        ("2024SatW2", "WeeklySaturday", "2024-01-06", "2024-01-12", "2024-01-06/P7D"),
        ("2024SunW2", "WeeklySunday", "2024-01-07", "2024-01-13", "2024-01-07/P7D"),
        ("2020BiW27", "BiWeekly", "2020-12-28", "2021-01-10", "2020-12-28/P14D"),
        ("2021BiW1", "BiWeekly", "2021-01-04", "2021-01-17", "2021-01-04/P14D"),
        ("202402", "Monthly", "2024-02-01", "2024-02-29", "2024-02-01/P1M"),
        ("202406B", "BiMonthly", "2024-11-01", "2024-12-31", "2024-11-01/P2M"),
        ("2024Q4", "Quarterly", "2024-10-01", "2024-12-31", "2024-10-01/P3M"),
        ("2024NovQ2", "QuarterlyNov", "2024-02-01", "2024-04-30", "2024-02-01/P3M"),
        ("2024S2", "SixMonthly", "2024-07-01", "2024-12-31", "2024-07-01/P6M"),
        ("2024AprilS2", "SixMonthlyApril", "2024-10-01", "2025-03-31", "2024-10-01/P6M"),
        ("2024NovS2", "SixMonthlyNov", "2024-05-01", "2024-10-31", "2024-05-01/P6M"),
        ("2024", "Yearly", "2024-01-01", "2024-12-31", "2024-01-01/P1Y"),
        ("2024Feb", "FinancialFeb", "2024-02-01", "2025-01-31", "2024-02-01/P1Y"),
        ("2024April", "FinancialApril", "2024-04-01", "2025-03-31", "2024-04-01/P1Y"),
        ("2024July", "FinancialJuly", "2024-07-01", "2025-06-30", "2024-07-01/P1Y"),
        ("2024Aug", "FinancialAug", "2024-08-01", "2025-07-31", "2024-08-01/P1Y"),
        ("2024Sep", "FinancialSep", "2024-09-01", "2025-08-31", "2024-09-01/P1Y"),
        ("2024Oct", "FinancialOct", "2024-10-01", "2025-09-30", "2024-10-01/P1Y"),
        ("2024Nov", "FinancialNov", "2023-11-01", "2024-10-31", "2023-11-01/P1Y"),
    ],
)
def test_each_type_has_its_dates_and_its_interval(
    identifier: str, type: str, start: str, end: str, interval: str
) -> None:
    """One vector per period type, with the cases that go wrong: year ends, leap days, years named by their end."""
    period = periods.parse(identifier)
    assert period == periods.Period(type, identifier, date.fromisoformat(start), date.fromisoformat(end))
    assert periods.to_adx(period) == interval
    back = periods.from_adx(interval)
    assert back == (period if type != "QuarterlyNov" else None)


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "2024W1 ",
        *NO_PERIODS.split(),
    ],
)
def test_no_such_period(identifier: str) -> None:
    """What is not an identifier of a real period is None, never a guess and never an exception."""
    assert periods.parse(identifier) is None


@pytest.mark.parametrize(
    ("written", "canonical"), [("2024-02-29", "20240229"), ("2024-02", "202402"), ("2024W01", "2024W1")]
)
def test_lenient_spellings_come_out_canonical(written: str, canonical: str) -> None:
    """Hyphens and padded week numbers are read, and written without."""
    period = periods.parse(written)
    assert period is not None
    assert period.id == canonical


@pytest.mark.parametrize(
    "interval",
    NO_INTERVALS.split(),
)
def test_unaligned_or_foreign_intervals_are_refused(interval: str) -> None:
    """An interval that no period type has is None: it is never moved to the nearest period."""
    assert periods.from_adx(interval) is None


def test_dates_find_their_period() -> None:
    """First and last day name a period, of a given type or of any; other spans name none."""
    month = (date(2024, 2, 1), date(2024, 2, 29))
    assert periods.from_dates("", *month) == periods.parse("202402")
    assert periods.from_dates("Quarterly", *month) is None
    assert periods.from_dates("", date(2024, 2, 1), date(2024, 3, 1)) is None
    assert periods.from_dates("", date(9999, 12, 1), date(9999, 12, 31)) is None


def test_unknown_type_is_a_bug_of_the_caller() -> None:
    """`containing` is asked by code, not by data: an unknown type raises."""
    with pytest.raises(ValueError, match="TwoYearly"):
        periods.containing("TwoYearly", date(2024, 1, 1))


@given(st.sampled_from(periods.TYPES), DAYS)
def test_a_day_lies_in_its_period_and_the_names_agree(type: str, day: date) -> None:
    """For every type and day: the day is inside, the identifier reads back, and so does the interval."""
    period = periods.containing(type, day)
    assert period.start <= day <= period.end
    assert periods.parse(period.id) == period
    if type != "QuarterlyNov":
        assert periods.from_adx(periods.to_adx(period)) == period


@given(st.sampled_from([type for type in periods.TYPES if type != "BiWeekly"]), DAYS)
def test_periods_follow_each_other_without_gap(type: str, day: date) -> None:
    """The day after a period starts the next one."""
    period = periods.containing(type, day)
    assert periods.containing(type, period.end + timedelta(1)).start == period.end + timedelta(1)


def test_reference_vectors(corpora: Path) -> None:
    """Every reference vector holds: identifiers, their dates and types, and both directions of ADX."""
    for vector in json.loads((corpora / "aggregate" / "periods.json").read_text("utf-8")):
        if vector["kind"] == "adx-to-period":
            found = periods.from_adx(vector["adx"])
            assert (found.id if found else None) == vector.get("iso"), vector
            continue
        period = periods.parse(vector["iso"])
        assert (period is not None) == vector["valid"], vector
        if period is None:
            continue
        for name, value in (("type", period.type), ("start", str(period.start)), ("end", str(period.end))):
            assert vector.get(name, value) == value, vector
        assert vector.get("adx", periods.to_adx(period)) == periods.to_adx(period), vector
