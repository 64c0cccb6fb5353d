"""Single interactions over HTTP: create, read, update, delete, versions, conditions, errors."""

import json
from typing import Any

import httpx

from tracker_core import peers
from tracker_core.database import Pool, transaction

PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}], "gender": "female"}


def issue(response: httpx.Response) -> dict[str, Any]:
    """The first issue of an OperationOutcome."""
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    found: dict[str, Any] = body["issue"][0]
    return found


def test_create_read_and_read_version(client: httpx.Client) -> None:
    """A created record is answered with its place and version, and read back to the byte."""
    raw = b'{"resourceType":"Observation","status":"final","code":{"text":"w"},"valueQuantity":{"value":72.50}}'
    made = client.post("/Observation", content=raw)
    assert made.status_code == 201
    assert made.headers["etag"] == 'W/"1"'
    assert b'"value":72.50' in made.content
    assert made.headers["location"].endswith(f"/Observation/{made.json()['id']}/_history/1")
    read = client.get(f"/Observation/{made.json()['id']}")
    assert read.content == made.content
    assert read.headers["etag"] == 'W/"1"'
    assert "last-modified" in read.headers
    assert client.get(made.headers["location"]).content == read.content
    assert client.get(read.url, headers={"If-None-Match": 'W/"1"'}).status_code == 304
    assert client.get(read.url, headers={"If-Modified-Since": read.headers["last-modified"]}).status_code == 304
    assert client.get(read.url, headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_update_with_and_without_a_version(client: httpx.Client) -> None:
    """A put creates, then updates; a put for another version than the current one is refused."""
    document = PATIENT | {"id": "p1"}
    assert client.put("/Patient/p1", json=document).status_code == 201
    assert client.put("/Patient/p1", json=document | {"active": True}).status_code == 200
    late = client.put("/Patient/p1", json=document | {"active": False}, headers={"If-Match": 'W/"1"'})
    assert (late.status_code, issue(late)["code"]) == (412, "conflict")
    garbled = client.put("/Patient/p1", json=document, headers={"If-Match": "x"})
    assert garbled.status_code == 412
    fresh = client.put("/Patient/p1", json=document, headers={"If-None-Match": "*"})
    assert fresh.status_code == 412
    fine = client.put("/Patient/p1", json=document, headers={"If-Match": 'W/"2"'})
    assert (fine.status_code, fine.headers["etag"]) == (200, 'W/"3"')


def test_conditional_interactions(client: httpx.Client) -> None:
    """If-None-Exist makes one record however often it is sent; a put and a delete find theirs by a search."""
    once = {"If-None-Exist": "identifier=urn:x|1"}
    first = client.post("/Patient", json=PATIENT, headers=once)
    second = client.post("/Patient", json=PATIENT, headers=once)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    updated = client.put("/Patient?identifier=urn:x|1", json=PATIENT | {"gender": "male"})
    assert (updated.status_code, updated.json()["gender"]) == (200, "male")
    assert client.delete("/Patient?identifier=urn:x|1").status_code == 204
    assert client.get(f"/Patient/{first.json()['id']}").status_code == 410
    bad = client.post("/Patient", json=PATIENT, headers={"If-None-Exist": "nonsense=1"})
    assert (bad.status_code, issue(bad)["code"]) == (400, "value")


def test_prefer(client: httpx.Client) -> None:
    """The caller chooses between nothing, an OperationOutcome and the record."""
    minimal = client.post("/Patient", json=PATIENT, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    outcome = client.post("/Patient", json=PATIENT, headers={"Prefer": "return=OperationOutcome"})
    assert issue(outcome)["severity"] == "information"


def test_history(client: httpx.Client) -> None:
    """Every version of a record and of a type can be listed, deletions included, page by page."""
    for gender in ("male", "female", "other"):
        client.put("/Patient/p1", json=PATIENT | {"id": "p1", "gender": gender})
    client.delete("/Patient/p1")
    client.put("/Patient/p2", json=PATIENT | {"id": "p2"})
    one = client.get("/Patient/p1/_history").json()
    assert [e["request"]["method"] for e in one["entry"]] == ["DELETE", "PUT", "PUT", "POST"]
    assert [e["response"]["etag"] for e in one["entry"]] == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    pages, url = [], "/Patient/_history?_count=2"
    while url:
        page = client.get(url).json()
        pages.append([e["fullUrl"].rpartition("/")[2] + e["response"]["etag"] for e in page["entry"]])
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    assert pages == [['p2W/"1"', 'p1W/"4"'], ['p1W/"3"', 'p1W/"2"'], ['p1W/"1"']]
    assert client.get("/Patient/nobody/_history").status_code == 404
    assert client.get("/Patient/p1/_history/9").status_code == 404
    assert client.get("/Patient/p1/_history/4").status_code == 410
    assert client.get("/Patient/p1/_history?_cursor=x").status_code == 400
    assert client.get("/Patient/p1/_history?_count=0").status_code == 400


WRONG_DOCUMENTS = [
    (b"{", 400, "structure", "Patient"),
    (b"[]", 400, "structure", "Patient"),
    (b'{"resourceType":"Basic"}', 400, "structure", "Patient"),
    (b'{"resourceType":"Patient","gender":"f"}', 400, "code-invalid", "Patient.gender"),
    (b'{"resourceType":"Patient","name":{"family":"A"}}', 400, "structure", "Patient.name"),
    (b'{"resourceType":"Patient","birthDate":"2024-02-30"}', 400, "value", "Patient.birthDate"),
    (b'{"resourceType":"Patient","link":[{"type":"refer"}]}', 400, "required", "Patient.link[0]"),
]


def test_wrong_documents(client: httpx.Client) -> None:
    """What is wrong with a document is said in FHIR's words, at its place."""
    for body, status, code, place in WRONG_DOCUMENTS:
        answer = client.post("/Patient", content=body)
        assert answer.status_code == status, body
        assert (issue(answer)["code"], issue(answer)["expression"]) == (code, [place])


WRONG_REQUESTS: list[tuple[str, str, dict[str, str], int]] = [
    ("GET", "/Patient/none", {}, 404),
    ("GET", "/Spaceship/1", {}, 404),
    ("GET", "/Patient/1/x/y", {}, 404),
    ("GET", "/Patient/%00", {}, 404),
    ("GET", "/Patient?name=%00", {}, 400),
    ("GET", "/Patient?%00=1", {}, 400),
    ("GET", "/Patient/p/_history/99999999999999999999", {}, 404),
    ("POST", "/Spaceship", {}, 404),
    ("PUT", "/Patient", {}, 400),
    ("DELETE", "/Patient", {}, 400),
    ("PUT", "/Patient/not_an_id", {}, 400),
    ("PATCH", "/Patient/1", {}, 400),
    ("PATCH", "/Patient", {"Content-Type": "application/json-patch+json"}, 400),
    ("GET", "/Patient", {"Accept": "text/turtle"}, 406),
    ("GET", "/Patient?_format=ttl", {}, 406),
    ("GET", "/Patient", {"Accept": "application/fhir+json; fhirVersion=3.0"}, 406),
    ("POST", "/Patient", {"Content-Type": "application/fhir+xml"}, 400),
    ("POST", "/Patient", {"Content-Type": "image/png"}, 415),
    ("GET", "/Patient/_history?_since=yesterday", {}, 400),
    ("GET", "/_history?_at=2024-13", {}, 400),
    ("GET", "/_history?_count=x", {}, 400),
    ("GET", "/Patient?_summary=some", {}, 400),
    ("GET", "/Patient?_count=abc", {}, 400),
    ("GET", "/Patient?birthdate=x", {}, 400),
    ("GET", "/Patient?nonsense=1", {"Prefer": "handling=strict"}, 400),
    ("DELETE", "/Patient/none", {}, 204),
]


def test_wrong_requests(client: httpx.Client) -> None:
    """Whatever is refused is refused with an OperationOutcome."""
    for method, path, headers, status in WRONG_REQUESTS:
        content = json.dumps(PATIENT) if method in ("POST", "PUT", "PATCH") else None
        answer = client.request(method, path, headers=headers, content=content)
        assert answer.status_code == status, (method, path)
        if status != 204:
            assert issue(answer)["severity"] == "error"


def test_search_by_post_and_parts_of_records(client: httpx.Client) -> None:
    """A search may come as a form; records may be asked for in part, and say so."""
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>'}
    client.put("/Patient/p1", json=PATIENT | {"id": "p1", "text": text, "birthDate": "1990-01-01", "_birthDate": {}})
    found = client.post("/Patient/_search?_count=5", data={"identifier": "urn:x|1", "_elements": "birthDate"}).json()
    shown = found["entry"][0]["resource"]
    assert set(shown) == {"resourceType", "id", "meta", "birthDate", "_birthDate"}
    assert shown["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert set(client.get("/Patient/p1?_summary=text").json()) == {"resourceType", "id", "meta", "text"}
    assert "text" not in client.get("/Patient/p1?_summary=data").json()
    odd = client.get("/Patient?&&nonsense=1&=x&summary=count&identifier=urn:x|1").json()
    assert [entry["search"]["mode"] for entry in odd["entry"]] == ["match", "outcome"]


def test_head_is_a_read_without_a_body(client: httpx.Client) -> None:
    """HEAD answers what GET would, without the record."""
    client.put("/Patient/p1", json=PATIENT | {"id": "p1"})
    answer = client.head("/Patient/p1")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"", 'W/"1"')
    assert client.head("/Patient/none").status_code == 404
    assert client.head("/Patient").status_code == 200


def test_parts_of_records(client: httpx.Client) -> None:
    """A summary shows what R4 marks; chosen elements come with those that cannot be missed, and say so."""
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "w"},
        "note": [{"text": "long"}],
        "valueQuantity": {"value": 1},
        "component": [{"code": {"text": "c"}, "valueString": "v", "interpretation": [{"text": "i"}]}],
    }
    client.put("/Observation/o", json=observation)
    summary = client.get("/Observation/o?_summary=true").json()
    assert set(summary) == {"resourceType", "id", "meta", "status", "code", "valueQuantity", "component"}
    assert summary["component"] == [{"code": {"text": "c"}, "valueString": "v"}]
    assert summary["meta"]["tag"][0]["code"] == "SUBSETTED"
    chosen = client.get("/Observation/o?_elements=Observation.value").json()
    assert set(chosen) == {"resourceType", "id", "meta", "status", "code", "valueQuantity"}
    assert "note" in client.get("/Observation/o?_summary=false").json()
    counted = client.get("/Observation?_summary=count").json()
    assert (counted["total"], "entry" in counted) == (1, False)


