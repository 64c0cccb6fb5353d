"""Provenance and AuditEvent: every write and every read is found again, by what, whom, when and from which message."""

import base64
import time
from typing import Any

import httpx
import pytest

from adapters.contract import Envelope
from hub import schedule
from hub.access import HubAccess
from hub.runtime import Runtime
from mappings.library import edition
from tests.flows.test_fhir_patients import patient
from tracker_core.context import User
from tracker_core.database import transaction

NURSE = ("nurse", "also-secret-enough")


@pytest.fixture
def ward(client: httpx.Client) -> httpx.Client:
    """A client of a hub with a patient of two versions, an observation, and somebody else."""
    client.put("/fhir/Patient/amina", json=patient("amina", "N-1")).raise_for_status()
    client.put("/fhir/Patient/amina", json=patient("amina", "N-1", active=True)).raise_for_status()
    seen = {"resourceType": "Observation", "id": "seen", "status": "final", "code": {"text": "seen"}}
    client.put("/fhir/Observation/seen", json={**seen, "subject": {"reference": "Patient/amina"}}).raise_for_status()
    client.put("/fhir/Patient/james", json=patient("james", "N-2", name=[{"family": "Mukasa"}]), auth=NURSE)
    return client


def found(client: httpx.Client, type_: str, **query: str) -> list[dict[str, Any]]:
    """The resources of all pages of a search."""
    url: str | None = f"/fhir/{type_}"
    resources: list[dict[str, Any]] = []
    while url:
        answer = client.get(url, params=query or None)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        resources += [entry["resource"] for entry in page.get("entry", ())]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        query = {}
    return resources


def eventually(client: httpx.Client, count: int, **query: str) -> list[dict[str, Any]]:
    """The AuditEvents of a search, once the trail has written `count` of them."""
    until = time.monotonic() + 60
    while len(events := found(client, "AuditEvent", **query)) < count:
        assert time.monotonic() < until, f"there are {len(events)} of {count} events"
        time.sleep(0.05)
    return events


def targets(resources: list[dict[str, Any]]) -> list[str]:
    """The first target of every Provenance."""
    return [one["target"][0]["reference"] for one in resources]


def test_every_write_has_a_provenance(ward: httpx.Client) -> None:
    """Versions, activity, author, peer, software and the message are told; the newest write comes first."""
    made = found(ward, "Provenance", target="Patient/amina")
    assert targets(made) == ["Patient/amina/_history/2", "Patient/amina/_history/1"]
    assert [one["activity"]["coding"][0]["code"] for one in made] == ["UPDATE", "CREATE"]
    agents = {one["type"]["coding"][0]["code"]: one["who"] for one in made[0]["agent"]}
    assert agents["author"]["identifier"] == {"system": "urn:tracker-hub:user", "value": "admin"}
    assert agents["author"]["reference"].startswith("Practitioner/")
    assert agents["transmitter"]["identifier"]["value"] == "fhir"
    assert made[0]["entity"][0]["role"] == "source"
    same = ward.get(f"/fhir/Provenance/{made[0]['id']}")
    assert (same.status_code, same.json()) == (200, made[0])
    assert same.headers["etag"] == 'W/"1"'
    assert ward.get("/fhir/Provenance/cs-999999").status_code == 404


def test_provenance_is_searched_by_all_it_says(ward: httpx.Client) -> None:
    """By version, agent, time, message; what has no such element is not among the generated ones."""
    everything = found(ward, "Provenance")
    assert len(everything) == 4
    assert targets(found(ward, "Provenance", target="Patient/amina/_history/1")) == ["Patient/amina/_history/1"]
    author = everything[0]["agent"][0]["who"]["reference"]
    assert targets(found(ward, "Provenance", agent=author)) == ["Patient/james/_history/1"]
    nurse = {"agent:identifier": "urn:tracker-hub:user|nurse"}
    assert targets(found(ward, "Provenance", **nurse)) == ["Patient/james/_history/1"]
    assert len(found(ward, "Provenance", **{"agent:identifier": "urn:tracker-hub:peer|fhir"})) == 4
    message = everything[1]["entity"][0]["what"]["identifier"]
    by = {"entity:identifier": f"{message['system']}|{message['value']}"}
    assert targets(found(ward, "Provenance", **by)) == ["Observation/seen/_history/1"]
    assert found(ward, "Provenance", recorded=f"gt{everything[0]['recorded']}") == []
    assert len(found(ward, "Provenance", recorded=f"ge{everything[-1]['recorded']}")) == 4
    assert len(found(ward, "Provenance", recorded=everything[0]["recorded"])) >= 1
    assert found(ward, "Provenance", location="Location/x") == []
    assert targets(found(ward, "Provenance", _id=everything[2]["id"])) == ["Patient/amina/_history/2"]
    assert ward.get("/fhir/Provenance", params={"recorded": "soon"}).status_code == 400


