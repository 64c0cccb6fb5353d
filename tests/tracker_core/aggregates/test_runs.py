"""Runs: which facts count in which cell, and what a second run touches."""

from typing import Any

import pytest

from tracker_core.aggregates import following, runs
from tracker_core.errors import Conflict, NotFound


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


def test_a_run_without_news_writes_nothing(district: Any) -> None:
    """Values that are right already keep their change set, and no change is noted."""
    district.install(district.malaria())
    district.case(district.person())
    first = compute(district)
    assert len(first.changed) == 1
    count = "select count(*) from change where kind = 'aggregate_value'"
    before = district.session.execute(count).fetchone()
    assert compute(district).changed == []
    assert district.session.execute(count).fetchone() == before


@pytest.mark.parametrize(("rule", "expected"), [("zero", {("F1", "MALARIA", "P15Y--P9999Y, F"): "0"}), ("delete", {})])
def test_a_cell_that_loses_its_last_case(district: Any, rule: str, expected: dict[Any, str]) -> None:
    """It becomes 0 or is deleted, by the report's own rule; its facts are gone either way."""
    district.install(district.malaria(empty=rule))
    person = district.person()
    district.case(person)
    compute(district)
    district.record("Condition", person, {}, "c-v1", deleted=True)
    (changed,) = compute(district).changed
    assert district.table() == expected
    assert district.session.execute("select count(*) from aggregate_fact").fetchone() == (0,)
    delta = district.session.execute("select delta from change where target = %s order by id desc limit 1", (changed,))
    assert delta.fetchone() == ({"value": ["1", "0" if rule == "zero" else None]},)


def test_zero_reporting_fills_every_cell_of_a_reporting_facility(district: Any) -> None:
    """With `zeros` a facility that reports at all reports each of its cells."""
    district.install(district.malaria(zeros=True))
    district.case(district.person())
    result = compute(district)
    cells = district.table()
    assert len(result.changed) == len(cells) == 12
    assert sorted(cells.values()) == ["0"] * 11 + ["1"]


def test_what_counts_nowhere_is_said(district: Any) -> None:
    """Cases without a facility, a birth date, a sex or a group are counted by reason, never dropped in silence."""
    district.install(district.malaria(age={"category": "ageGroup", "options": ["P1Y--P5Y"]}))
    district.case(district.person("2021", "male"), place="nowhere")
    district.case(district.person("", "male"))
    district.case(district.person("2021", "other"))
    district.case(district.person("1980", "male"))
    result = compute(district)
    assert district.table() == {}
    assert result.left_out == {
        "no facility": 1,
        "no birth date": 1,
        "sex outside the groups": 1,
        "age outside the groups": 1,
    }


def test_unknown_age_and_sex_can_have_cells_of_their_own(district: Any) -> None:
    """A definition that names UNK counts who has no birth date or no sex."""
    age = {"category": "ageGroup", "options": ["P0Y--P5Y", "UNK"]}
    district.install(district.malaria(age=age, sex={"category": "sex", "options": {"M": "Male", "UNK": "NotSaid"}}))
    district.case(district.person("", ""))
    assert compute(district).left_out == {}
    assert district.table() == {("F1", "MALARIA", "UNK, NotSaid"): "1"}


def test_persons_count_once_at_the_age_of_their_first_case(district: Any) -> None:
    """Three diagnoses of one child around its fifth birthday are one person under five, with three facts."""
    source = {"kind": "diagnoses", "count": "persons", "place": "visit"}
    district.install(district.malaria(source=source))
    child = district.person("2019-03-10")
    for day in ("2024-03-09", "2024-03-10", "2024-03-11"):
        district.case(child, day=day)
    compute(district)
    assert district.table() == {("F1", "MALARIA", "P0Y--P5Y, F"): "1"}
    assert district.session.execute("select count(*) from aggregate_fact").fetchone() == (3,)


def test_encounters_count_once_however_many_codes(district: Any) -> None:
    """Two malaria codes of one visit are two conditions and one encounter."""
    district.install(district.malaria(source={"kind": "diagnoses", "count": "encounters", "place": "visit"}))
    person = district.person()
    district.case(person, "B50.9")
    coding = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B51.0"}]}
    district.record("Condition", person, {"code": coding, "encounter": {"reference": "Encounter/v1"}}, "more")
    compute(district)
    assert district.table() == {("F1", "MALARIA", "P15Y--P9999Y, F"): "1"}


def test_registration_can_be_the_place(district: Any) -> None:
    """Where the definition says so, a case counts where its person is registered."""
    district.install(district.malaria(source={"kind": "diagnoses", "count": "conditions", "place": "registration"}))
    district.case(district.person(unit="ClinicBBBBB"))
    compute(district)
    assert district.table() == {("F2", "MALARIA", "P15Y--P9999Y, F"): "1"}


def test_only_the_org_units_asked_for_are_computed(district: Any) -> None:
    """A run for one facility leaves the numbers of the others as they are."""
    district.install(district.malaria())
    person = district.person()
    district.case(person)
    district.case(person, place="ClinicBBBBB")
    units = [district.units["ClinicBBBBB"]]
    following.run(district.session, district.context(), "IDSR", "202403", units)
    assert set(district.table()) == {("F2", "MALARIA", "P15Y--P9999Y, F")}


def test_wrong_requests_are_refused(district: Any) -> None:
    """An unknown report, no period, a period of another type, and metadata that is not here."""
    district.install(district.malaria())
    with pytest.raises(NotFound, match="OTHER"):
        compute(district, code="OTHER")
    for period in ("202413", "2024Q1"):
        with pytest.raises(Conflict):
            compute(district, period)
    district.session.execute("update metadata_object set code = 'X' || pk where type in ('dataElements', 'dataSets')")
    district.session.execute("update metadata_object set name = code where type in ('dataElements', 'dataSets')")
    district.session.execute("update metadata_version set version = version + 1")
    with pytest.raises(Conflict, match=r"MALARIA in dataElements.*IDSR_M in dataSets"):
        compute(district)
