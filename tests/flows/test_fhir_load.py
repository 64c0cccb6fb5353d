"""FHIR under load: many at once for one identity, very large bundles and attachments, packed bodies."""

import base64
import gzip
import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

ONCE = {"If-None-Exist": "identifier=urn:x|1"}
PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}], "gender": "female"}


def test_fifty_conditional_creates_make_one_record(client: httpx.Client) -> None:
    """Fifty clients that ask at once for one identity get one record, and none of them an error."""

    def create(_: int) -> tuple[int, str]:
        answer = client.post("/fhir/Patient", json=PATIENT, headers=ONCE, timeout=60)
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(50) as clients:
        done = list(clients.map(create, range(50)))
    assert sorted(status for status, _ in done) == [200] * 49 + [201]
    assert len({id for _, id in done}) == 1
    assert client.get("/fhir/Patient?identifier=urn:x|1&_total=accurate").json()["total"] == 1


def test_a_bundle_of_two_thousand(client: httpx.Client) -> None:
    """Two thousand entries are one transaction; one wrong among them undoes all and is named."""
    entries: list[dict[str, Any]] = [
        {
            "resource": {"resourceType": "Basic", "id": f"b{n}", "code": {"text": "many"}},
            "request": {"method": "PUT", "url": f"Basic/b{n}"},
        }
        for n in range(2000)
    ]
    posted: dict[str, Any] = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    entries[1234]["resource"]["language"] = 7
    refused = client.post("/fhir", json=posted, timeout=60)
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[1234].resource.language"]
    entries[1234]["resource"]["language"] = "en"
    done = client.post("/fhir", json=posted, timeout=60).json()["entry"]
    assert [one["response"]["status"] for one in done] == ["201 Created"] * 2000
    assert client.get("/fhir/Basic?_summary=count&_total=accurate").json()["total"] == 2000


def test_an_attachment_of_ten_megabytes(client: httpx.Client) -> None:
    """Ten megabytes come back as they were sent; what is larger than the limit is refused in FHIR's words."""
    data = base64.b64encode(random.Random(1).randbytes(10_000_000)).decode()
    binary = {"resourceType": "Binary", "contentType": "application/pdf", "data": data}
    made = client.post("/fhir/Binary", json=binary, headers={"Prefer": "return=minimal"}, timeout=60)
    assert made.status_code == 201
    place = made.headers["location"].partition("/_history")[0]
    asked = {"Accept": "application/fhir+json"}  # without it, a Binary is served as what it holds
    assert client.get(place, headers=asked, timeout=60).json()["data"] == data
    large = client.post("/fhir/Binary", json=binary | {"data": data * 2}, timeout=60)
    assert (large.status_code, large.json()["issue"][0]["code"]) == (413, "too-long")


def test_packed_bodies(client: httpx.Client) -> None:
    """Bodies may be gzip on the way in, and long answers are on the way out for those who ask."""
    body = gzip.compress(json.dumps(PATIENT | {"contact": [{"name": {"text": "x" * 5000}}]}).encode())
    sent = {"Content-Encoding": "gzip", "Content-Type": "application/fhir+json", "Accept-Encoding": "gzip"}
    made = client.post("/fhir/Patient", content=body, headers=sent)
    assert (made.status_code, made.headers["content-encoding"]) == (201, "gzip")
    plain = client.get(f"/fhir/Patient/{made.json()['id']}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(plain.content) > 5000
