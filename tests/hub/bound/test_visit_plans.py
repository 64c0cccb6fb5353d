"""Planned events as Appointments, follow-up and overdue visits as Tasks, both ways."""

from typing import Any

import pytest

from hub import catalogue
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.hub.bound.district import TB, TB_VISIT, District, captured, settle
from tracker_core.changes import ChangeSet, EnrollmentChange, EventChange, RecordChange
from tracker_core.database import Pool, Session, transaction

DUE = "2026-03-05"


@pytest.fixture
def district(session: Session) -> District:
    """A district with one planned visit."""
    made = settle(session)
    planned = captured(TB_VISIT, TB, {}, status="SCHEDULE", scheduledAt=DUE)
    planned.events[0].fields.pop("occurredAt")
    made.capture(planned)
    assert made.report.issues == []
    return made


def the(district: District, type: str) -> dict[str, Any]:
    """The one record of a type."""
    (found,) = district.documents(type)
    return found


def put(district: District, document: dict[str, Any]) -> None:
    """Let a client put a record; the program has nothing against it."""
    type = document["resourceType"]
    district.receive(RecordChange(type, document, "put", id=document["id"]), peer="lab")
    assert district.report.issues == []


def visit(district: District) -> tuple[str, str]:
    """Status and day of the one event."""
    ((_, status, day, _),) = district.events()
    return status, day


def test_a_planned_visit_is_an_appointment(district: District) -> None:
    """Of the person, at the place, on the whole day; fulfilled when it took place."""
    made = the(district, "Appointment")
    assert (made["id"], made["status"]) == ("EventAaaaaa", "booked")
    assert (made["start"], made["end"]) == (f"{DUE}T00:00:00+00:00", f"{DUE}T23:59:59+00:00")
    actors = [one["actor"]["reference"] for one in made["participant"]]
    assert actors == [f"Patient/{the(district, 'Patient')['id']}", "Location/ClinicAaaaa"]
    assert district.documents("Encounter") == []
    district.capture(captured(TB_VISIT, TB, {}, status="COMPLETED"))
    assert the(district, "Appointment")["status"] == "fulfilled"
    assert the(district, "Encounter")["status"] == "finished"


def test_an_appointment_moved_moves_the_visit(district: District) -> None:
    """And a visit moved in the program moves the appointment; what others added stays."""
    made = {**the(district, "Appointment"), "comment": "bring sputum", "start": "2026-03-09T08:00:00Z"}
    put(district, {**made, "end": "2026-03-09T08:30:00Z"})
    assert visit(district) == ("SCHEDULE", "2026-03-09")
    assert the(district, "Appointment")["end"] == "2026-03-09T08:30:00Z"
    district.capture(ChangeSet(events=[EventChange("EventAaaaaa", fields={"scheduledAt": "2026-03-12T09:00"})]))
    moved = the(district, "Appointment")
    assert (moved["start"], moved["end"]) == ("2026-03-12T09:00:00+00:00", "2026-03-12T09:30:00+00:00")
    assert moved["comment"] == "bring sputum"


def test_an_appointment_called_off_skips_the_visit(district: District) -> None:
    """No show, too; booked again it is planned again; retracted it is gone."""
    made = the(district, "Appointment")
    put(district, {**made, "status": "noshow"})
    assert visit(district)[0] == "SKIPPED"
    assert the(district, "Appointment")["status"] == "noshow"
    put(district, {**made, "status": "booked"})
    assert visit(district)[0] == "SCHEDULE"
    put(district, {**made, "status": "entered-in-error"})
    assert district.events() == []
    put(district, {**made, "status": "entered-in-error", "comment": "x"})


def test_a_visit_deleted_retracts_its_appointment(district: District) -> None:
    """It was never meant."""
    district.capture(ChangeSet(events=[EventChange("EventAaaaaa", delete=True)]))
    assert the(district, "Appointment")["status"] == "entered-in-error"


def test_a_new_appointment_plans_a_visit(district: District) -> None:
    """For a person who is in the program; else it is only an appointment."""
    made = the(district, "Appointment")
    del made["id"], made["identifier"]
    new = {**made, "start": "2026-04-01T08:00:00Z", "end": "2026-04-01T09:00:00Z"}
    district.receive(RecordChange("Appointment", new), peer="lab")
    assert district.report.issues == []
    assert [one[:3] for one in district.events()] == [
        (TB_VISIT, "SCHEDULE", DUE),
        (TB_VISIT, "SCHEDULE", "2026-04-01"),
    ]
    assert len(district.documents("Appointment")) == 2
    other = {**new, "serviceType": [{"coding": [{"system": "urn:tracker-hub:program-stage", "code": "ThPsMalCase"}]}]}
    district.receive(RecordChange("Appointment", other), peer="lab")
    assert [issue.code for issue in district.report.issues] == ["not-planned"]
    del new["serviceType"]
    district.receive(RecordChange("Appointment", new), peer="lab")
    assert len(district.events()) == 2


def test_follow_up_is_a_task(district: District) -> None:
    """Marked in the program; completed as FHIR, it is marked no longer; asked for again, it is."""
    district.capture(ChangeSet(enrollments=[EnrollmentChange("EnrolAaaaaa", fields={"followUp": True})]))
    task = the(district, "Task")
    assert (task["id"], task["status"], task["code"]["coding"][0]["code"]) == ("EnrolAaaaaa", "requested", "follow-up")
    marked = "select follow_up from enrollment"
    put(district, {**task, "status": "completed"})
    assert district.session.execute(marked).fetchone() == (False,)
    put(district, {**task, "status": "requested"})
    assert district.session.execute(marked).fetchone() == (True,)
    district.capture(ChangeSet(enrollments=[EnrollmentChange("EnrolAaaaaa", fields={"followUp": False})]))
    assert the(district, "Task")["status"] == "completed"
    district.capture(ChangeSet(enrollments=[EnrollmentChange("EnrolAaaaaa", fields={"followUp": True})]))
    assert the(district, "Task")["status"] == "requested"


def test_an_overdue_visit_is_a_task_the_day_after(pool: Pool) -> None:
    """Made by the worker, once; completed when the visit took place."""
    with transaction(pool) as session:
        district = settle(session)
        planned = captured(TB_VISIT, TB, {}, status="SCHEDULE", scheduledAt="2026-01-05")
        planned.events[0].fields.pop("occurredAt")
        district.capture(planned)
    runtime = Runtime(pool=pool, adapters=ADAPTERS)
    catalogue.turn(runtime)
    catalogue.turn(runtime)
    with transaction(pool) as session:
        district = District(session, district.peers)
        task = the(district, "Task")
        assert (task["id"], task["status"]) == ("EventAaaaaa", "requested")
        assert task["restriction"] == {"period": {"end": "2026-01-05"}}
        assert task["focus"] == {"reference": "Appointment/EventAaaaaa"}
        district.capture(captured(TB_VISIT, TB, {}, status="COMPLETED"))
        assert the(district, "Task")["status"] == "completed"
