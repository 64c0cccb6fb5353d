"""Events as QuestionnaireResponses: captured, edited as FHIR, refused; also in programs that no file binds."""

from typing import Any

import pytest

from hub import bound
from tests.hub.bound.district import (
    CASE,
    MALARIA,
    TB,
    TB_VISIT,
    District,
    captured,
    condition,
    encounter,
    patient,
    settle,
    temperature,
)
from tracker_core import history, metadata
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RecordChange
from tracker_core.database import Session

DAY = "2026-03-05"
PLAIN, PLAIN_STAGE, SINGLE, SINGLE_STAGE = "PlainProgrm", "PlainStagea", "SinglProgrm", "SinglStagea"


@pytest.fixture
def district(session: Session) -> District:
    """A district with a program of persons and an event program that no file binds."""
    made = settle(session)
    elements = [{"dataElement": {"id": uid}, "compulsory": False} for uid in ("ThDeMalTemp", "ThDeMalRdt0")]
    units = [{"id": "ClinicAaaaa"}]
    stages = [
        {"id": PLAIN_STAGE, "name": "Contact", "repeatable": True, "program": {"id": PLAIN}},
        {"id": SINGLE_STAGE, "name": "Count", "program": {"id": SINGLE}},
    ]
    shared = {"shortName": "x", "organisationUnits": units}
    payload = {
        "programs": [
            {
                "id": PLAIN,
                "name": "Contacts",
                "programType": "WITH_REGISTRATION",
                "trackedEntityType": {"id": "MCPQUTHX1Ze"},
                "programStages": [{"id": PLAIN_STAGE}],
                **shared,
            },
            {
                "id": SINGLE,
                "name": "Counts",
                "programType": "WITHOUT_REGISTRATION",
                "programStages": [{"id": SINGLE_STAGE}],
                **shared,
            },
        ],
        "programStages": [{**stage, "programStageDataElements": elements} for stage in stages],
    }
    report = metadata.import_objects(session, history.open_change_set(session, "tester"), payload)
    assert report.errors == []
    return made


def response(district: District) -> dict[str, Any]:
    """The one response there is."""
    (found,) = district.documents("QuestionnaireResponse")
    return found


def answer(document: dict[str, Any], link: str) -> dict[str, Any]:
    """The answer to a question."""
    (item,) = [one for one in document["item"] if one["linkId"] == link]
    (found,) = item["answer"]
    return dict(found)


def put(district: District, document: dict[str, Any]) -> None:
    """Let a client put a response."""
    district.receive(RecordChange("QuestionnaireResponse", document, "put", id=document["id"]), peer="lab")


def data(district: District) -> dict[str, str]:
    """The data values of the one event."""
    (event,) = [one for one in district.events() if one[1] != "SCHEDULE"]
    return event[3]


def test_a_program_without_a_file_is_fhir_at_once(district: District) -> None:
    """Episode, encounter and response, linked to each other and to the person."""
    district.capture(captured(PLAIN_STAGE, PLAIN, {"ThDeMalTemp": "38.50", "ThDeMalRdt0": "POSITIVE"}))
    assert district.report.issues == []
    made, (visit,), (episode,) = (
        response(district),
        district.documents("Encounter"),
        district.documents("EpisodeOfCare"),
    )
    (person,) = district.documents("Patient")
    assert made["subject"] == visit["subject"] == episode["patient"] == {"reference": f"Patient/{person['id']}"}
    assert made["encounter"] == {"reference": f"Encounter/{visit['id']}"}
    assert (made["id"], made["status"], visit["status"]) == ("EventAaaaaa", "completed", "finished")
    assert str(answer(made, "ThDeMalTemp")["valueDecimal"]) == "38.50"
    assert answer(made, "ThDeMalRdt0")["valueCoding"]["code"] == "POSITIVE"
    assert answer(made, "occurredAt") == {"valueDateTime": DAY}
    assert district.documents("Observation") == []


