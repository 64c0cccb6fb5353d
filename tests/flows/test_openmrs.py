"""An OpenMRS and the hub: what changes there arrives here, what is captured here is written there, nothing echoes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hub import pulling, work
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tests.flows.openmrs_server import CLINIC, NUMBER_TYPE, VISIT_TYPE, OpenMrs, concept, diagnosis, obs
from tests.hub.bound.district import settle
from tracker_core import peers, pulls, routes
from tracker_core.database import Pool, transaction

NID = "urn:tracker-hub:national-id"
WRITTEN = {"records": ["Observation", "Encounter"], "about": "record"}


@pytest.fixture
def runtime(pool: Pool) -> Runtime:
    """A hub with the case programs, offered at two clinics."""
    with transaction(pool) as session:
        settle(session)
    return Runtime(pool=pool, adapters=ADAPTERS)


@pytest.fixture
def openmrs(runtime: Runtime) -> Iterator[OpenMrs]:
    """A running OpenMRS, known to the hub."""
    made = OpenMrs()
    settings = {
        "pull": {"every": 60},
        "locations": {CLINIC: "CLINIC-A"},
        "location": CLINIC,
        "naming": {NUMBER_TYPE: NID},
        "identifier_types": {NID: NUMBER_TYPE},
        "encounter_type": VISIT_TYPE,
    }
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "openmrs", "openmrs", address=made.url, settings=settings, secret="admin:Admin123")
        routes.save(session, "back", peer.id, "records", WRITTEN)
    yield made
    made.stop()


def change(runtime: Runtime, **settings: Any) -> None:
    """Change settings of the peer."""
    with transaction(runtime.pool) as session:
        peer = peers.read(session, "openmrs")
        peers.save(session, peer.code, peer.format, address=peer.address, settings={**peer.settings, **settings})


def turn(runtime: Runtime) -> pulls.Pull:
    """Ask, apply what came, and deliver what follows; return the state of asking."""
    with transaction(runtime.pool) as session:
        session.execute("update pull set due = now()")
    pulling.turn(runtime)
    settle_all(runtime)
    with transaction(runtime.pool) as session:
        return pulls.listed(session)[0][1]


def settle_all(runtime: Runtime) -> None:
    """Do everything that waits, in both directions, whatever it waits for."""
    for _ in range(20):
        with transaction(runtime.pool) as session:
            session.execute("update message set due = now() where state = 'waiting'")
        inward = work.claim(runtime, "in", "tester", 50)
        for message in inward:
            work.settle(runtime, message)
        work.dispatch(runtime)
        outward = work.claim(runtime, "out", "tester", 50)
        for message in outward:
            work.send(runtime, message)
        if not inward and not outward:
            return


def found(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    """The resources of a search, oldest first."""
    bundle = client.get(f"/fhir/{query}").json()
    return [entry["resource"] for entry in bundle.get("entry", [])]


def malaria_visit(openmrs: OpenMrs) -> tuple[str, str]:
    """A patient with a malaria visit: diagnosis, a group of vital signs, a rapid test."""
    phone = {"voided": False, "value": "+256772123456", "attributeType": {"uuid": "x", "display": "Telephone Number"}}
    home = {"voided": False, "preferred": True, "address1": "Hill Road", "cityVillage": "Arua"}
    patient = openmrs.save_patient("N-1", "Auma", attributes=[phone], addresses=[home])
    vitals = obs("vitals", None, groupMembers=[obs("weight", 52.5), obs("temperature", 39.1)])
    tests = [obs("rdt", concept("positive")), obs("comment", "was ill for three days", comment="by phone")]
    return patient, openmrs.save_encounter(patient, [vitals, *tests], diagnoses=[diagnosis("malaria")])


def test_what_changes_there_arrives_here(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """Patient, visit, diagnosis and obs become records with standard codes, and the diagnosis enrols."""
    malaria_visit(openmrs)
    state = turn(runtime)
    assert (state.error, state.pages) == (None, 2)
    (patient,) = found(client, "Patient")
    assert patient["name"] == [{"family": "Auma", "given": ["Rose"]}]
    assert (patient["birthDate"], patient["gender"], patient["telecom"][0]["value"]) == (
        "1990-02-03",
        "female",
        "+256772123456",
    )
    assert {"system": NID, "value": "N-1"} in patient["identifier"]
    (weight,) = found(client, "Observation?code=http://loinc.org|3141-9")
    assert weight["valueQuantity"] == {
        "value": 52.5,
        "unit": "kg",
        "system": "http://unitsofmeasure.org",
        "code": "kg",
    }
    (temperature,) = found(client, "Observation?code=http://loinc.org|8310-5")
    assert temperature["effectiveDateTime"] == "2026-03-05T09:40:00+03:00"
    (test,) = found(client, "Observation?code=http://loinc.org|70569-9")
    assert test["valueCodeableConcept"]["coding"][0] == {"system": "http://snomed.info/sct", "code": "10828004"}
    (condition,) = found(client, "Condition?code=http://hl7.org/fhir/sid/icd-10|B54")
    assert condition["verificationStatus"]["coding"][0]["code"] == "confirmed"
    (note,) = found(client, "Observation?code=https://cielterminology.org|161011")
    assert (note["valueString"], note["note"]) == ("was ill for three days", [{"text": "by phone"}])
    (episode,) = found(client, "EpisodeOfCare")
    assert episode["status"] == "active"


def test_the_feed_is_followed_where_it_was_left(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """Thirteen changes in three pages; what changed twice in a page is asked for once; then nothing is new."""
    for number in range(12):
        openmrs.save_patient(f"N-{number}", "Otim")
    openmrs.save_patient("N-11", "Okello")
    state = turn(runtime)
    assert (state.pages, len(found(client, "Patient?_count=100"))) == (12, 12)
    assert found(client, "Patient?family=Okello")
    assert state.cursor["patient"]["page"] == 3
    before = len(openmrs.calls)
    turn(runtime)
    assert openmrs.calls[before:] == ["GET atomfeed/patient/3", "GET atomfeed/encounter/1"]
    openmrs.save_patient("N-12", "Abara")
    assert turn(runtime).pages == 13


def test_edits_and_voids_there_are_followed(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """An obs that was replaced, a diagnosis that is gone, a visit that was a mistake."""
    patient, visit = malaria_visit(openmrs)
    turn(runtime)
    openmrs.save_encounter(patient, [obs("weight", 53)], visit, diagnoses=[])
    turn(runtime)
    live = [one for one in found(client, "Observation") if one["status"] != "entered-in-error"]
    assert [one["valueQuantity"]["value"] for one in live] == [53]
    assert found(client, "Condition")[0]["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert [one["status"] for one in found(client, "EpisodeOfCare")] == ["cancelled"]
    openmrs.save_encounter(patient, [], visit, voided=True)
    turn(runtime)
    assert [one["status"] for one in found(client, "Encounter")] == ["entered-in-error"]


def test_bad_days_lose_nothing(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """A 500 in the middle, a dropped connection, too many requests, a purged patient: each change arrives once."""
    for number in range(6):
        openmrs.save_patient(f"N-{number}", "Otim")
    gone = openmrs.feeds["patient"][3][1]
    del openmrs.patients[gone]
    openmrs.faults = [(200, {}), (200, {}), (500, {})]
    assert turn(runtime).error == "openmrs answered 500"
    openmrs.faults = [(200, {}), (0, {})]
    assert "cannot be reached" in (turn(runtime).error or "")
    openmrs.faults = [(429, {"retry-after": "30"})]
    assert "retry after 30 s" in (turn(runtime).error or "")
    state = turn(runtime)
    assert (state.error, state.pages, len(found(client, "Patient"))) == (None, 5, 5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pull": {"feeds": ["drug"]}}, "the feed drug"),
        ({"auth": "bearer"}, "answered 401"),
    ],
)
def test_what_cannot_be_followed_says_so(
    runtime: Runtime, openmrs: OpenMrs, settings: dict[str, Any], said: str
) -> None:
    """A feed that is none, a login that is refused."""
    openmrs.save_patient("N-1", "Otim")
    change(runtime, **settings)
    assert said in (turn(runtime).error or "")


def captured(client: httpx.Client, patient: dict[str, Any]) -> dict[str, str]:
    """A visit with a weight and a test, as another system sends it by FHIR; the references of what it made."""
    inside = {"subject": {"reference": "urn:p"}, "encounter": {"reference": "urn:e"}}
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    place = {"identifier": {"system": "urn:tracker-hub:org-unit", "value": "CLINIC-A"}}
    grams = {"value": 54200, "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}
    positive = {"coding": [{"system": "http://snomed.info/sct", "code": "10828004"}]}
    made = [
        ("urn:p", {"resourceType": "Patient", **patient}),
        (
            "urn:e",
            {
                "resourceType": "Encounter",
                "status": "finished",
                "class": act,
                "subject": inside["subject"],
                "period": {"start": "2026-03-06T10:00:00+03:00"},
                "serviceProvider": place,
            },
        ),
        ("urn:w", {**observation("29463-7"), **inside, "valueQuantity": grams}),
        ("urn:t", {**observation("70569-9"), **inside, "valueCodeableConcept": positive}),
        ("urn:x", {**observation("99999-9"), **inside, "valueString": "no concept"}),
    ]
    entries = [
        {"fullUrl": url, "resource": body, "request": {"method": "POST", "url": body["resourceType"]}}
        for url, body in made
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = client.post("/fhir", json=bundle)
    assert answer.status_code == 200, answer.text
    places = [one["response"]["location"].split("/_history")[0].split("/fhir/")[-1] for one in answer.json()["entry"]]
    return {url: place for (url, _), place in zip(made, places, strict=True)}


def observation(code: str) -> dict[str, Any]:
    """A final observation."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": "2026-03-06T10:05:00+03:00",
    }


