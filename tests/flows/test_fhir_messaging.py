"""FHIR messages processed once and answered by messages; Binary in its own form; Compositions as documents."""

import json
from typing import Any

import httpx
import pytest

from adapters.fhir import xml
from hub import work
from hub.runtime import Runtime

EVENT = {"system": "urn:example:events", "code": "admission"}
MRN = "urn:example:mrn"


def message(id: str = "m-1", **patient: Any) -> dict[str, Any]:
    """A message of an admission: header, patient, encounter."""
    header = {
        "resourceType": "MessageHeader",
        "id": id,
        "eventCoding": EVENT,
        "source": {"endpoint": "http://ward.example/fhir"},
        "focus": [{"reference": "urn:uuid:enc"}],
    }
    person = {"resourceType": "Patient", "id": "their-7", "identifier": [{"system": MRN, "value": "7"}], **patient}
    seen = {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": "http://ward.example/fhir/Patient/their-7"},
    }
    return {
        "resourceType": "Bundle",
        "id": f"b-{id}",
        "type": "message",
        "entry": [
            {"fullUrl": "urn:uuid:head", "resource": header},
            {"fullUrl": "http://ward.example/fhir/Patient/their-7", "resource": person},
            {"fullUrl": "urn:uuid:enc", "resource": seen},
        ],
    }


def send(client: httpx.Client, body: dict[str, Any], **query: str) -> httpx.Response:
    """Send a message."""
    return client.post("/fhir/$process-message", json=body, params=query)


def told(answer: httpx.Response) -> tuple[str, str, list[dict[str, Any]]]:
    """Response code, the message answered, the issues of the outcome."""
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "message")
    header, outcome = (entry["resource"] for entry in bundle["entry"])
    assert header["eventCoding"] == EVENT
    assert header["destination"] == [{"endpoint": "http://ward.example/fhir"}]
    assert header["response"]["details"]["reference"] == bundle["entry"][1]["fullUrl"]
    return header["response"]["code"], header["response"]["identifier"], outcome["issue"]


def test_a_message_is_applied_and_answered(client: httpx.Client) -> None:
    """Its resources become records that refer to each other under our ids; the patient is known by identifier."""
    client.put(
        "/fhir/Patient/ours",
        json={"resourceType": "Patient", "identifier": [{"system": MRN, "value": "7"}], "id": "ours"},
    ).raise_for_status()
    answer = send(client, message(gender="female"))
    assert answer.status_code == 200, answer.text
    assert told(answer)[:2] == ("ok", "m-1")
    assert client.get("/fhir/Patient/ours").json()["gender"] == "female"
    (encounter,) = client.get("/fhir/Encounter", params={"patient": "Patient/ours"}).json()["entry"]
    (header,) = client.get("/fhir/MessageHeader", params={"event": "admission"}).json()["entry"]
    assert header["resource"]["focus"] == [{"reference": f"Encounter/{encounter['resource']['id']}"}]


def test_a_message_that_comes_again_gets_the_same_answer(client: httpx.Client) -> None:
    """Nothing is written twice; other content under the same id is a fatal error."""
    first, again = send(client, message()), send(client, message())
    assert first.content == again.content
    assert client.get("/fhir/Encounter", params={"_summary": "count"}).json()["total"] == 1
    other = send(client, message(gender="male"))
    assert (other.status_code, told(other)[0]) == (409, "fatal-error")


def test_what_is_wrong_with_a_message_is_in_its_answer(client: httpx.Client) -> None:
    """A bad resource is a fatal error, and nothing of the message is applied."""
    answer = send(client, message(gender="perhaps"))
    code, id, issues = told(answer)
    assert (answer.status_code, code, id) == (400, "fatal-error", "m-1")
    assert issues[0]["expression"][0].startswith("Bundle.entry[1].resource")
    assert client.get("/fhir/Encounter", params={"_summary": "count"}).json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": "message"},
        {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": "Patient"}}]},
        {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"}}]},
        {"resourceType": "Bundle", "type": "message", "entry": 7},
    ],
)
def test_what_is_no_message_is_refused(client: httpx.Client, body: dict[str, Any]) -> None:
    """Without a header with an id there is nothing to answer to: an OperationOutcome."""
    answer = send(client, body)
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


