"""The administration API on a socket of its own: messages, replay, peers, routes, conversion, reports, lineage."""

import json
from datetime import date

import httpx
import pytest

from hub.demo import district, writing
from hub.demo.people import Day, make_day
from hub.demo.reports import DIAGNOSES, expected_diagnoses

TODAY = date(2026, 3, 2)
ISSUES = "issues"


def put(client: httpx.Client, family: str) -> httpx.Response:
    """Write one Patient."""
    body = {"resourceType": "Patient", "id": "p1", "name": [{"family": family}]}
    return client.put("/fhir/Patient/p1", json=body)


def test_a_message_can_be_found_read_and_replayed(client: httpx.Client) -> None:
    """What came in is listed with its state, given back to the byte, and run again when it was refused."""
    assert put(client, "Abara").status_code == 201
    refused = client.put("/fhir/Patient/p1", content=b"{", headers={"content-type": "application/fhir+json"})
    assert refused.status_code == 400
    bad, good = client.get("/hub/messages", params={"direction": "in"}).json()["messages"]
    assert (bad["state"], good["state"]) == ("rejected", "done")
    assert client.get("/hub/messages", params={"state": "rejected"}).json()["messages"] == [bad]
    assert client.get(f"/hub/messages/{bad['id']}/body").content == b"{"
    shown = client.get(f"/hub/messages/{bad['id']}").json()
    assert shown["report"][ISSUES]
    assert client.get(f"/hub/messages/{bad['id']}/answer").status_code == 200
    assert client.post("/hub/messages/replay", json={"ids": [bad["id"], good["id"]]}).json() == {"replayed": 1}
    assert client.get("/hub/messages/999999").status_code == 404
    balance = client.get("/hub/balance").json()
    assert sum(row["count"] for row in balance) == 2


def test_only_parked_messages_can_be_given_up(client: httpx.Client) -> None:
    """A message that is done cannot be discarded; a reason is asked for."""
    put(client, "Abara")
    [kept] = client.get("/hub/messages").json()["messages"]
    done = client.post("/hub/messages/discard", params={"reason": "not ours"}, json={"ids": [kept["id"]]})
    assert done.json() == {"discarded": 0}
    assert client.post("/hub/messages/discard", json={"ids": [kept["id"]]}).status_code == 400


def test_peers_and_routes_are_saved_and_secrets_stay_inside(client: httpx.Client) -> None:
    """A peer comes back without its secret; an unknown format or peer is refused."""
    body = {"format": "fhir", "address": "http://127.0.0.1:1/fhir", "secret": "hidden-word"}
    assert client.put("/hub/peers/hie", json=body).status_code == 200
    listed = client.get("/hub/peers")
    assert "hie" in {peer["code"] for peer in listed.json()}
    assert "hidden-word" not in listed.text
    assert client.put("/hub/peers/odd", json={"format": "smoke-signals"}).status_code == 400
    route = {"peer": "hie", "type": "Bundle", "selects": {"records": ["Patient"], "about": "record"}}
    assert client.put("/hub/routes/to-hie", json=route).status_code == 200
    assert client.put("/hub/routes/lost", json={**route, "peer": "nobody"}).status_code == 404


def test_the_administration_is_for_administrators(client: httpx.Client) -> None:
    """A user without the authority is refused; nobody at all is asked to log in."""
    assert client.get("/hub/messages", auth=("nurse", "also-secret-enough")).status_code == 403
    assert httpx.get(f"{client.base_url}/hub/messages").status_code == 401


def test_conversion_stores_nothing(client: httpx.Client) -> None:
    """A body is converted with its issues, and no message and no person comes of it."""
    day = make_day(TODAY)
    body = writing.emr_csv(day.visits["emr"][:2])
    answer = client.post("/hub/convert", params={"from": "emr", "to": "fhir"}, content=body)
    assert answer.status_code == 200, answer.text
    bundle = json.loads(answer.json()["result"])
    assert {entry["resource"]["resourceType"] for entry in bundle["entry"]} >= {"Patient", "Encounter", "Condition"}
    assert client.post("/hub/convert", params={"from": "emr", "to": "tea"}, content=body).status_code == 422
    assert client.get("/hub/messages").json()["messages"] == []
    assert client.get("/hub/counts").json()["persons"] == 0


