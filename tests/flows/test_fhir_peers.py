"""Other FHIR servers: read page by page where they have news, and written to request by request where they must be."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hub.demo.processes import PASSWORD, HubProcess
from hub.runtime import Runtime
from tests.flows.fhir2_server import Fhir2
from tests.flows.test_openmrs import ROSE, captured, found, outgoing, settle_all, turn
from tracker_core import identity, peers, routes
from tracker_core.database import transaction

NID = "urn:nid"
WRITTEN = {"records": ["Observation", "Encounter"], "about": "record"}
ACT = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}


@pytest.fixture
def fhir2(runtime: Runtime) -> Iterator[Fhir2]:
    """A FHIR2 server that the hub asks and writes to."""
    made = Fhir2()
    known(runtime, made.url, writes="each", pull={"count": 2, "overlap": 1})
    yield made
    made.stop()


def known(runtime: Runtime, address: str, secret: str | None = None, **settings: Any) -> None:
    """Make a FHIR server a peer with a route back to it."""
    with transaction(runtime.pool) as session:
        peer = peers.save(session, "clinic", "fhir", address=address, settings=settings, secret=secret)
        routes.save(session, "back", peer.id, "Bundle", WRITTEN)


def rose(number: str, **more: Any) -> dict[str, Any]:
    """A patient with a national number."""
    return {"resourceType": "Patient", **ROSE, "identifier": [{"system": NID, "value": number}], **more}


def test_news_are_read_page_by_page(client: httpx.Client, runtime: Runtime, fhir2: Fhir2) -> None:
    """Five patients and a visit in pages of two; digits stay; asked again only what is new or within the overlap."""
    kept = [fhir2.save(rose(f"N-{number}")) for number in range(5)]
    subject = {"reference": f"Patient/{kept[0]['id']}"}
    visit = {"resourceType": "Encounter", "status": "finished", "class": ACT, "subject": subject}
    fhir2.save(visit | {"period": {"start": "2026-03-05T10:00:00+03:00"}})
    state = turn(runtime)
    assert (state.error, state.pages, len(found(client, "Patient"))) == (None, 4, 5)
    (encounter,) = found(client, "Encounter")
    assert encounter["subject"] == subject
    fhir2.save(rose("N-0", birthDate="1991-01-01"), kept[0]["id"])
    turn(runtime)
    assert [one["id"] for one in found(client, "Patient?birthdate=1991")] == [kept[0]["id"]]
    assert outgoing(client) == {}


def test_ids_that_others_may_have_get_the_peers_name(client: httpx.Client, runtime: Runtime, fhir2: Fhir2) -> None:
    """Patient/17 of the clinic is not the hub's Patient/17; references follow, also absolute ones."""
    client.put("/fhir/Patient/17", json={"resourceType": "Patient", "id": "17", "name": [{"family": "Other"}]})
    fhir2.save(rose("N-1"), "17")
    weight = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}
    fhir2.save({**weight, "subject": {"reference": f"{fhir2.url}/Patient/17"}}, "w1")
    assert turn(runtime).error is None
    assert client.get("/fhir/Patient/17").json()["name"][0]["family"] == "Other"
    assert client.get("/fhir/Patient/clinic.17").json()["name"][0]["family"] == "Auma"
    assert client.get("/fhir/Observation/clinic.w1").json()["subject"] == {"reference": "Patient/clinic.17"}


def test_a_bad_day_loses_nothing(client: httpx.Client, runtime: Runtime, fhir2: Fhir2) -> None:
    """A broken page: the sweep goes on there; a page that is none, a type that is none: told."""
    for number in range(5):
        fhir2.save(rose(f"N-{number}"))
    fhir2.faults = [200, 500]
    assert turn(runtime).error == "clinic answered 500"
    before = len(fhir2.calls)
    assert (turn(runtime).error, len(found(client, "Patient"))) == (None, 5)
    assert fhir2.calls[before:].count("GET Patient") == 2
    known(runtime, fhir2.url, pull={"types": ["Nonsense"]})
    assert "Nonsense is no type" in (turn(runtime).error or "")
    known(runtime, fhir2.url.replace("/ws/", "/nothing/"), pull={})
    fhir2.faults = [404]
    assert "answered 404" in (turn(runtime).error or "")


