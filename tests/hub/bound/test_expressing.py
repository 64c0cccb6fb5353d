"""What is captured in a program is FHIR at once; edited as FHIR, it comes back; deleted, it is retracted."""

from typing import Any

import pytest

from hub import bound
from tests.hub.bound.district import (
    CASE,
    MALARIA,
    TB,
    TB_LAB,
    TB_VISIT,
    District,
    captured,
    condition,
    encounter,
    patient,
    settle,
    temperature,
)
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RecordChange
from tracker_core.database import Session
from tracker_core.identity import PERSON_SYSTEM

DAY = "2026-03-05"


@pytest.fixture
def district(session: Session) -> District:
    """A district in which nothing has happened yet."""
    return settle(session)


def data(district: District) -> dict[str, str]:
    """The data values of the one event that took place, by code."""
    (event,) = [one for one in district.events() if one[1] != "SCHEDULE"]
    return event[3]


def test_a_captured_event_is_records(district: District) -> None:
    """Person, episode, encounter and one observation per value, linked to each other, from the peer that captured."""
    district.capture(captured(TB_LAB, TB, {"ThDeTbSputu": "POSITIVE", "ThDeTbLabNo": "L-17"}))
    assert district.report.issues == []
    (person,) = district.documents("Patient")
    (visit,) = district.documents("Encounter")
    (result,) = district.documents("Observation")
    (episode,) = district.documents("EpisodeOfCare")
    assert person["identifier"] == [{"system": PERSON_SYSTEM, "value": "PersonAaaaa"}]
    assert person["name"] == [{"given": ["Otim"], "family": "Okello"}]
    subject = {"reference": f"Patient/{person['id']}"}
    assert visit["subject"] == result["subject"] == episode["patient"] == subject
    assert (visit["status"], visit["period"]) == ("finished", {"start": DAY})
    assert visit["serviceProvider"]["identifier"]["value"] == "CLINIC-A"
    assert result["encounter"] == {"reference": f"Encounter/{visit['id']}"}
    assert result["identifier"][0] == {"system": "urn:tracker-hub:lab-number", "value": "L-17"}
    assert result["valueCodeableConcept"]["coding"][0]["display"] == "Positive"
    assert episode["identifier"][0]["value"] == "EnrolAaaaaa"
    assert district.session.execute("select count(*) from tracked_entity").fetchone() == (1,)
    origin = district.session.execute(
        "select r.id from event e join record r on r.pk = e.origin where e.uid = 'EventAaaaaa'"
    ).fetchall()
    assert origin == [(visit["id"],)]


def test_the_same_captured_again_writes_no_record(district: District) -> None:
    """Nothing echoes: neither between the two sides, nor on repetition."""
    changes = captured(CASE, MALARIA, {"ThDeMalTemp": "39.0", "ThDeMalRdt0": "POSITIVE"})
    district.capture(changes)
    before = district.versions()
    district.capture(changes)
    assert district.versions() == before
    assert [event[0] for event in district.events()] == [CASE]


def test_an_edit_in_the_program_amends_the_record(district: District) -> None:
    """A new value amends, a cleared one retracts; what was not touched keeps its version."""
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "39.0", "ThDeMalRdt0": "POSITIVE"}))
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "38.50", "ThDeMalRdt0": None}))
    found = {one["code"]["coding"][0]["code"]: one for one in district.documents("Observation")}
    assert (str(found["8310-5"]["valueQuantity"]["value"]), found["8310-5"]["status"]) == ("38.50", "amended")
    assert found["70569-9"]["status"] == "entered-in-error"
    assert district.documents("Encounter")[0]["meta"]["versionId"] == "1"
    assert data(district) == {"MAL_TEMP": "38.50"}