@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/json", "application/octet-stream", ""])
def test_a_body_is_converted_whatever_its_content_type_says(client: httpx.Client, content_type: str) -> None:
    """JSON bodies are taken as bytes too: the reader of the format parses them, not the administration API."""
    body = writing.fhir_bundle(make_day(TODAY).visits["fhir"][0])
    headers = {"content-type": content_type} if content_type else {}
    asked = {"from": "fhir", "to": "hl7v2", "type": "ADT^A08"}
    answer = client.post("/hub/convert", params=asked, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"].startswith("MSH|")


def send(client: httpx.Client, day: Day) -> None:
    """Send the day's FHIR visits."""
    for visit in day.visits["fhir"]:
        headers = {"content-type": "application/fhir+json"}
        response = client.post("/fhir", content=writing.fhir_bundle(visit), headers=headers)
        assert response.status_code == 200, response.text


def test_a_number_is_drilled_down_to_the_bytes(client: httpx.Client) -> None:
    """A report counts what an independent count counts, and each number names its cases and their messages."""
    day = make_day(TODAY)
    for system in ("emr", "hl7v2", "dhis2"):
        day.visits[system] = []
    assert client.post("/api/metadata", json={"organisationUnits": district.org_units()}).status_code == 200
    wanted = client.post("/hub/reports/metadata", json=DIAGNOSES)
    assert client.post("/api/metadata", json=wanted.json()).status_code == 200
    assert client.put("/hub/reports/DG_MONTH", json=DIAGNOSES).status_code == 200
    assert client.put("/hub/reports/BROKEN", json={"code": "BROKEN"}).status_code == 400
    send(client, day)
    run = client.post("/hub/reports/DG_MONTH/runs", params={"period": "202603"})
    assert run.status_code == 200, run.text
    expected = expected_diagnoses(day)
    (element, unit, combo), number = next(iter(sorted(expected.items())))
    why = client.get("/hub/why", params=_cell(element, unit, combo)).json()
    assert why["number"] == str(number)
    assert len({fact["person"] for fact in why["facts"]}) == number
    origin = why["facts"][0]["origin"]
    body = client.get(f"/hub/messages/{origin['message']}/body").content
    assert len(body) == origin["size"]
    assert client.get("/hub/why", params=_cell("NOPE", unit, combo)).status_code == 404
    person = client.get(f"/hub/persons/{why['facts'][0]['person']}").json()
    assert {record["type"] for record in person["records"]} >= {"Patient", "Condition"}
    assert client.get("/hub/persons/nobodyNoOne").status_code == 404


def _cell(element: str, unit: str, combo: str) -> dict[str, str]:
    age, _, sex = combo.partition("/")
    named = f"AGE_{age}, SEX_{sex}"
    return {"dataElement": element, "orgUnit": unit, "period": "202603", "categoryOptionCombo": named}


def test_a_submission_is_queued_and_what_is_owed_is_listed(client: httpx.Client) -> None:
    """A computed report is queued for its peer once; there is nothing more to send until something changes."""
    client.post("/api/metadata", json={"organisationUnits": district.org_units()})
    client.post("/api/metadata", json=client.post("/hub/reports/metadata", json=DIAGNOSES).json())
    client.put("/hub/reports/DG_MONTH", json=DIAGNOSES)
    client.put("/hub/peers/national", json={"format": "aggregate", "address": "http://127.0.0.1:1/"})
    asked = {"period": "202603", "peer": "national"}
    assert client.post("/hub/reports/DG_MONTH/submissions", json=asked).status_code == 409
    send(client, make_day(TODAY))
    client.post("/hub/reports/DG_MONTH/runs", params={"period": "202603"})
    submission = client.post("/hub/reports/DG_MONTH/submissions", json=asked).json()["submission"]
    assert client.get(f"/hub/submissions/{submission}").json()["cells"]
    assert client.post("/hub/reports/DG_MONTH/submissions", json=asked).json() == {"submission": None}
    assert client.get("/hub/owed", params={"peer": "national"}).json() == []
    [queued] = client.get("/hub/messages", params={"direction": "out"}).json()["messages"]
    assert queued["state"] == "waiting"
    assert client.get(f"/hub/messages/{queued['id']}/body").status_code == 404
