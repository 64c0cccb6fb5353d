"""Case finding by circumstances and evidence: what it decides, and that every decision says why."""

from itertools import permutations
from typing import Any

import pytest

from hub import bound
from tests.hub.bound.district import (
    CASE,
    MALARIA,
    District,
    condition,
    encounter,
    patient,
    rapid_test,
    settle,
)
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.tracker import decisions

DAY, POSITIVE, NEGATIVE = "2026-03-05", "10828004", "260385009"
HEAD = """binding malaria
program MALARIA_CASE
valueset malaria icd-10 B50-B54
valueset positive sct 10828004
valueset negative sct 260385009
"""
RULES = """class confirmed Observation[code=loinc|70569-9].valueCodeableConcept in positive
class ruled-out Observation[code=loinc|70569-9].valueCodeableConcept in negative
"""
REST = """enrolment
status <-> status code:kept
classification <- extension[url=hub:case-classification].valueCode
concepts kept fhir:episode-of-care-status
  ACTIVE active
  COMPLETED finished
  CANCELLED cancelled
stage MAL_CASE Condition.code in malaria
occurredAt -> Encounter.period.start dateTime
"""


@pytest.fixture
def district(session: Session) -> District:
    """A district in which nothing has happened yet."""
    return settle(session)


def define(district: District, case: str, more: str = "") -> None:
    """Replace the malaria binding by one with this case definition."""
    text = f"{HEAD}case Condition.code in malaria enrol {case}\n{more}{REST}"
    assert bound.save(district.session, district.context(), text, "malaria").issues == ()


def told(district: District) -> list[tuple[str, str | None, str]]:
    """All decisions in order: what, the class, why."""
    rows = district.session.execute("select kind, classification, reason from case_decision order by pk")
    return list(rows.fetchall())


def classes(district: District) -> list[tuple[str, str | None]]:
    """Status and class of the EpisodeOfCare records."""
    return [
        (document["status"], document["extension"][0]["valueCode"]) for document in district.documents("EpisodeOfCare")
    ]


def verified(status: str) -> dict[str, Any]:
    """A verification status."""
    return {"verificationStatus": {"coding": [{"code": status}]}}


def test_from_suspected_to_confirmed_and_ruled_out(district: District) -> None:
    """The test results move the class, the class the enrollment, and each step says which record made it."""
    define(district, "window 28 days", RULES)
    district.receive(patient(), encounter(DAY), condition("B54", DAY, "c"))
    assert classes(district) == [("active", "suspected")]
    district.receive(patient(), encounter(DAY), rapid_test(NEGATIVE, DAY, "r"))
    assert (district.enrollments(), classes(district)) == ([(MALARIA, "CANCELLED", DAY)], [("cancelled", "ruled-out")])
    district.receive(patient(), encounter(DAY), rapid_test(POSITIVE, DAY, "r"))
    assert (district.enrollments(), classes(district)) == ([(MALARIA, "ACTIVE", DAY)], [("active", "confirmed")])
    assert told(district) == [
        ("opened", "", f"a case of {DAY}: Condition.code in malaria"),
        ("classified", "suspected", "Condition/c names no certainty"),
        (
            "classified",
            "ruled-out",
            "Observation/r meets Observation[code=loinc|70569-9].valueCodeableConcept in negative",
        ),
        (
            "reopened",
            "confirmed",
            "Observation/r meets Observation[code=loinc|70569-9].valueCodeableConcept in positive",
        ),
    ]
    uid = district.session.execute("select uid from enrollment").fetchall()[0][0]
    first, *_, last = decisions.of_enrollment(district.session, uid)
    assert (first["record"], first["peer"], last["record"]) == ("Condition/c", "emr", "Observation/r")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_class_does_not_depend_on_the_order(district: District, order: tuple[int, ...]) -> None:
    """Two diagnoses and a negative test in any order: one episode, ruled out."""
    define(district, "window 28 days", RULES)
    parts = [condition("B54", DAY, "c1"), condition("B54", DAY, "c2"), rapid_test(NEGATIVE, DAY, "r")]
    for n in order:
        district.receive(patient(), encounter(DAY), parts[n])
    assert district.enrollments() == [(MALARIA, "CANCELLED", DAY)]
    assert classes(district) == [("cancelled", "ruled-out")]


def test_certainty_alone_moves_the_class(district: District) -> None:
    """Provisional, confirmed, refuted: no rules are needed for what the diagnosis itself says."""
    define(district, "")
    for status in ("provisional", "confirmed", "refuted", "unconfirmed"):
        district.receive(patient(), encounter(DAY), condition("B54", DAY, "c", **verified(status)))
    assert [(kind, name) for kind, name, _ in told(district)] == [
        ("opened", ""),
        ("classified", "probable"),
        ("classified", "confirmed"),
        ("classified", "ruled-out"),
        ("reopened", "suspected"),
    ]
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]