def test_pages_totals_orders_and_includes_of_generated_resources(ward: httpx.Client) -> None:
    """Stored ones come first, pages are disjoint and complete, both orders, totals, includes both ways."""
    stored = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/amina"}],
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": {"display": "a clerk"}}],
    }
    ward.post("/fhir/Provenance", json=stored).raise_for_status()
    pages = found(ward, "Provenance", _count="2")
    assert len({one["id"] for one in pages}) == len(pages) == 6
    assert pages[0]["agent"][0]["who"]["display"] == "a clerk"
    total = ward.get("/fhir/Provenance", params={"_total": "accurate", "_count": "1"}).json()["total"]
    assert (total, ward.get("/fhir/Provenance", params={"_summary": "count"}).json()["total"]) == (6, 6)
    upwards = [one["recorded"] for one in found(ward, "Provenance", _sort="recorded", _count="2")]
    assert upwards == sorted(upwards)
    included = found(ward, "Provenance", target="Observation/seen", _include="Provenance:target")
    assert [one["resourceType"] for one in included] == ["Provenance", "Observation"]
    reverse = found(ward, "Observation", _id="seen", _revinclude="Provenance:target")
    assert targets(reverse[1:]) == ["Observation/seen/_history/1"]
    within = [one["id"] for one in found(ward, "Patient/amina/Provenance")]
    assert len(within) == 3
    assert ward.get("/fhir/Provenance", params={"_cursor": "g.xxxx"}).status_code == 400


def test_a_mapped_message_is_known_with_its_mapping(ward: httpx.Client, runtime: Runtime) -> None:
    """The edition of the tables that read an HL7 message is part of its Provenance."""
    adt = b"MSH|^~\\&|EMR|A|HUB|B|20240102||ADT^A04^ADT_A01|77|P|2.5\rPID|1||P-77^^^A^MR||Auma^Joy||19900101|F\r"
    HubAccess(runtime).accept("hl7v2", adt, Envelope("x-application/hl7-v2+er7"), User("", "lab"))
    newest = found(ward, "Provenance")[0]
    assert [one["role"] for one in newest["entity"]] == ["source", "derivation"]
    assert newest["entity"][0]["what"]["display"] == "ADT^A04"
    assert newest["entity"][1]["what"]["identifier"] == {"system": "urn:tracker-hub:mapping", "value": edition()}
    (event,) = found(ward, "AuditEvent", altid="lab", action="U")
    assert event["type"]["code"] == "110110"


def test_reads_searches_and_operations_are_events(ward: httpx.Client) -> None:
    """Each read names its patient, record, user, address; a query keeps its words; refusals have their outcome."""
    ward.get("/fhir/Observation/seen", auth=NURSE)
    ward.get("/fhir/Patient", params={"family": "Okello"}, auth=NURSE)
    ward.get("/fhir/Patient/amina/$everything", auth=NURSE)
    ward.get("/fhir/Patient/amina/_history/1", auth=NURSE)
    ward.get("/fhir/Patient/nobody", auth=NURSE)
    ward.get("/fhir/CodeSystem", auth=NURSE)
    eventually(ward, 1, altid="nurse", outcome="4")  # the last of them: the trail keeps their order
    events = found(ward, "AuditEvent", altid="nurse", _sort="date")
    told = [(one["action"], one.get("subtype", [{}])[0].get("code"), one["outcome"]) for one in events]
    login = ("E", "110122", "0")  # told again when the last request was some seconds ago
    assert login in told
    assert [one for one in told if one != login] == [
        ("U", "update", "0"),
        ("R", "read", "0"),
        ("E", "search", "0"),
        ("E", "operation", "0"),
        ("R", "vread", "0"),
        ("R", "read", "4"),
    ]
    read = next(one for one in events if one.get("subtype", [{}])[0].get("code") == "read")
    assert [e["what"]["reference"] for e in read["entity"]] == ["Patient/amina", "Observation/seen"]
    assert read["meta"]["profile"] == [
        "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
    ]
    assert read["agent"][0]["network"]["address"] == "127.0.0.1"
    assert read["agent"][2]["altId"] == "nurse"
    assert ward.get(f"/fhir/AuditEvent/{read['id']}").json() == read