def test_an_asynchronous_message_is_answered_later(client: httpx.Client, runtime: Runtime) -> None:
    """202 with the place of the answer, which its sender alone may fetch; nobody's address is called."""
    kept = send(client, message(), **{"async": "true"})
    assert (kept.status_code, kept.content) == (202, b"")
    place = kept.headers["content-location"]
    assert client.get(place).status_code == 202
    for one in work.claim(runtime, "in", "worker", 5):
        work.settle(runtime, one)
    assert told(client.get(place))[0] == "ok"
    assert client.get(place, auth=("nurse", "also-secret-enough")).status_code == 404
    assert client.get("/fhir/$process-message/none").status_code == 404
    refused = send(client, message("m-2"), **{"async": "true", "response-url": "http://169.254.169.254/"})
    assert refused.status_code == 422


PICTURE = b"\x89PNG\r\n\x1a\n not really"


def test_a_binary_is_content_and_resource(client: httpx.Client) -> None:
    """Raw in, raw out, the resource on request; what refers to it for access is kept; deleted is gone."""
    sent = {"content-type": "image/png", "x-security-context": "Patient/amina"}
    made = client.put("/fhir/Binary/pic", content=PICTURE, headers=sent)
    assert made.status_code == 201, made.text
    raw = client.get("/fhir/Binary/pic")
    assert (raw.content, raw.headers["content-type"], raw.headers["etag"]) == (PICTURE, "image/png", 'W/"1"')
    assert raw.headers["x-security-context"] == "Patient/amina"
    assert raw.headers["content-security-policy"].startswith("sandbox")
    assert client.get("/fhir/Binary/pic", headers={"accept": "image/*"}).content == PICTURE
    resource = client.get("/fhir/Binary/pic", headers={"accept": "application/fhir+json"}).json()
    assert (resource["contentType"], resource["securityContext"]) == ("image/png", {"reference": "Patient/amina"})
    assert "<Binary" in client.get("/fhir/Binary/pic", params={"_format": "xml"}).text
    assert client.get("/fhir/Binary/pic", headers={"if-none-match": 'W/"1"'}).status_code == 304
    assert client.get("/fhir/Binary/none").status_code == 404
    client.delete("/fhir/Binary/pic").raise_for_status()
    assert client.get("/fhir/Binary/pic").status_code == 410


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/plain", b"hello"),
        ("application/json", b'{"a": 1}'),
        ("application/pdf", b"%PDF-1.7"),
        ("text/csv", b"a,b"),
    ],
)
def test_any_content_may_be_posted_as_a_binary(client: httpx.Client, kind: str, content: bytes) -> None:
    """JSON that is no resource is content, too; a resource is taken as one."""
    made = client.post("/fhir/Binary", content=content, headers={"content-type": kind})
    assert made.status_code == 201, made.text
    raw = client.get(f"/fhir/Binary/{made.json()['id']}")
    assert (raw.content, raw.headers["content-type"]) == (content, kind)
    resource = {"resourceType": "Binary", "contentType": "text/plain", "data": "aGk="}
    posted = client.post("/fhir/Binary", json=resource).json()["id"]
    assert client.get(f"/fhir/Binary/{posted}").content == b"hi"
    assert client.post("/fhir/Patient", content=content, headers={"content-type": "text/csv"}).status_code == 415
    crooked = client.post("/fhir/Binary", json={**resource, "data": "a"}).json()["id"]
    assert client.get(f"/fhir/Binary/{crooked}").json()["data"] == "a"


def test_a_composition_becomes_a_document(client: httpx.Client) -> None:
    """The Composition first, then all it refers to, each once; it is not kept."""
    resources = [
        {"resourceType": "Organization", "id": "o", "name": "Clinic"},
        {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/o"}},
        {
            "resourceType": "Composition",
            "id": "c",
            "status": "final",
            "type": {"text": "summary"},
            "date": "2024-01-01",
            "title": "Summary",
            "subject": {"reference": "Patient/p"},
            "author": [{"reference": "Organization/o"}, {"reference": "Practitioner/unknown"}],
        },
    ]
    for one in resources:
        client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one).raise_for_status()
    made = client.get("/fhir/Composition/c/$document").json()
    assert made["type"] == "document"
    assert [entry["resource"]["id"] for entry in made["entry"]] == ["c", "p", "o"]
    assert made["identifier"]["value"].startswith("urn:uuid:")
    assert client.get("/fhir/Composition/none/$document").status_code == 404
    assert client.get("/fhir/Composition/c/$document", params={"persist": "true"}).status_code == 422


def test_a_message_may_come_and_be_answered_as_xml(client: httpx.Client) -> None:
    """XML is converted first, and so is the answer."""
    headers = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    sent = xml.write(json.dumps(message()).encode())
    answer = client.post("/fhir/$process-message", content=sent, headers=headers)
    assert answer.status_code == 200, answer.text
    assert '<code value="ok"/>' in answer.text
    assert client.get("/fhir/Encounter", params={"_summary": "count"}).json()["total"] == 1