def test_an_edit_as_fhir_comes_back_to_the_program(district: District) -> None:
    """The hub's own record, amended by a FHIR client, changes the event it was made from; notes survive."""
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "39.0"}))
    (before,) = district.documents("Observation")
    before["valueQuantity"]["value"] = 40
    before["note"] = [{"text": "taken twice"}]
    district.receive(RecordChange("Observation", before, "put", id=before["id"]), peer="lab")
    assert data(district) == {"MAL_TEMP": "40"}
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "39.5"}))
    (after,) = district.documents("Observation")
    assert after["note"] == [{"text": "taken twice"}]
    assert str(after["valueQuantity"]["value"]) == "39.5"


def test_an_event_shows_and_amends_what_another_peer_sent(district: District) -> None:
    """The EMR's temperature is corrected in the program: its record is amended, its visit is the same one."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY), temperature("39.1", DAY, "t"))
    (event,) = district.session.execute("select uid from event where status = 'COMPLETED'").fetchall()
    district.capture(ChangeSet(events=[EventChange(uid=event[0], data={"ThDeMalTemp": "38.1"})]))
    (found,) = district.documents("Observation")
    assert (found["id"], found["status"], str(found["valueQuantity"]["value"])) == ("t", "amended", "38.1")
    assert len(district.documents("Encounter")) == 1
    assert len(district.documents("Patient")) == 1


def test_deleting_an_event_retracts_what_was_made_from_it(district: District) -> None:
    """Its own records are entered in error; the event is not derived anew."""
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "39.0"}))
    district.capture(ChangeSet(events=[EventChange(uid="EventAaaaaa", delete=True)]))
    assert [one["status"] for one in district.documents("Observation")] == ["entered-in-error"]
    assert [one["status"] for one in district.documents("Encounter")] == ["entered-in-error"]
    assert district.events() == []


def test_deleting_an_event_leaves_the_records_of_others(district: District) -> None:
    """What a peer sent is not altered; the event's own form is retracted."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY), temperature("39.1", DAY))
    sent = ("Patient", "Encounter", "Condition", "Observation")
    before = [district.documents(type) for type in sent]
    (event,) = district.session.execute("select uid from event where status = 'COMPLETED'").fetchall()
    district.capture(ChangeSet(events=[EventChange(uid=event[0], delete=True)]))
    assert [district.documents(type) for type in sent] == before
    assert [one["status"] for one in district.documents("QuestionnaireResponse")] == ["entered-in-error"]


def test_attributes_edited_in_the_program_are_a_record_of_its_own(district: District) -> None:
    """The EMR's Patient stays as it is; the program's says what was captured, and the person is the same."""
    district.receive(patient())
    (uid,) = district.session.execute("select uid from tracked_entity").fetchall()[0]
    district.capture(
        ChangeSet(entities=[EntityChange(uid=uid, attributes={"ENRjVGxVL6l": "Awuma", "fctSQp5nAYl": None})])
    )
    theirs, ours = district.documents("Patient")
    assert theirs["name"][0]["family"] == "Auma"
    assert ours["name"][0] == {"family": "Awuma", "given": ["Rose"]}
    assert "telecom" not in ours
    assert [(a["FAMILY_NAME"], a.get("PHONE_LOCAL")) for a in district.attributes()] == [("Awuma", None)]
    district.receive(patient())
    assert [a["FAMILY_NAME"] for a in district.attributes()] == ["Awuma"]


def test_a_second_edit_amends_the_programs_own_record(district: District) -> None:
    """One Patient of the program per person, however often it is edited; what it says already is not written."""
    district.capture(captured(TB_LAB, TB, {}))
    edited: dict[str, str | None] = {"ENRjVGxVL6l": "Okelo"}
    for _ in range(2):
        district.capture(ChangeSet(entities=[EntityChange(uid="PersonAaaaa", attributes=edited)]))
    (own,) = district.documents("Patient")
    assert own["name"] == [{"given": ["Otim"], "family": "Okelo"}]
    assert own["meta"]["versionId"] == "2"


