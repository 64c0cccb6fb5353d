"""The tuberculosis program of a published package: captured by `/api`, read, edited and captured by `/fhir`."""

import gzip
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub import bound, catalogue
from hub.runtime import Runtime
from tests.hub.bound.district import District
from tracker_core import history, metadata, peers
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RecordChange
from tracker_core.database import Session

PACKAGE = "TB_CS_2.41.json.gz"
PROGRAM, NOTIFIED, LAB = "M3bX9810ASg", "enzdhfIPdfl", "ZQIixgdGiaA"
XPERT, SPECIMEN, RESULT_DATE, SMEAR = "CxjSGmVSIrD", "GKCCcIyrJmn", "cQUTagw2Jtw", "iHspUy4mX0S"
FORM = f"urn:tracker-hub:program-stage:{LAB}"
DAY = "2026-03-05"
ATTRIBUTES = {
    "sB1IHYu2xQT": "Rose",
    "ENRjVGxVL6l": "Auma",
    "oindugucx72": "FEMALE",
    "NI0QRzJvQ0k": "1994-02-03",
    "Ewi7FUfcHAD": "N-1",
}
BINDING = """binding tb-surveillance
program TB_CS
concepts detected hub:detected
  DETECTED      detected
  NOT_DETECTED  not-detected
  ERROR         error
  INVALID       invalid
  NO_RESULT     no-result
concepts visit-status fhir:encounter-status
  COMPLETED  finished
  ACTIVE     in-progress
  SCHEDULE   planned
  SKIPPED    cancelled
concepts enrolment-status fhir:episode-of-care-status
  ACTIVE     active
  COMPLETED  finished
  CANCELLED  cancelled
enrolment
status     <-> status        code:enrolment-status
enrolledAt <-> period.start  date
stage ZQIixgdGiaA
occurredAt <-> Encounter.period.start  dateTime
status     <-> Encounter.status        code:visit-status
dataValues.CxjSGmVSIrD <-> Observation[code=loinc|88874-3].valueCodeableConcept  concept:detected
dataValues.GKCCcIyrJmn <-> Observation[code=loinc|11156-7].valueString  text
new Encounter    status=finished  class=v3-ActCode|AMB  subject=@person  serviceProvider=@place
new Observation  status=final  subject=@person  encounter=@Encounter  effectiveDateTime=@occurredAt
"""


def package(corpora: Path) -> dict[str, Any]:
    """The package without its user, whose program is offered at the root of every new hub."""
    payload: dict[str, Any] = json.loads(gzip.decompress((corpora / "dhis2" / "metadata" / PACKAGE).read_bytes()))
    payload.pop("users", None)
    return payload


def offered(client: httpx.Client, corpora: Path) -> str:
    """Bring the package and its binding into a hub; return the org unit where the program is offered."""
    unit = {"id": "ClinicAaaaa", "code": "A", "name": "Clinic A", "shortName": "A", "openingDate": "1990-01-01"}
    payload = package(corpora)
    payload["programs"][0]["organisationUnits"] = [{"id": unit["id"]}]
    assert client.post("/api/metadata", json={"organisationUnits": [unit]}).status_code == 200
    imported = client.post("/api/metadata", json=payload)
    assert imported.json()["status"] in ("OK", "WARNING"), imported.text[:500]
    stored = client.put("/hub/bindings/tb-surveillance", content=BINDING, headers={"content-type": "text/plain"})
    assert stored.json()["issues"] == []
    return unit["id"]


def capture(client: httpx.Client, unit: str) -> None:
    """Register a person with a laboratory event, as a tracker client does."""
    person = {
        "trackedEntity": "PersonAaaaa",
        "trackedEntityType": "MCPQUTHX1Ze",
        "orgUnit": unit,
        "attributes": [{"attribute": uid, "value": value} for uid, value in ATTRIBUTES.items()],
        "enrollments": [
            {
                "enrollment": "EnrolAaaaaa",
                "program": PROGRAM,
                "orgUnit": unit,
                "enrolledAt": DAY,
                "occurredAt": DAY,
                "events": [
                    {
                        "event": "EventAaaaaa",
                        "program": PROGRAM,
                        "programStage": LAB,
                        "orgUnit": unit,
                        "occurredAt": DAY,
                        "status": "ACTIVE",
                        "dataValues": [
                            {"dataElement": XPERT, "value": "DETECTED"},
                            {"dataElement": RESULT_DATE, "value": DAY},
                        ],
                    }
                ],
            }
        ],
    }
    answer = client.post("/api/tracker", params={"async": "false"}, json={"trackedEntities": [person]})
    assert answer.status_code == 200, answer.text


