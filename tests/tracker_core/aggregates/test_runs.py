"""Runs: which facts count in which cell, and what a second run touches."""

from typing import Any

from tracker_core.aggregates import following, runs


def compute(district: Any, period: str = "202403", code: str = "IDSR") -> runs.RunResult:
    """Run a report for a period at all org units."""
    return following.run(district.session, district.context(), code, period)


def test_cases_are_counted_by_group_age_sex_and_facility(district: Any) -> None:
    """Each coded diagnosis counts once in the cell of its code, its facility, and the person's age on that day."""
    district.install(district.malaria())
    child, man = district.person("2020-03-06", "male"), district.person("1980", "male")
    district.case(child, "B50.9", "2024-03-05")
    district.case(child, "J18.9", "2024-03-20", "ClinicBBBBB")
    district.case(man, "B54", "2024-03-31")
    district.case(man, "B54", "2024-04-01")
    district.case(man, "A09", "2024-03-31")
    result = compute(district)
    assert district.table() == {
        ("F1", "MALARIA", "P0Y--P5Y, M"): "1",
        ("F1", "MALARIA", "P15Y--P9999Y, M"): "1",
        ("F2", "PNEUMONIA", "P0Y--P5Y, M"): "1",
    }
    assert (result.cells, result.cases, len(result.changed), result.left_out) == (3, 3, 3, {})