def test_an_event_program_is_responses_without_subject(district: District) -> None:
    """Also edited as FHIR."""
    event = EventChange("EventAaaaaa", "", SINGLE, SINGLE_STAGE, "ClinicAaaaa", {"ThDeMalTemp": "38"})
    event.fields = {"occurredAt": DAY, "status": "ACTIVE"}
    district.capture(ChangeSet(events=[event]))
    made = response(district)
    assert (made["status"], "subject" in made) == ("in-progress", False)
    made["item"][1]["answer"][0]["valueDecimal"] = 39
    put(district, {**made, "status": "completed"})
    assert district.report.issues == []
    assert [(one[1], one[3]) for one in district.events()] == [("COMPLETED", {"MAL_TEMP": "39"})]


def test_an_edited_response_changes_event_and_observation(district: District) -> None:
    """In a bound program every view follows; what nobody named survives."""
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "38.5", "ThDeMalRdt0": "POSITIVE"}))
    made = response(district)
    (item,) = [one for one in made["item"] if one["linkId"] == "ThDeMalTemp"]
    item["answer"][0]["valueDecimal"] = 40
    item["extension"] = [{"url": "urn:x", "valueString": "armpit"}]
    put(district, made)
    assert data(district) == {"MAL_TEMP": "40", "MAL_RDT": "POSITIVE"}
    found = {one["code"]["coding"][0]["code"]: one for one in district.documents("Observation")}
    assert (found["8310-5"]["valueQuantity"]["value"], found["8310-5"]["status"]) == (40, "amended")
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "39.0"}))
    assert answer(response(district), "ThDeMalTemp") == {"valueDecimal": pytest.approx(39)}
    assert [one for one in response(district)["item"] if one.get("extension")]


def test_an_edited_observation_changes_the_response(district: District) -> None:
    """The two views of one event agree."""
    district.capture(captured(CASE, MALARIA, {"ThDeMalTemp": "38.5"}))
    (before,) = district.documents("Observation")
    before["valueQuantity"]["value"] = 40
    district.receive(RecordChange("Observation", before, "put", id=before["id"]), peer="lab")
    assert data(district) == {"MAL_TEMP": "40"}
    assert answer(response(district), "ThDeMalTemp") == {"valueDecimal": 40}
    assert response(district)["status"] == "amended"


def test_what_an_encounter_derives_is_a_response_too(district: District) -> None:
    """An EMR's visit in a program shows as the answered form."""
    district.receive(patient(), encounter(DAY), condition("B50.9", DAY), temperature("39.1", DAY))
    assert str(answer(response(district), "ThDeMalTemp")["valueDecimal"]) == "39.1"


def test_what_the_program_refuses_is_an_error(district: District) -> None:
    """A wrong answer is told, the event stays, and the response shows again what is stored."""
    district.capture(captured(PLAIN_STAGE, PLAIN, {"ThDeMalTemp": "38.5"}))
    made = response(district)
    made["item"][1]["answer"] = [{"valueString": "hot"}]
    put(district, made)
    (issue,) = district.report.issues
    assert issue.severity == "error"
    made = response(district)
    made["item"].append({"linkId": "ThDeMalRdt0", "answer": [{"valueCoding": {"code": "MAYBE"}}]})
    put(district, made)
    assert {issue.severity for issue in district.report.issues} == {"error"}
    assert data(district) == {"MAL_TEMP": "38.5"}
    assert "ThDeMalRdt0" not in [one["linkId"] for one in response(district)["item"]]


def new_response(district: District, stage: str, **more: Any) -> dict[str, Any]:
    """What a form client posts for the person of the district."""
    (person,) = district.documents("Patient")
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"urn:tracker-hub:program-stage:{stage}",
        "status": "completed",
        "subject": {"reference": f"Patient/{person['id']}"},
        "authored": f"{DAY}T10:00:00Z",
        "item": [{"linkId": "ThDeMalTemp", "answer": [{"valueDecimal": 38}]}],
        **more,
    }