def test_a_negative_test_of_the_next_episode_does_not_touch_the_last(district: District) -> None:
    """Evidence belongs to the episode of its time."""
    define(district, "window 28 days", RULES)
    for day, code in (("2026-01-05", POSITIVE), (DAY, NEGATIVE)):
        district.receive(patient(), encounter(day), condition("B54", day), rapid_test(code, day))
    assert district.enrollments() == [(MALARIA, "COMPLETED", "2026-01-05"), (MALARIA, "CANCELLED", DAY)]
    assert classes(district) == [("finished", "confirmed"), ("cancelled", "ruled-out")]


def test_joining_is_told_once(district: District) -> None:
    """A repeat within the window says which episode it joined; sent again, it says nothing new."""
    define(district, "window 28 days")
    district.receive(patient(), encounter(DAY), condition("B54", DAY, "c1"))
    for _ in range(2):
        district.receive(patient(), encounter("2026-03-20"), condition("B50.9", "2026-03-20", "c2"))
    assert told(district)[2:] == [("joined", "confirmed", f"a case of 2026-03-20 within 28 days of {DAY}")]


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("sex male", "the person is female, not male"),
        ("age 0-4 years", "the person's age is not 0-4 years"),
        ("at CLINIC-A", "it was not recorded at or below CLINIC-A"),
        ("rank 1", "it is not the diagnosis of rank 1"),
    ],
)
def test_what_makes_no_case_says_why(district: District, case: str, reason: str) -> None:
    """The record is looked at, nobody is enrolled, the reason is kept once."""
    define(district, case)
    for _ in range(2):
        district.receive(patient(), encounter(DAY), condition("B54", DAY, "c"))
    assert district.enrollments() == []
    assert told(district) == [("refused", "", reason)]
    ((record,),) = district.session.execute("select record from case_decision").fetchall()
    (kept,) = decisions.of_record(district.session, record)
    assert (kept["record"], kept["enrollment"], kept["decision"]) == ("Condition/c", None, "refused")


@pytest.mark.parametrize(
    "case", ["sex female", "age 30-39 years", "at DIST", "rank 1 sex female age 30- years at CLINIC-B"]
)
def test_circumstances_that_hold_enrol(district: District, case: str) -> None:
    """The district stands above the clinic; the encounter ranks its diagnosis."""
    define(district, case)
    ranked = encounter(DAY, diagnosis=[{"condition": {"reference": "Condition/c"}, "rank": 1}])
    district.receive(patient(), condition("B54", DAY, "c"), ranked)
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]


def test_a_birth_date_that_comes_later_makes_the_case(district: District) -> None:
    """Nobody knew the age; the corrected Patient record alone enrols, and a wrong one rules out."""
    define(district, "age 30-39 years")
    district.receive(patient(birthDate=None), encounter(DAY), condition("B54", DAY, "c"))
    assert district.enrollments() == []
    district.receive(patient())
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]
    assert [kind for kind, *_ in told(district)] == ["refused", "opened", "classified"]


def test_a_person_who_was_unenrolled_by_hand_stays_so(district: District) -> None:
    """Somebody cancelled the enrollment in the program: new evidence doesn't bring it back."""
    define(district, "window 28 days", RULES)
    district.receive(patient(), encounter(DAY), condition("B54", DAY, "c"))
    district.session.execute("update enrollment set status = 'CANCELLED'")
    district.receive(patient(), encounter(DAY), rapid_test(POSITIVE, DAY, "r"))
    assert district.enrollments() == [(MALARIA, "CANCELLED", DAY)]


def test_the_class_may_be_a_value_of_the_first_event(district: District) -> None:
    """`classify` keeps it in a data element, by the options of the program, and changes it with the class."""
    options = "concepts given hub:case\n  ACT suspected probable\n  ARTESUNATE confirmed\n  QUININE ruled-out\n"
    define(district, "window 28 days", f"{RULES}{options}classify MAL_CASE MAL_TREATMENT given\n")
    district.receive(patient(), encounter(DAY), condition("B54", DAY, "c"))
    assert district.events() == [(CASE, "ACTIVE", DAY, {"MAL_TREATMENT": "ACT"})]
    district.receive(patient(), encounter("2026-03-09"), rapid_test(POSITIVE, "2026-03-09", "r"))
    assert district.events() == [(CASE, "ACTIVE", DAY, {"MAL_TREATMENT": "ARTESUNATE"})]


def test_a_data_element_that_is_not_there_is_told(district: District) -> None:
    """The binding counts, without the value."""
    text = f"{HEAD}case Condition.code in malaria enrol\n{REST}classify MAL_CASE NOWHERE\n"
    saved = bound.save(district.session, district.context(), text, "malaria")
    assert [issue.value for issue in saved.issues] == ["NOWHERE"]
    district.receive(patient(), encounter(DAY), condition("B54", DAY))
    assert district.enrollments() == [(MALARIA, "ACTIVE", DAY)]


def test_a_deleted_diagnosis_rules_out(district: District) -> None:
    """Nothing supports the episode any longer."""
    define(district, "")
    district.receive(patient(), encounter(DAY), condition("B54", DAY, "c"))
    district.receive(RecordChange("Condition", {}, "delete", id="c"))
    assert district.enrollments() == [(MALARIA, "CANCELLED", DAY)]
    assert told(district)[-1] == ("classified", "ruled-out", "no record says any longer that there is a case")