def test_events_are_searched_by_patient_entity_action_and_outcome(ward: httpx.Client) -> None:
    """Who saw or changed this person? A Patient stands for all records of the person."""
    ward.get("/fhir/Observation/seen", auth=NURSE)
    ward.get("/fhir/Patient/james")
    ward.put("/fhir/Patient/amina", json=patient("other"))
    eventually(ward, 1, action="R", patient="Patient/james")
    about = {one["subtype"][0]["code"] for one in found(ward, "AuditEvent", patient="Patient/amina", outcome="0")}
    assert about == {"read", "update"}
    (read,) = found(ward, "AuditEvent", patient="amina", action="R")
    assert read["agent"][2]["altId"] == "nurse"
    (refused,) = eventually(ward, 1, outcome="4", subtype="update")
    assert refused["outcomeDesc"] == "HTTP 400"
    writes = found(ward, "AuditEvent", entity="Observation/seen", action="U")
    assert [one["entity"][0]["what"]["identifier"]["system"] for one in writes] == ["urn:tracker-hub:message"]
    assert found(ward, "AuditEvent", type="http://dicom.nema.org/resources/ontology/DCM|110113") == []
    assert found(ward, "AuditEvent", date="lt2020") == []
    assert found(ward, "AuditEvent", patient="Patient/nobody") == []
    assert {one["action"] for one in found(ward, "Patient/amina/AuditEvent")} == {"R", "U"}


def test_reads_inside_a_batch_are_events_too(ward: httpx.Client) -> None:
    """A bundle that reads has shown what it read."""
    entry = {"request": {"method": "GET", "url": "Observation/seen"}}
    ward.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]}, auth=NURSE)
    (event,) = eventually(ward, 1, subtype="batch", altid="nurse", patient="Patient/amina")
    assert "Observation/seen" in [one.get("what", {}).get("reference") for one in event["entity"]]


def test_failed_logins_and_broken_glass_are_events(ward: httpx.Client, runtime: Runtime) -> None:
    """A wrong password is kept with the name that was tried; a grant with its reason and purpose."""
    ward.get("/fhir/Patient/amina", auth=("mallory", "guess"))
    (failed,) = eventually(ward, 1, outcome="4", subtype="110122")
    assert failed["agent"][2]["altId"] == "mallory"
    with transaction(runtime.pool) as session:
        person = session.execute("select subject from record where id = 'amina'").fetchall()[0][0]
        session.execute(
            "insert into program_access (entity, program, username, reason, at, until)"
            " values (%s, 1, 'nurse', 'found unconscious', now(), now())",
            (person,),
        )
    (glass,) = found(ward, "AuditEvent", type="110113", patient="Patient/amina")
    assert glass["purposeOfEvent"][0]["coding"][0]["code"] == "BTG"
    assert glass["entity"][-1]["description"] == "found unconscious"
    assert glass["entity"][0]["what"] == {"reference": "Patient/amina"}


def test_old_entries_go_by_the_clock(ward: httpx.Client, runtime: Runtime) -> None:
    """What is older than the setting says is swept; younger entries stay."""
    ward.get("/fhir/Patient/amina", auth=NURSE)
    eventually(ward, 1, action="R", altid="nurse")
    with transaction(runtime.pool) as session:
        session.execute("update audit_entry set at = at - interval '3 years' where event = 'read'")
        young = {row[0] for row in session.execute("select id from audit_entry where event <> 'read'")}
    assert young
    schedule.tick(runtime)
    with transaction(runtime.pool) as session:
        assert young <= {row[0] for row in session.execute("select id from audit_entry")}
    assert found(ward, "AuditEvent", action="R", altid="nurse") == []


def test_the_audit_trail_is_for_administrators(ward: httpx.Client) -> None:
    """Others are refused by every way in, a batch included, and so is indexing anew; what was written is for all."""
    for path in ("AuditEvent", "AuditEvent/w-1", "Patient/amina/AuditEvent", "AuditEvent/_history"):
        assert ward.get(f"/fhir/{path}", auth=NURSE).status_code == 403
    assert ward.post("/fhir/AuditEvent/_search", auth=NURSE).status_code == 403
    entry = {"request": {"method": "GET", "url": "AuditEvent?action=R"}}
    answer = ward.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]}, auth=NURSE).json()
    assert answer["entry"][0]["response"]["status"].startswith("403")
    assert ward.get("/fhir/Provenance", auth=NURSE).status_code == 200
    for path in ("SearchParameter/$reindex", "SearchParameter/x/$reindex"):
        assert ward.post(f"/fhir/{path}", auth=NURSE).status_code == 403
    assert ward.post("/fhir/SearchParameter/$reindex").status_code == 200


def test_an_hl7_query_is_an_event(ward: httpx.Client, runtime: Runtime) -> None:
    """Who asked by a QBP is told as a query, from which peer."""
    head = b"MSH|^~\\&|EMR|A|HUB|B|20240102||QBP^Q22^QBP_Q21|78|P|2.5\r"
    qbp = head + b"QPD|Q22^Find Candidates^HL7|1|@PID.5.1^Okello\rRCP|I\r"
    HubAccess(runtime).accept("hl7v2", qbp, Envelope("x-application/hl7-v2+er7"), User("", "lab"))
    (event,) = found(ward, "AuditEvent", altid="lab")
    assert (event["action"], event["type"]["code"]) == ("E", "110112")
    assert base64.b64decode(event["entity"][-1]["query"]) == b"QBP^Q22"