def test_a_new_response_captures_and_enrols(district: District) -> None:
    """Without an enrollment there is one; a second response is of the same; each keeps its own record."""
    district.receive(patient())
    for _ in range(2):
        district.receive(RecordChange("QuestionnaireResponse", new_response(district, PLAIN_STAGE)), peer="lab")
        assert district.report.errors == []
    assert district.enrollments() == [(PLAIN, "ACTIVE", DAY)]
    assert [one[3] for one in district.events()] == [{"MAL_TEMP": "38"}] * 2
    assert len(district.documents("QuestionnaireResponse")) == 2
    assert len(district.documents("Encounter")) == 2
    assert len(district.documents("EpisodeOfCare")) == 1


def test_a_new_response_fulfils_the_planned_visit(district: District) -> None:
    """The scheduled event is the one that is filled."""
    district.capture(
        ChangeSet(
            entities=[EntityChange("PersonAaaaa", "MCPQUTHX1Ze", "ClinicAaaaa")],
            enrollments=[EnrollmentChange("EnrolAaaaaa", "PersonAaaaa", PLAIN, "ClinicAaaaa", "2026-03-01")],
            events=[
                EventChange(
                    "EventAaaaaa",
                    "EnrolAaaaaa",
                    PLAIN,
                    PLAIN_STAGE,
                    "ClinicAaaaa",
                    fields={"status": "SCHEDULE", "scheduledAt": "2026-03-06"},
                )
            ],
        )
    )
    made = new_response(district, PLAIN_STAGE, author={"reference": "Organization/ClinicAaaaa"})
    district.receive(RecordChange("QuestionnaireResponse", made), peer="lab")
    assert district.report.errors == []
    assert [(one[1], one[3]) for one in district.events()] == [("COMPLETED", {"MAL_TEMP": "38"})]
    district.capture(ChangeSet(events=[EventChange("EventAaaaaa", data={"ThDeMalTemp": "39"})]))
    assert answer(response(district), "ThDeMalTemp") == {"valueDecimal": 39}


def test_a_response_that_is_refused_leaves_nothing(district: District) -> None:
    """Of a person whom nobody knows, or where the program is not offered."""
    district.receive(patient())
    made = new_response(district, PLAIN_STAGE, author={"reference": "PractitionerRole/UserAaaaaaa-ClinicBbbbb"})
    district.receive(RecordChange("QuestionnaireResponse", made), peer="lab")
    assert district.report.errors
    assert (district.events(), district.documents("QuestionnaireResponse")) == ([], [])
    made.pop("subject")
    district.receive(RecordChange("QuestionnaireResponse", made), peer="lab")
    assert [issue.code for issue in district.report.issues] == ["unknown-person"]


def test_a_retracted_response_takes_its_event_along(district: District) -> None:
    """And an event that was deleted stays deleted."""
    district.capture(captured(PLAIN_STAGE, PLAIN, {"ThDeMalTemp": "38.5"}))
    made = response(district)
    put(district, {**made, "status": "entered-in-error"})
    assert district.events() == []
    (visit,) = district.documents("Encounter")
    assert visit["status"] == "entered-in-error"
    put(district, made)
    assert "event-deleted" in [issue.code for issue in district.report.issues]


def test_an_episode_edited_as_fhir_is_the_enrollment(district: District) -> None:
    """Status and beginning; and it comes back as an end."""
    district.capture(captured(PLAIN_STAGE, PLAIN, {}))
    (episode,) = district.documents("EpisodeOfCare")
    edited = {**episode, "status": "finished", "period": {"start": "2026-03-02"}}
    district.receive(RecordChange("EpisodeOfCare", edited, "put", id=episode["id"]), peer="lab")
    assert district.report.errors == []
    assert district.enrollments() == [(PLAIN, "COMPLETED", "2026-03-02")]
    (episode,) = district.documents("EpisodeOfCare")
    assert episode["period"]["end"]


def test_an_encounter_of_a_program_without_a_file_is_edited(district: District) -> None:
    """Its status is the event's."""
    district.capture(captured(PLAIN_STAGE, PLAIN, {}, status="ACTIVE"))
    (visit,) = district.documents("Encounter")
    assert visit["status"] == "in-progress"
    district.receive(RecordChange("Encounter", {**visit, "status": "finished"}, "put", id=visit["id"]), peer="lab")
    assert [one[1] for one in district.events()] == ["COMPLETED"]
    assert response(district)["status"] == "completed"