def test_what_is_captured_here_is_written_there(client: httpx.Client, runtime: Runtime, fhir2: Fhir2) -> None:
    """One request each, to the server's own patient, under names it gives; nothing comes back as something new."""
    own = fhir2.save(rose("N-1"))
    turn(runtime)
    with transaction(runtime.pool) as session:
        identity.trust(session, [NID], "tester")
    captured(client, {**ROSE, "identifier": [{"system": NID, "value": "N-1"}]})
    settle_all(runtime)
    assert outgoing(client) == {"done": 4}
    (encounter,) = fhir2.of("Encounter")
    assert encounter["subject"] == {"reference": f"Patient/{own['id']}"}
    weights = fhir2.of("Observation")
    assert (len(weights), len(fhir2.of("Patient"))) == (3, 1)
    assert {one["encounter"]["reference"] for one in weights} == {f"Encounter/{encounter['id']}"}
    before = len(found(client, "Observation"))
    assert turn(runtime).error is None
    assert (len(found(client, "Observation")), len(found(client, "Encounter"))) == (before, 1)


def test_edits_and_lost_answers_double_nothing(client: httpx.Client, runtime: Runtime, fhir2: Fhir2) -> None:
    """Patient and visit whose answers were lost are found again by their identifiers; an edit changes what is there."""
    fhir2.faults = [200, -1, 200, 200, -1]
    made = captured(client, rose("N-1"))
    settle_all(runtime)
    assert (len(fhir2.of("Patient")), len(fhir2.of("Encounter")), len(fhir2.of("Observation"))) == (1, 1, 3)
    weight = client.get(f"/fhir/{made['urn:w']}").json()
    weight["valueQuantity"] = {"value": 56, "code": "kg", "system": "http://unitsofmeasure.org"}
    client.put(f"/fhir/{made['urn:w']}", json=weight)
    settle_all(runtime)
    values = [one["valueQuantity"]["value"] for one in fhir2.of("Observation") if "valueQuantity" in one]
    assert values == [56]


def test_what_hangs_on_a_refused_thing_is_not_tried(client: httpx.Client, runtime: Runtime, fhir2: Fhir2) -> None:
    """The server refuses the patient: the visit says why it was not sent."""
    fhir2.faults = [422] * 2
    captured(client, ROSE)
    fhir2.faults = [422] * 200
    settle_all(runtime)
    assert (outgoing(client), fhir2.resources) == ({"rejected": 4}, {})
    errors = [one["error"] for one in client.get("/hub/messages", params={"direction": "out"}).json()["messages"]]
    assert any("which was refused" in error for error in errors)


def test_a_second_hub_is_read_like_any_server(client: httpx.Client, runtime: Runtime, running: HubProcess) -> None:
    """Two hubs: what one has is in the other, page after page, digit for digit."""
    with running.client() as other:
        for number in range(5):
            other.post("/fhir/Patient", json=rose(f"M-{number}"))
        body = b'{"resourceType":"Observation","status":"final","code":{"text":"w"},"valueQuantity":{"value":72.50}}'
        headers = {"content-type": "application/fhir+json"}
        id = other.post("/fhir/Observation", content=body, headers=headers).json()["id"]
    known(runtime, f"{running.url}/fhir", f"admin:{PASSWORD}", pull={"count": 2})
    assert turn(runtime).error is None
    assert len(found(client, "Patient")) == 5
    here = [id] if len(id) == 36 else [f"clinic.{id}"]
    assert b'"value":72.50' in client.get(f"/fhir/Observation/{here[0]}").content
