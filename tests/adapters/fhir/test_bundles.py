"""Transactions and batches over HTTP."""

import json
from typing import Any

import httpx
import pytest

from adapters.contract import Envelope
from adapters.fhir import ADAPTER
from tracker_core.errors import Unsupported
from tracker_core.issues import Report

URN = "urn:uuid:11111111-1111-4111-8111-11111111111"


def entry(method: str, url: str, resource: dict[str, Any] | None = None, full_url: str = "", **more: str) -> Any:
    """One entry of a bundle."""
    made: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


def bundle(kind: str, *entries: Any) -> dict[str, Any]:
    """A bundle of a type."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def observation(reference: str) -> dict[str, Any]:
    """An Observation about somebody."""
    code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    return {"resourceType": "Observation", "status": "final", "code": code, "subject": {"reference": reference}}


def statuses(answer: httpx.Response) -> list[str]:
    """The status of each entry of the response."""
    return [one["response"]["status"][:3] for one in answer.json()["entry"]]


def test_a_transaction_is_one(client: httpx.Client) -> None:
    """Entries are done together, refer to one another, and are answered in their order."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    posted = bundle(
        "transaction",
        entry("POST", "Observation", observation(f"{URN}1")),
        entry("POST", "Patient", patient, f"{URN}1", ifNoneExist="identifier=urn:x|1"),
        entry("PUT", "Location/l1", {"resourceType": "Location", "id": "l1"}),
        entry("DELETE", "Location/l2"),
        entry("GET", "Patient?identifier=urn:x|1"),
        entry("GET", "Location/none"),
    )
    answer = client.post("/", json=posted)
    assert answer.status_code == 200
    assert answer.json()["type"] == "transaction-response"
    assert statuses(answer) == ["201", "201", "201", "204", "200", "404"]
    assert len(answer.json()["entry"][4]["resource"]["entry"]) == 1
    place = answer.json()["entry"][0]["response"]["location"].partition("/_history")[0]
    patient_place = answer.json()["entry"][1]["response"]["location"].partition("/_history")[0]
    assert client.get(f"/{place}").json()["subject"]["reference"] == patient_place
    assert statuses(client.post("/", json=posted))[:3] == ["201", "200", "200"]


def test_a_transaction_fails_as_one(client: httpx.Client) -> None:
    """One wrong entry undoes all, and the answer names its place."""
    posted = bundle(
        "transaction",
        entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}),
        entry("PUT", "Patient/p2", {"resourceType": "Patient", "id": "p2", "gender": "f"}),
    )
    answer = client.post("/", json=posted)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]
    assert client.get("/Patient/p1").status_code == 404
    twice = [entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}) for _ in range(2)]
    assert client.post("/", json=bundle("transaction", *twice)).status_code == 400
    nobody = client.post(
        "/", json=bundle("transaction", entry("POST", "Observation", observation("Patient?identifier=9")))
    )
    assert nobody.status_code == 422


def test_a_batch_is_many(client: httpx.Client) -> None:
    """Each entry of a batch stands alone and is answered for itself."""
    posted = bundle(
        "batch",
        entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}),
        entry("PUT", "Patient/p2", {"resourceType": "Patient", "id": "p2", "gender": "f"}),
        entry("PATCH", "Patient/p1", {"resourceType": "Patient"}),
        entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}, ifMatch='W/"9"'),
        entry("GET", "Patient/p1"),
    )
    answer = client.post("", json=posted)
    assert answer.status_code == 200
    assert statuses(answer) == ["201", "400", "400", "400", "200"]
    assert answer.json()["entry"][1]["response"]["outcome"]["issue"][0]["code"] == "code-invalid"
    assert answer.json()["entry"][4]["resource"]["id"] == "p1"


def test_absolute_references_within_a_bundle(client: httpx.Client) -> None:
    """Entries known by an address are found by it, in full or relative to its base."""
    posted = bundle(
        "transaction",
        entry("POST", "Patient", {"resourceType": "Patient"}, "http://else.where/fhir/Patient/77"),
        entry("POST", "Observation", observation("http://else.where/fhir/Patient/77")),
        entry("POST", "Observation", observation("Patient/77")),
    )
    places = [
        one["response"]["location"].partition("/_history")[0] for one in client.post("/", json=posted).json()["entry"]
    ]
    subjects = {client.get(f"/{place}").json()["subject"]["reference"] for place in places[1:]}
    assert subjects == {places[0]}


def test_what_is_no_bundle(client: httpx.Client) -> None:
    """What cannot be processed as a bundle is refused whole."""
    for body, status in (
        ("{", 400),
        ('{"resourceType":"Patient"}', 400),
        ('{"resourceType":"Bundle","type":"collection"}', 422),
        ('{"resourceType":"Bundle","type":"batch","entry":[{}]}', 400),
        ('{"resourceType":"Bundle","type":"batch","entry":{}}', 400),
    ):
        answer = client.post("/", content=body)
        assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome"), body
    assert client.post("/", json=bundle("transaction")).json()["type"] == "transaction-response"