ROSE = {"name": [{"family": "Auma", "given": ["Rose"]}], "gender": "female", "birthDate": "1990-02-03"}


def outgoing(client: httpx.Client) -> dict[str, int]:
    """How the outbound messages ended."""
    states: dict[str, int] = {}
    for one in client.get("/hub/messages", params={"direction": "out"}).json()["messages"]:
        states[one["state"]] = states.get(one["state"], 0) + 1
    return states


def test_what_is_captured_here_is_written_there(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """To the EMR's own patient, in its units and concepts; without a concept it is refused; nothing echoes."""
    uuid = openmrs.save_patient("N-1", "Auma")
    turn(runtime)
    captured(client, {**ROSE, "identifier": [{"system": NID, "value": "N-1"}]})
    settle_all(runtime)
    assert list(openmrs.patients) == [uuid]
    ((_, visit),) = openmrs.encounters.items()
    assert (visit["patient"], visit["location"]["uuid"]) == (uuid, CLINIC)
    assert sorted((one["concept"]["display"], str(one["value"])[:20]) for one in openmrs.obs.values()) == [
        ("Malaria rapid test", "{'uuid': '703AAAAAAA"),
        ("Weight (kg)", "54.2"),
    ]
    assert outgoing(client) == {"done": 3, "rejected": 1}
    before = (len(found(client, "Observation")), len(found(client, "Encounter")))
    openmrs.note("encounter", next(iter(openmrs.encounters)))
    state = turn(runtime)
    assert (state.error, len(found(client, "Observation")), len(found(client, "Encounter"))) == (None, *before)


def test_a_patient_who_is_not_there_is_registered_once(
    client: httpx.Client, runtime: Runtime, openmrs: OpenMrs
) -> None:
    """With the number that both know, else with one of the EMR's own; lost answers make nobody twice."""
    openmrs.faults = [(200, {}), (-1, {}), (200, {}), (-1, {}), (0, {})]
    captured(client, {**ROSE, "identifier": [{"system": NID, "value": "N-7"}]})
    settle_all(runtime)
    ((_, patient),) = openmrs.patients.items()
    assert patient["identifiers"][0]["identifier"] == "N-7"
    assert (len(openmrs.encounters), len(openmrs.obs)) == (1, 2)
    change(runtime, identifier_types={}, identifier_source="src", identifier_type=NUMBER_TYPE)
    captured(client, {**ROSE, "identifier": [{"system": "urn:lab", "value": "L-8"}], "birthDate": "1951"})
    settle_all(runtime)
    numbers = [one["identifiers"][0]["identifier"] for one in openmrs.patients.values()]
    assert numbers == ["N-7", "1001"]
    born = list(openmrs.patients.values())[1]["person"]
    assert (born["birthdate"], born["birthdateEstimated"]) == ("1951-01-01", True)


def test_without_a_number_the_registration_is_refused(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """Nothing of the visit is written for nobody."""
    captured(client, ROSE)
    settle_all(runtime)
    assert (openmrs.patients, openmrs.encounters, openmrs.obs) == ({}, {}, {})
    messages = client.get("/hub/messages", params={"direction": "out"}).json()["messages"]
    assert {one["state"] for one in messages} == {"rejected"}
    assert any("no identifier that the EMR takes" in (one["error"] or "") for one in messages)


def test_edits_here_change_what_is_there(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """An amended value edits the obs, twice; one entered in error voids it."""
    openmrs.save_patient("N-1", "Auma")
    turn(runtime)
    made = captured(client, {**ROSE, "identifier": [{"system": NID, "value": "N-1"}]})
    settle_all(runtime)
    for kilograms in (55.5, 56):
        weight = client.get(f"/fhir/{made['urn:w']}").json()
        weight["valueQuantity"] = {"value": kilograms, "code": "kg", "system": "http://unitsofmeasure.org"}
        assert client.put(f"/fhir/{made['urn:w']}", json=weight).status_code == 200
        settle_all(runtime)
    live = [one["value"] for one in openmrs.obs.values() if not one["voided"] and "Weight" in one["concept"]["display"]]
    assert live == [56]
    weight["status"] = "entered-in-error"
    client.put(f"/fhir/{made['urn:w']}", json=weight)
    settle_all(runtime)
    assert [one for one in openmrs.obs.values() if not one["voided"] and "Weight" in one["concept"]["display"]] == []


def test_objects_that_are_none_are_refused(client: httpx.Client, runtime: Runtime, openmrs: OpenMrs) -> None:
    """A patient without person, an encounter without time, complex values: told, nothing half-applied."""
    patient = openmrs.save_patient("N-1", "Auma")
    openmrs.save_encounter(patient, [obs("weight", {"links": []})])
    openmrs.save_encounter(patient, [], encounterDatetime="yesterday")
    broken = openmrs.save_patient("N-2", "Otim")
    del openmrs.patients[broken]["person"]
    turn(runtime)
    states = [one["state"] for one in client.get("/hub/messages", params={"direction": "in"}).json()["messages"]]
    assert sorted(states) == ["done", "done", "rejected", "rejected"]
    assert (len(found(client, "Patient")), len(found(client, "Encounter")), found(client, "Observation")) == (1, 1, [])
