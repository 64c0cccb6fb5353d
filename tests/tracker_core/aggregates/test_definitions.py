"""Definitions: what a case report may say, and what is wrong with one that may not be stored."""

from typing import Any

import pytest

from tracker_core.aggregates import ages, codes, definitions, reports
from tracker_core.aggregates.blueprint import metadata_of, uid_for
from tracker_core.errors import NotFound
from tracker_core.uids import is_uid


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("B50-B54", ["B50", "B509", "B54", "B548"], ["B49", "B55", "B5"]),
        ("J18", ["J18", "J189"], ["J17", "J19"]),
        ("A09.0-A09.9", ["A090", "A0991"], ["A09", "A10"]),
        ("b50.9", ["B509", "B5091"], ["B50", "B508"]),
        ("C00-D48", ["C00", "C97", "D489"], ["D49", "B99"]),
    ],
)
def test_a_code_range_holds_its_subcodes(text: str, inside: list[str], outside: list[str]) -> None:
    """Both ends are inclusive with everything below them."""
    found = codes.parse(text)
    assert found is not None
    assert [code for code in inside if not found.holds(code)] == []
    assert [code for code in outside if found.holds(code)] == []


@pytest.mark.parametrize("text", ["", "malaria", "B54-B50", "B50-", "50-54", "B50-B54-B60"])
def test_what_is_no_code_range(text: str) -> None:
    """Anything else, and a range that runs backwards, is None."""
    assert codes.parse(text) is None


def test_codes_compare_without_their_decorations() -> None:
    """Dots, case, daggers and asterisks do not matter; ICD-10 and its national forms are recognised."""
    assert [codes.normal(code) for code in ("b50.9", "A17.0†", "G01*")] == ["B509", "A170", "G01"]
    assert codes.is_icd10("http://hl7.org/fhir/sid/icd-10-cm")
    assert not codes.is_icd10("http://hl7.org/fhir/sid/icd-9-cm")


@pytest.mark.parametrize("code", ["P5Y--P5Y", "P5Y--P1Y", "5-10", "P1Y-P5Y", "P1X--P2X", "P0D--P1D "])
def test_what_is_no_age_group(code: str) -> None:
    """Empty, reversed and foreign notations are None."""
    assert ages.parse(code) is None


def test_age_groups_have_intervals_and_know_overlaps() -> None:
    """Units mix; an upper bound beyond every life is none; touching groups do not overlap."""
    groups = [ages.parse(code) for code in ("P0D--P28D", "P28D--P1Y", "P1Y--P9999Y", "P11M--P2Y")]
    known = [group for group in groups if group]
    assert [(group.low, group.high) for group in known[:3]] == [
        ("0 days", "28 days"),
        ("28 days", "1 years"),
        ("1 years", None),
    ]
    assert ages.overlapping(known[:3]) == []
    assert len(ages.overlapping(known)) == 2


def broken(district: Any, **changes: Any) -> list[str]:
    """Return the places of what is wrong with a changed definition."""
    definition, issues = definitions.parse(district.malaria(**changes))
    assert (definition is None) == bool(issues)
    return [issue.where for issue in issues]


def test_every_fault_of_a_definition_is_named(district: Any) -> None:
    """Each part that cannot be meant is reported with its place, all at once."""
    assert broken(district) == []
    assert broken(district, code="", dataSet=3) == ["code", "dataSet"]
    assert broken(district, periodType="Monthy", empty="null") == ["periodType", "empty"]
    assert broken(district, groups=[]) == ["groups"]
    assert broken(district, groups=[{"dataElement": "A", "codes": ["x"]}, {"codes": ["B50"]}, 3]) == [
        "groups[0].codes",
        "groups[1].dataElement",
        "groups[2].dataElement",
        "groups[2].codes",
    ]
    assert broken(district, age={"category": "a", "options": ["P0Y--P5Y", "P4Y--P9Y", "old"]}) == ["age.options"] * 2
    assert broken(district, sex={"category": "s", "options": ["male"]}) == ["sex.options"]
    assert broken(district, sex={"options": ["M"]}, age=3) == ["age", "sex"]
    assert broken(district, source=None) == ["source.kind", "source.count", "source.place"]
    enrollments = {"kind": "enrollments", "count": "persons", "place": "enrollment"}
    assert broken(district, source=enrollments) == ["source.program", "groups[0].codes", "groups[1].codes"]
    events = {"kind": "events", "count": "events", "place": "event", "program": "P"}
    assert broken(district, source=events) == ["groups[0].codes", "groups[1].codes"]
    assert broken(district, source={**events, "element": "DIAGNOSIS"}) == []
    assert [issue.code for issue in definitions.parse([])[1]] == ["report-definition"]


def test_definitions_are_stored_with_versions(district: Any) -> None:
    """A change makes a new version, the same document none, and every version is in the change log."""
    assert district.install(district.malaria()).version == 1
    assert district.install(district.malaria()).version == 1
    assert district.install(district.malaria(name="Other")).version == 2
    changes = district.session.execute("select action from change where kind = 'report_definition' order by id")
    assert changes.fetchall() == [("create",), ("update",)]
    with pytest.raises(NotFound):
        reports.load(district.session, "OTHER")


def test_a_wrong_definition_is_not_stored(district: Any) -> None:
    """Issues come back; a data element that another report counts is one."""
    district.install(district.malaria())
    issues = reports.save(district.session, district.context(), district.malaria(code="TWO"))
    assert {(issue.code, issue.value) for issue in issues} == {
        ("report-element", "MALARIA"),
        ("report-element", "PNEUMONIA"),
    }
    assert reports.save(district.session, district.context(), {"code": "X"})
    assert [stored.definition.code for stored in reports.active(district.session)] == ["IDSR"]


def test_the_blueprint_is_the_same_everywhere(district: Any) -> None:
    """The same definition gives the same uids; without axes there is no category model."""
    definition, _ = definitions.parse(district.malaria())
    assert definition is not None
    first, second = metadata_of(definition), metadata_of(definition)
    assert first == second
    assert all(is_uid(item["id"]) for items in first.values() for item in items)
    assert len(first["categoryOptionCombos"]) == 6
    plain, _ = definitions.parse(district.malaria(age=None, sex=None))
    assert plain is not None
    assert set(metadata_of(plain)) == {"dataElements", "dataSets"}
    assert uid_for("a", "x") != uid_for("b", "x")