def test_what_a_message_is_called() -> None:
    """A stored request is named by its interaction; bytes that are no bundle have no name."""
    for raw, method, target, name in (
        (b'{"resourceType":"Bundle","type":"batch"}', "POST", "/fhir", "batch"),
        (b"{", "POST", "/fhir/", ""),
        (b"", "PUT", "/fhir/Patient/1", "PUT Patient"),
    ):
        assert ADAPTER.identify(raw, Envelope("", method, target)).type == name
    with pytest.raises(Unsupported):
        ADAPTER.parse(b"<a/>", Envelope("image/png", "POST", "/fhir"))
    refused = ADAPTER.answer(b"{", Envelope("", "POST", "/fhir"), Report(), None)
    assert json.loads(refused)["resourceType"] == "OperationOutcome"
    bug = ADAPTER.answer(b"{", Envelope(), Report(), RuntimeError("secret"))
    assert b"secret" not in bug


def test_a_transaction_deletes_first(client: httpx.Client) -> None:
    """What a transaction deletes is not found by its conditional creates, whatever their order."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    client.put("/Patient/old", json=patient | {"id": "old"})
    posted = bundle(
        "transaction",
        entry("POST", "Patient", patient, ifNoneExist="identifier=urn:x|1"),
        entry("DELETE", "Patient?identifier=urn:x|1"),
    )
    assert statuses(client.post("/", json=posted)) == ["201", "204"]
    assert client.get("/Patient/old").status_code == 410
    assert client.get("/Patient?identifier=urn:x|1&_total=accurate").json()["total"] == 1


def test_one_resource_by_two_names_is_refused(client: httpx.Client) -> None:
    """Entries that turn out to be about one resource are refused, and so are two with one fullUrl."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    client.put("/Patient/p1", json=patient | {"id": "p1"})
    for entries in (
        [entry("PUT", "Patient/p1", patient | {"id": "p1"}), entry("PUT", "Patient?identifier=urn:x|1", patient)],
        [entry("DELETE", "Patient/p1"), entry("PUT", "Patient?identifier=urn:x|1", patient)],
        [entry("POST", "Patient", patient, f"{URN}1"), entry("POST", "Patient", patient, f"{URN}1")],
    ):
        answer = client.post("/", json=bundle("transaction", *entries))
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "duplicate"), entries
    assert client.get("/Patient/p1").headers["etag"] == 'W/"1"'


def test_a_bundle_may_show_what_it_wrote(client: httpx.Client) -> None:
    """Entries are answered with place, version and time; with the records themselves when they are asked for."""
    posted = bundle("transaction", entry("PUT", "Patient/p1", {"resourceType": "Patient", "id": "p1"}))
    plain = client.post("/", json=posted).json()["entry"][0]
    stored = client.get("/Patient/p1").json()
    assert plain["response"]["lastModified"] == stored["meta"]["lastUpdated"]
    assert "resource" not in plain
    shown = client.post("/", json=posted, headers={"Prefer": "return=representation"}).json()["entry"][0]
    assert (shown["resource"], shown["response"]["lastModified"]) == (stored, stored["meta"]["lastUpdated"])


def test_references_to_a_version_stay(client: httpx.Client) -> None:
    """A reference to one version is kept as it is, and found by the record."""
    client.put("/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    posted = bundle("transaction", entry("POST", "Observation", observation("Patient/p1/_history/1")))
    assert statuses(client.post("/", json=posted)) == ["201"]
    found = client.get("/Observation?subject=Patient/p1").json()["entry"][0]["resource"]
    assert found["subject"]["reference"] == "Patient/p1/_history/1"


def test_reads_within_a_bundle_have_conditions(client: httpx.Client) -> None:
    """HEAD and conditional reads answer as they would alone; what is gone is told in words."""
    client.put("/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    client.put("/Patient/p2", json={"resourceType": "Patient", "id": "p2"})
    client.delete("/Patient/p2")
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    posted = bundle(
        "batch",
        entry("HEAD", "Patient/p1"),
        entry("GET", "Patient/p1", ifNoneMatch='W/"1"'),
        entry("GET", "Patient/p1", ifModifiedSince=later),
        entry("GET", "Patient/p2"),
        entry("GET", "_history?_count=1"),
    )
    answer = client.post("/", json=posted)
    assert statuses(answer) == ["200", "304", "304", "410", "200"]
    entries = answer.json()["entry"]
    assert ["resource" in one for one in entries] == [False, False, False, False, True]
    assert entries[3]["response"]["outcome"]["issue"][0]["code"] == "deleted"