def test_the_episode_follows_the_enrollment_and_leads_it(district: District) -> None:
    """Completed here, it is finished there; cancelled there, it is cancelled here; deleted, it is in error."""
    district.capture(captured(TB_LAB, TB, {}))
    district.capture(ChangeSet(enrollments=[EnrollmentChange(uid="EnrolAaaaaa", fields={"status": "COMPLETED"})]))
    (episode,) = district.documents("EpisodeOfCare")
    assert episode["status"] == "finished"
    episode["status"] = "cancelled"
    district.receive(RecordChange("EpisodeOfCare", episode, "put", id=episode["id"]))
    assert district.enrollments() == [(TB, "CANCELLED", DAY)]
    district.capture(ChangeSet(enrollments=[EnrollmentChange(uid="EnrolAaaaaa", delete=True)]))
    assert district.documents("EpisodeOfCare")[0]["status"] == "entered-in-error"


def test_a_scheduled_visit_is_no_encounter_until_it_happens(district: District) -> None:
    """An appointment in the future makes no record of a visit."""
    planned = captured(TB_VISIT, TB, {}, status="SCHEDULE", scheduledAt="2026-04-01", occurredAt=None)
    district.capture(planned)
    assert district.documents("Encounter") == []
    happened: dict[str, Any] = {"status": "COMPLETED", "occurredAt": "2026-04-02"}
    district.capture(
        ChangeSet(events=[EventChange(uid="EventAaaaaa", data={"ThDeTbSympt": "COUGH,FEVER"}, fields=happened)])
    )
    assert district.documents("Encounter")[0]["period"] == {"start": "2026-04-02"}
    codes = {one["valueCodeableConcept"]["coding"][0]["code"] for one in district.documents("Observation")}
    assert codes == {"R05", "R50.9"}


def test_what_a_file_leaves_out_is_shown_as_by_default(district: District) -> None:
    """A binding that says nothing of enrolment and stages: episode and encounter, and no observations."""
    district.session.execute("delete from metadata_object where type = 'bindings'")
    context = district.context()
    bound.save(district.session, context, "binding tb\nprogram TB_CASE\n", "tb")
    district.capture(captured(TB_LAB, TB, {"ThDeTbSputu": "POSITIVE"}))
    assert len(district.documents("Patient")) == 1
    assert [one["status"] for one in district.documents("Encounter")] == ["finished"]
    assert [one["status"] for one in district.documents("EpisodeOfCare")] == ["active"]
    assert district.documents("Observation") == []


def test_the_hubs_own_patient_links_to_those_of_the_sources(district: District) -> None:
    """The record of a captured person names every source's; one that is deleted is named no longer."""
    district.receive(patient())
    (uid,) = district.session.execute("select uid from tracked_entity").fetchall()[0]
    district.capture(ChangeSet(entities=[EntityChange(uid=uid, attributes={"ENRjVGxVL6l": "Auma-Otim"})]))
    (source,) = [one for one in district.documents("Patient") if one["identifier"][0]["system"] != PERSON_SYSTEM]
    (own,) = [one for one in district.documents("Patient") if one["identifier"][0]["system"] == PERSON_SYSTEM]
    assert own["link"] == [{"other": {"reference": f"Patient/{source['id']}"}, "type": "seealso"}]
    later = patient()
    later.match = ("identifier=urn:lab:mrn|7",)
    assert isinstance(later.document, dict)
    later.document["identifier"] = [{"system": "urn:lab:mrn", "value": "7"}, later.document["identifier"][1]]
    district.receive(later, peer="lab")
    (own,) = [one for one in district.documents("Patient") if one["identifier"][0]["system"] == PERSON_SYSTEM]
    assert len(own["link"]) == 2
    district.receive(RecordChange("Patient", b"", "delete", id=source["id"]))
    (own,) = [one for one in district.documents("Patient") if one["identifier"][0]["system"] == PERSON_SYSTEM]
    assert len(own["link"]) == 1