def searched(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    """The matches of a FHIR search."""
    bundle = client.get(f"/fhir/{query}").json()
    return [one["resource"] for one in bundle.get("entry", ()) if one.get("search", {}).get("mode") == "match"]


def values(client: httpx.Client) -> dict[str, str]:
    """The data values of the event, as the tracker's API gives them."""
    event = client.get("/api/tracker/events/EventAaaaaa").json()
    return {one["dataElement"]: one["value"] for one in event["dataValues"]}


def item(response: dict[str, Any], link: str) -> dict[str, Any]:
    """The item of a response, wherever it stands."""
    waiting = list(response["item"])
    while waiting:
        one: dict[str, Any] = waiting.pop()
        if one["linkId"] == link:
            return one
        waiting += one.get("item", [])
    raise AssertionError(f"{link} is not answered")


def test_a_program_goes_round_by_both_faces(client: httpx.Client, runtime: Runtime, corpora: Path) -> None:
    """Captured as tracker, read as FHIR in every view, edited in four, read back; what is not mapped survives."""
    unit = offered(client, corpora)
    catalogue.turn(runtime)
    capture(client, unit)
    (person,) = searched(client, "Patient?family=Auma")
    (episode,) = searched(client, f"EpisodeOfCare?patient={person['id']}&status=active")
    (visit,) = searched(client, f"Encounter?subject=Patient/{person['id']}")
    (result,) = searched(client, "Observation?code=http://loinc.org|88874-3")
    (response,) = searched(client, f"QuestionnaireResponse?questionnaire={FORM}&subject=Patient/{person['id']}")
    assert result["encounter"]["reference"] == response["encounter"]["reference"] == f"Encounter/{visit['id']}"
    assert item(response, RESULT_DATE)["answer"] == [{"valueDate": DAY}]
    assert searched(client, f"Location?_id={unit}&organization={unit}")

    item(response, RESULT_DATE)["answer"][0]["valueDate"] = "2026-03-07"
    item(response, RESULT_DATE)["extension"] = [{"url": "urn:x", "valueString": "kept"}]
    assert client.put(f"/fhir/QuestionnaireResponse/{response['id']}", json=response).status_code == 200
    result["valueCodeableConcept"]["coding"][0] |= {"code": "not-detected"}
    result["note"] = [{"text": "second cartridge"}]
    assert client.put(f"/fhir/Observation/{result['id']}", json=result).status_code == 200
    assert values(client) == {XPERT: "NOT_DETECTED", RESULT_DATE: "2026-03-07"}
    visit["status"] = "finished"
    assert client.put(f"/fhir/Encounter/{visit['id']}", json=visit).status_code == 200
    episode["status"] = "finished"
    assert client.put(f"/fhir/EpisodeOfCare/{episode['id']}", json=episode).status_code == 200
    assert client.get("/api/tracker/events/EventAaaaaa").json()["status"] == "COMPLETED"
    assert client.get("/api/tracker/enrollments/EnrolAaaaaa").json()["status"] == "COMPLETED"

    response = client.get(f"/fhir/QuestionnaireResponse/{response['id']}").json()
    assert item(response, XPERT)["answer"][0]["valueCoding"]["code"] == "NOT_DETECTED"
    assert item(response, RESULT_DATE)["extension"] == [{"url": "urn:x", "valueString": "kept"}]
    assert client.get(f"/fhir/Observation/{result['id']}").json()["note"] == [{"text": "second cartridge"}]


def test_what_the_program_refuses_is_an_outcome(client: httpx.Client, runtime: Runtime, corpora: Path) -> None:
    """422 with the tracker's code at the place, and nothing is stored by either face."""
    unit = offered(client, corpora)
    capture(client, unit)
    before = client.get("/fhir/QuestionnaireResponse/EventAaaaaa").json()
    edited = deepcopy(before)
    item(edited, XPERT)["answer"][0]["valueCoding"] = {"code": "MAYBE"}
    answer = client.put("/fhir/QuestionnaireResponse/EventAaaaaa", json=edited)
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (422, "E1125")
    edited = {**before, "status": "stopped"}
    answer = client.put("/fhir/QuestionnaireResponse/EventAaaaaa", json=edited)
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (422, "E1316")
    assert client.get("/fhir/QuestionnaireResponse/EventAaaaaa").json() == before
    assert values(client) == {XPERT: "DETECTED", RESULT_DATE: DAY}


def test_a_form_is_populated_filled_and_captured(client: httpx.Client, runtime: Runtime, corpora: Path) -> None:
    """`$populate` answers what is known, the filled response makes an event, `$extract` says it as resources."""
    unit = offered(client, corpora)
    catalogue.turn(runtime)
    capture(client, unit)
    (person,) = searched(client, "Patient?family=Auma")
    subject = {"name": "subject", "valueReference": {"reference": f"Patient/{person['id']}"}}
    asked = {"resourceType": "Parameters", "parameter": [subject]}
    answer = client.post(f"/fhir/Questionnaire/{PROGRAM}/$populate", json=asked).json()
    registration = answer["parameter"][0]["resource"]
    assert item(registration, "ENRjVGxVL6l")["answer"] == [{"valueString": "Auma"}]
    assert item(registration, "oindugucx72")["answer"][0]["valueCoding"]["code"] == "female"
    item(registration, "ENRjVGxVL6l")["answer"][0]["valueString"] = "Auma-Otim"
    extracted = client.post("/fhir/QuestionnaireResponse/$extract", json=registration).json()
    assert client.post("/fhir", json=extracted).status_code == 200
    entity = client.get("/api/tracker/trackedEntities/PersonAaaaa").json()
    assert "Auma-Otim" in [one["value"] for one in entity["attributes"]]

    answer = client.get(f"/fhir/Questionnaire/{LAB}/$populate", params={"subject": f"Patient/{person['id']}"}).json()
    filled = answer["parameter"][0]["resource"]
    form = client.get(f"/fhir/Questionnaire/{LAB}").json()
    (section,) = [one for one in form["item"] if XPERT in [below["linkId"] for below in one.get("item", ())]]
    filled["item"] = [
        {"linkId": "occurredAt", "answer": [{"valueDateTime": "2026-04-01"}]},
        {
            "linkId": section["linkId"],
            "item": [{"linkId": XPERT, "answer": [{"valueCoding": {"code": "ERROR"}}]}],
        },
    ]
    made = client.post("/fhir/QuestionnaireResponse", json={**filled, "status": "completed"})
    assert made.status_code == 201, made.text
    events = client.get("/api/tracker/events", params={"program": PROGRAM, "programStage": LAB, "orgUnit": unit}).json()
    found = {one["occurredAt"][:10]: one["status"] for one in events["events"]}
    assert found == {DAY: "ACTIVE", "2026-04-01": "COMPLETED"}
    location = made.headers["location"].partition("/_history")[0]
    entry = client.get(f"{location}/$extract").json()["entry"]
    assert [one["resource"]["code"]["coding"][0]["code"] for one in entry] == ["88874-3"]
    assert client.post("/fhir/Questionnaire/$populate", json=asked).status_code == 400
    assert client.get("/fhir/Questionnaire/nowhere/$populate").status_code == 404


def test_what_is_shown_is_valid(client: httpx.Client, runtime: Runtime, corpora: Path) -> None:
    """Every kind of record that the hub makes passes its own `$validate`."""
    unit = offered(client, corpora)
    catalogue.turn(runtime)
    capture(client, unit)
    shown = [f"{type}/{id}" for type, id in (("Questionnaire", LAB), ("Questionnaire", PROGRAM))]
    shown += [f"PlanDefinition/{PROGRAM}", f"Location/{unit}", f"Organization/{unit}"]
    shown += ["QuestionnaireResponse/EventAaaaaa"]
    for type in (
        "EpisodeOfCare",
        "Encounter",
        "Observation",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "ValueSet",
    ):
        shown.append(f"{type}/{searched(client, type)[0]['id']}")
    for reference in shown:
        issues = client.get(f"/fhir/{reference}/$validate").json()["issue"]
        wrong = [issue["diagnostics"] for issue in issues if issue["severity"] in ("error", "fatal")]
        assert wrong == [], (reference, wrong[:3])


@pytest.fixture
def district(session: Session, corpora: Path) -> District:
    """The package in a hub, with one person and one laboratory event."""
    metadata.bootstrap(session)
    context = history.open_change_set(session, "tester")
    payload = package(corpora)
    payload["organisationUnits"] = [
        {"id": "ClinicAaaaa", "code": "A", "name": "A", "shortName": "A", "openingDate": "1990-01-01"}
    ]
    payload["programs"][0]["organisationUnits"] = [{"id": "ClinicAaaaa"}]
    assert metadata.import_objects(session, context, payload).errors == []
    bound.save(session, context, BINDING, "tb-surveillance")
    made = District(session)
    for code in ("dhis2", "lab"):
        made.peers[code] = peers.save(session, code, code if code == "dhis2" else "fhir")
    made.capture(
        ChangeSet(
            entities=[EntityChange("PersonAaaaa", "MCPQUTHX1Ze", "ClinicAaaaa", dict(ATTRIBUTES))],
            enrollments=[
                EnrollmentChange("EnrolAaaaaa", "PersonAaaaa", PROGRAM, "ClinicAaaaa", DAY, fields={"occurredAt": DAY})
            ],
            events=[
                EventChange(
                    "EventAaaaaa",
                    "EnrolAaaaaa",
                    PROGRAM,
                    LAB,
                    "ClinicAaaaa",
                    fields={"occurredAt": DAY, "status": "ACTIVE"},
                )
            ],
        )
    )
    return made


CHOICES = {
    XPERT: st.sampled_from(["DETECTED", "NOT_DETECTED", "ERROR"]),
    SPECIMEN: st.text("abc 1'é", min_size=1, max_size=8).filter(lambda text: text.strip() == text),
    RESULT_DATE: st.dates().map(str),
    SMEAR: st.sampled_from(["SCANTY", "1PLUS", "NEGATIVE"]),
}
KINDS = {XPERT: "valueCoding", SMEAR: "valueCoding", SPECIMEN: "valueString", RESULT_DATE: "valueDate"}
CODES = {XPERT: "88874-3", SPECIMEN: "11156-7"}
values_of = st.sampled_from(sorted(CHOICES)).flatmap(lambda key: st.tuples(st.just(key), st.none() | CHOICES[key]))
edits = st.lists(st.tuples(st.sampled_from(["tracker", "response", "observation", "note"]), values_of), max_size=8)


@given(edits)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_views_agree_whoever_edits(district: District, steps: list[tuple[str, tuple[str, str | None]]]) -> None:
    """After any edits on both sides every view says what was said last, and notes of others stay."""
    with district.session.transaction(force_rollback=True):
        expected: dict[str, str] = {}
        notes: list[str] = []
        for side, (key, value) in steps:
            if side == "note":
                notes.append(f"note {len(notes)}")
                annotate(district, notes)
            elif side == "tracker":
                district.capture(ChangeSet(events=[EventChange("EventAaaaaa", data={key: value})]))
            elif side == "response" or key not in CODES or key not in expected:
                respond(district, key, value)
            else:
                observe(district, key, value)
            if side != "note":
                expected = {k: v for k, v in {**expected, key: value}.items() if v is not None}
            agree(district, expected, notes)


def annotate(district: District, notes: list[str]) -> None:
    """Let a client add an extension that no binding knows to the response."""
    (response,) = district.documents("QuestionnaireResponse")
    response["extension"] = [{"url": "urn:note", "valueString": note} for note in notes]
    district.receive(RecordChange("QuestionnaireResponse", response, "put", id=response["id"]), peer="lab")


def respond(district: District, key: str, value: str | None) -> None:
    """Edit the response as a form renderer does: the whole document with another answer."""
    (response,) = district.documents("QuestionnaireResponse")
    for holder in (response, *response.get("item", ())):
        holder["item"] = [one for one in holder.get("item", ()) if one["linkId"] != key]
    if value is not None:
        answer = {KINDS[key]: {"code": value} if KINDS[key] == "valueCoding" else value}
        response["item"].append({"linkId": key, "answer": [answer]})
    prune(response)
    district.receive(RecordChange("QuestionnaireResponse", response, "put", id=response["id"]), peer="lab")


def prune(holder: dict[str, Any]) -> None:
    """Take empty lists of items away: FHIR has none."""
    holder["item"] = [one for one in holder["item"] if one.get("item") or one.get("answer") or "item" not in one]
    for one in (holder, *holder["item"]):
        if not one.get("item"):
            one.pop("item", None)


def observe(district: District, key: str, value: str | None) -> None:
    """Edit the live observation of a value."""
    (found,) = observations(district, key)
    if value is None:
        found["status"] = "entered-in-error"
    elif key == XPERT:
        code = {"DETECTED": "detected", "NOT_DETECTED": "not-detected", "ERROR": "error"}[value]
        found["valueCodeableConcept"] = {"coding": [{"system": "urn:tracker-hub:detected", "code": code}]}
    else:
        found["valueString"] = value
    district.receive(RecordChange("Observation", found, "put", id=found["id"]), peer="lab")


def observations(district: District, key: str) -> list[dict[str, Any]]:
    """The live observations of a value."""
    return [
        one
        for one in district.documents("Observation")
        if one["code"]["coding"][0]["code"] == CODES[key] and one["status"] != "entered-in-error"
    ]


def agree(district: District, expected: dict[str, str], notes: list[str]) -> None:
    """Check event, response and observations against what was said."""
    assert district.report.errors == []
    data = district.session.execute("select data from event where uid = 'EventAaaaaa'").fetchone()
    assert data == (expected,)
    (response,) = district.documents("QuestionnaireResponse")
    said = {}
    for holder in (response, *response.get("item", ())):
        for one in holder.get("item", ()):
            for answer in one.get("answer", ()):
                (value,) = answer.values()
                said[one["linkId"]] = value["code"] if isinstance(value, dict) else value
    said.pop("occurredAt")
    assert said == expected
    assert [one["valueString"] for one in response.get("extension", ())] == notes
    for key in CODES:
        live = observations(district, key)
        assert len(live) == (key in expected)
        if live and key == XPERT:
            code = live[0]["valueCodeableConcept"]["coding"][0]["code"]
            assert code.replace("-", "_").upper() == expected[key]
        elif live:
            assert live[0]["valueString"] == expected[key]