def test_animals_are_no_patients(district: District) -> None:
    """Entities of a type that no file says to be persons have no records."""
    payload = {
        "trackedEntityTypes": [{"id": "CowTypeAaaa", "name": "Cow", "shortName": "Cow"}],
        "programs": [
            {
                "id": "CowPrograma",
                "name": "Cows",
                "shortName": "Cows",
                "programType": "WITH_REGISTRATION",
                "trackedEntityType": {"id": "CowTypeAaaa"},
                "organisationUnits": [{"id": "ClinicAaaaa"}],
            }
        ],
    }
    context = history.open_change_set(district.session, "tester")
    assert metadata.import_objects(district.session, context, payload).errors == []
    district.capture(
        ChangeSet(
            entities=[EntityChange("CowAaaaaaaa", "CowTypeAaaa", "ClinicAaaaa")],
            enrollments=[EnrollmentChange("EnrolAaaaaa", "CowAaaaaaaa", "CowPrograma", "ClinicAaaaa", DAY)],
        )
    )
    assert district.versions() == 0
    assert any(one.derived for one in bound.current(district.session))


def test_a_planned_visit_has_no_response(district: District) -> None:
    """Until it takes place."""
    district.capture(captured(TB_VISIT, TB, {}, status="SCHEDULE", scheduledAt=DAY))
    assert district.documents("QuestionnaireResponse") == []
    district.capture(captured(TB_VISIT, TB, {}, status="ACTIVE"))
    assert response(district)["status"] == "in-progress"


def test_a_new_episode_enrols(district: District) -> None:
    """It is the record of its enrollment from then on; a second one of the same kind is refused by the program."""
    district.receive(patient())
    (person,) = district.documents("Patient")
    episode = {
        "resourceType": "EpisodeOfCare",
        "status": "active",
        "type": [{"coding": [{"system": "urn:tracker-hub:program", "code": PLAIN}]}],
        "patient": {"reference": f"Patient/{person['id']}"},
        "managingOrganization": {"reference": "Organization/ClinicAaaaa"},
        "period": {"start": "2026-03-01"},
    }
    district.receive(RecordChange("EpisodeOfCare", episode), peer="lab")
    assert district.report.errors == []
    assert district.enrollments() == [(PLAIN, "ACTIVE", "2026-03-01")]
    (held,) = district.documents("EpisodeOfCare")
    district.receive(RecordChange("EpisodeOfCare", {**held, "status": "finished"}, "put", id=held["id"]), peer="lab")
    assert district.enrollments() == [(PLAIN, "COMPLETED", "2026-03-01")]
    assert len(district.documents("EpisodeOfCare")) == 1
    elsewhere = {**episode, "managingOrganization": {"identifier": {"value": "CLINIC-B"}}}
    district.receive(RecordChange("EpisodeOfCare", elsewhere), peer="lab")
    assert [issue.code for issue in district.report.errors] == ["E1041"]


def test_an_episode_put_back_as_it_was_says_nothing(district: District) -> None:
    """The time of an enrollment stays when its day is told again."""
    changes = captured(PLAIN_STAGE, PLAIN, {})
    changes.enrollments[0].enrolled_at = "2026-03-05T10:30:00"
    district.capture(changes)
    (episode,) = district.documents("EpisodeOfCare")
    district.receive(
        RecordChange("EpisodeOfCare", {**episode, "status": "finished"}, "put", id=episode["id"]), peer="lab"
    )
    found = district.session.execute("select extract(hour from enrolled_at at time zone 'UTC') from enrollment")
    assert found.fetchone() == (10,)


def test_a_response_of_an_unknown_day_is_of_today(district: District) -> None:
    """A month is no day; what was not said is when it was sent."""
    district.receive(patient())
    district.receive(RecordChange("QuestionnaireResponse", new_response(district, PLAIN_STAGE, authored="2026-03")))
    assert district.report.errors == []
    ((_, _, day, _),) = district.events()
    assert day == district.context().at.date().isoformat()