def test_a_delete_may_be_answered_in_words(client: httpx.Client) -> None:
    """`Prefer: return=OperationOutcome` holds for deletes too."""
    client.put("/Patient/p1", json=PATIENT | {"id": "p1"})
    answer = client.delete("/Patient/p1", headers={"Prefer": "return=OperationOutcome"})
    assert (answer.status_code, issue(answer)["severity"]) == (200, "information")


def test_conditional_delete_of_several(client: httpx.Client, pool: Pool) -> None:
    """A conditional delete that finds several is refused, unless the peer may delete them all."""
    for n in range(4):
        client.put(f"/Patient/p{n}", json=PATIENT | {"id": f"p{n}"})
    refused = client.delete("/Patient?identifier=urn:x|1")
    assert (refused.status_code, issue(refused)["code"]) == (412, "multiple-matches")
    with transaction(pool) as session:
        peers.save(session, "tests", "fhir", settings={"conditional_delete": "multiple"})
    assert client.delete("/Patient?identifier=urn:x|1").status_code == 204
    assert {client.get(f"/Patient/p{n}").status_code for n in range(4)} == {410}
    assert client.delete("/Patient?identifier=urn:x|1").status_code == 204
    unclear = client.delete("/Patient?nonsense=1")
    assert (unclear.status_code, issue(unclear)["code"]) == (400, "value")


def test_what_is_gone_says_so(client: httpx.Client) -> None:
    """A record that was deleted is told from one that never was."""
    client.put("/Patient/p1", json=PATIENT | {"id": "p1"})
    client.delete("/Patient/p1")
    for path in ("/Patient/p1", "/Patient/p1/_history/2"):
        assert (client.get(path).status_code, issue(client.get(path))["code"]) == (410, "deleted")
    assert client.put("/Patient/p1", json=PATIENT | {"id": "p1"}).headers["etag"] == 'W/"3"'
    assert issue(client.get("/Patient/none"))["code"] == "not-found"
