"""Visits that were told of the wrong person: what a program made of them follows them, or is made anew."""

from typing import Any

import pytest

from hub.apply import apply
from tests.hub.bound.district import (
    CASE,
    FOLLOW_UP,
    MALARIA,
    District,
    condition,
    encounter,
    patient,
    settle,
    temperature,
)
from tracker_core.changes import ChangeSet, MergeChange, MoveChange
from tracker_core.database import Session
from tracker_core.issues import Report

DAY, LATER = "2026-03-05", "2026-03-07"
ONE, OTHER = "identifier=urn:emr:mrn|1", "identifier=urn:emr:mrn|2"


@pytest.fixture
def district(session: Session) -> District:
    """Two persons, of whom the first was diagnosed with malaria and seen again two days later."""
    made = settle(session)
    made.receive(patient("2", birthDate="1971-01-01", gender="male"))
    made.receive(patient(), encounter(DAY), condition("B50.9", DAY), temperature("39.1", DAY))
    made.receive(patient(), encounter(LATER), condition("B50.9", LATER), temperature("37.2", LATER))
    return made


def act(district: District, **changes: Any) -> None:
    """Apply identity changes of the EMR as the hub does."""
    report = Report()
    apply(district.session, district.context(), ChangeSet(**changes), report)
    assert not report.rejected, report.issues


def owners(district: District) -> list[tuple[str, str, str]]:
    """(number of the person, stage, day) of every live event that took place."""
    rows = district.session.execute(
        "select p.doc, m.uid, e.occurred_at::date::text from event e join metadata_object m on m.pk = e.stage"
        " join enrollment n on n.pk = e.enrollment and n.entity = e.entity and not n.deleted"
        " join record r on r.subject = e.entity and not r.deleted join record_version p on p.pk = r.pk"
        " and p.version = r.version where not e.deleted and e.status <> 'SCHEDULE'"
        " and convert_from(p.doc, 'UTF8') like '%%urn:emr:mrn%%' order by 3, 2"
    ).fetchall()
    return [("2" if b"1971" in doc else "1", stage, day) for doc, stage, day in rows]


def test_the_program_follows_the_visit_that_caused_it(district: District) -> None:
    """The enrollment moves with its events; the patient it was told of keeps nothing of it."""
    before = district.enrollments()
    act(district, moves=[MoveChange("Patient", ONE, OTHER)])
    assert district.enrollments() == before
    assert {number for number, _, _ in owners(district)} == {"2"}


def test_a_visit_within_an_enrollment_that_stays_is_told_anew(district: District) -> None:
    """The first person keeps the case and loses the second visit; the other is a case from that visit on."""
    assert [number for number, _, _ in owners(district)] == ["1", "1"]
    act(district, moves=[MoveChange("Encounter", f"identifier=urn:emr:visit|V-{LATER}", OTHER)])
    assert owners(district) == [("1", CASE, DAY), ("2", CASE, LATER)]
    assert [(program, day) for program, _, day in district.enrollments()] == [(MALARIA, DAY), (MALARIA, LATER)]


def test_the_events_of_a_visit_that_ends_in_another_go(district: District) -> None:
    """Two visits that were one are one event."""
    merge = MergeChange(f"identifier=urn:emr:visit|V-{DAY}", f"identifier=urn:emr:visit|V-{LATER}", type="Encounter")
    act(district, merges=[merge])
    assert [stage for _, stage, _ in owners(district)] in ([CASE], [CASE, FOLLOW_UP])
    assert [day for _, _, day in owners(district)] == [DAY]
