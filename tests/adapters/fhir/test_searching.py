"""Searches over HTTP: by every path, posted, within compartments, and the operations that search."""

import time
from typing import Any

import httpx
import pytest

from tests.adapters.fhir.test_bundles import bundle
from tracker_core.database import Pool, transaction
from tracker_core.records import reindexing


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}


def _observation(id: str, code: str, day: str) -> dict[str, Any]:
    coding = {"system": "urn:codes", "code": code}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": "Patient/ada"},
        "effectiveDateTime": day,
    }


@pytest.fixture
def ward(client: httpx.Client) -> httpx.Client:
    """A client of a hub that holds a patient, three observations, a small code system and a value set."""
    concepts = [{"code": "pain", "concept": [{"code": "headache"}, {"code": "backache"}]}, {"code": "fever"}]
    below_pain = {"property": "concept", "op": "is-a", "value": "pain"}
    fever = {"system": "urn:codes", "code": "fever"}
    resources = [
        {"resourceType": "Patient", "id": "ada", "name": [{"family": "Abara"}], "birthDate": "1990"},
        _observation("o1", "headache", "2024-01-01"),
        _observation("o2", "fever", "2024-02-01"),
        _observation("o3", "headache", "2024-03-01"),
        {
            "resourceType": "CodeSystem",
            "id": "codes",
            "url": "urn:codes",
            "status": "active",
            "content": "complete",
            "concept": concepts,
        },
        {
            "resourceType": "ValueSet",
            "id": "pains",
            "url": "urn:pains",
            "status": "active",
            "compose": {"include": [{"system": "urn:codes", "filter": [below_pain]}]},
        },
        {
            "resourceType": "ValueSet",
            "id": "listed",
            "url": "urn:listed",
            "status": "active",
            "compose": {"include": [{"system": "urn:codes", "concept": [{"code": "fever"}]}]},
        },
        {
            "resourceType": "ValueSet",
            "id": "expanded",
            "url": "urn:expanded",
            "status": "active",
            "expansion": {"timestamp": "2024-01-01", "contains": [{"contains": [fever]}]},
        },
        {
            "resourceType": "ValueSet",
            "id": "lost",
            "url": "urn:lost",
            "status": "active",
            "compose": {"include": [{"system": "urn:nowhere"}]},
        },
    ]  # fmt: skip
    assert client.post("/", json=bundle("transaction", *map(_entry, resources))).status_code == 200
    return client


def ids(answer: httpx.Response, mode: str = "match") -> str:
    """The ids of an answer's entries of a mode."""
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return " ".join(one["resource"].get("id", "") for one in entries if one["search"]["mode"] == mode)


def test_paths(ward: httpx.Client) -> None:
    """A type, several types, a compartment and all of it, by GET and by POST."""
    assert ids(ward.get("/Observation?code=headache")) == "o1 o3"
    assert ids(ward.post("/Observation/_search", data={"code": "headache"})) == "o1 o3"
    assert ids(ward.post("/Observation/_search?_count=1", data={"code": "headache"})) == "o1"
    assert ids(ward.get("?_type=Patient,Observation&_id=ada,o1")) == "o1 ada"
    assert ids(ward.get("/?_type=Patient")) == "ada"
    assert ids(ward.post("/_search", data={"_type": "Patient"})) == "ada"
    assert ids(ward.get("?_id=ada")) == "ada"
    assert ids(ward.get("/Patient/ada/Observation?code=fever")) == "o2"
    assert ids(ward.post("/Patient/ada/Observation/_search", data={"code": "fever"})) == "o2"
    assert ids(ward.get("/Patient/ada/*")) == "o1 o2 o3 ada"
    assert ids(ward.get("/Patient/ada/*?_type=Patient")) == "ada"


def test_paths_that_lead_nowhere(ward: httpx.Client) -> None:
    """What is no compartment, no member of one or no type is said."""
    for path, status in (
        ("/Patient/nobody/Observation", 404),
        ("/Location/x/Observation", 404),
        ("/Patient/ada/Thing", 404),
        ("/Patient/ada/Organization", 404),
        ("?_type=Thing", 400),
        ("/Patient/ada/*/x", 404),
    ):
        answer = ward.get(path)
        assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome"), path


def test_links(ward: httpx.Client) -> None:
    """Each page leads to the next and back; the link of a posted search can be followed with GET."""
    first = ward.post("/Observation/_search", data={"code": "headache,fever", "_count": "2", "_sort": "-date"})
    links = {one["relation"]: one["url"] for one in first.json()["link"]}
    assert (ids(first), sorted(links)) == ("o3 o2", ["next", "self"])
    second = ward.get(links["next"])
    links = {one["relation"]: one["url"] for one in second.json()["link"]}
    assert (ids(second), sorted(links)) == ("o1", ["previous", "self"])
    assert ids(ward.get(links["previous"])) == "o3 o2"


def test_codes_by_value_set_and_hierarchy(ward: httpx.Client) -> None:
    """`:in`, `:not-in`, `:above` and `:below` with value sets and code systems that are records."""
    for query, expected in (
        ("code:in=urn:pains", "o1 o3"),
        ("code:in=ValueSet/pains", "o1 o3"),
        ("code:not-in=urn:pains", "o2"),
        ("code:in=urn:listed", "o2"),
        ("code:in=urn:expanded", "o2"),
        ("code:below=urn:codes|pain", "o1 o3"),
        ("code:above=urn:codes|headache", "o1 o3"),
        ("code:above=urn:codes|pain", ""),
    ):
        assert ids(ward.get(f"/Observation?{query}")) == expected, query
    for query in ("code:in=urn:none", "code:in=ValueSet/none", "code:below=urn:codes|none", "code:below=pain"):
        assert ward.get(f"/Observation?{query}").status_code == 400, query
    assert ward.get("/Observation?code:in=urn:lost").status_code == 422


def test_lenient_and_strict(ward: httpx.Client) -> None:
    """What is not known is named in the answer, or refused when the caller insists; an estimate is no fault."""
    lenient = ward.get("/Observation?nonsense=1&code=fever&_total=estimate")
    outcome = [e["resource"] for e in lenient.json()["entry"] if e["search"]["mode"] == "outcome"]
    assert (ids(lenient), lenient.json()["total"]) == ("o2", 1)
    assert outcome[0]["issue"][0]["expression"] == ["nonsense"]
    strict = {"Prefer": "handling=strict"}
    assert ward.get("/Observation?nonsense=1", headers=strict).status_code == 400
    assert ward.get("/Observation?_total=estimate", headers=strict).status_code == 200


def test_too_costly(ward: httpx.Client) -> None:
    """What would cost too much is refused as such."""
    answer = ward.get(f"/Organization?{'partof.' * 13}name=a")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "too-costly")


def test_many_alternatives(ward: httpx.Client) -> None:
    """A thousand alternatives are one search; so is a count that no server would give."""
    many = ",".join(f"urn:codes|{n}" for n in range(1000))
    assert ids(ward.post("/Observation/_search", data={"code": f"{many},fever"})) == "o2"
    many = ",".join(f"Patient/{n}" for n in range(1000))
    assert ids(ward.post("/Observation/_search", data={"subject": f"{many},ada", "_count": "10000"})) == "o1 o2 o3"


def test_everything(ward: httpx.Client) -> None:
    """`$everything` by GET, by POST and within a batch."""
    assert ids(ward.get("/Patient/ada/$everything")) == "o1 o2 o3 ada"
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueString": "Patient"}]}
    assert ids(ward.post("/Patient/ada/$everything", json=parameters)) == "ada"
    assert ids(ward.post("/Patient/ada/$everything")) == "o1 o2 o3 ada"
    assert ward.get("/Patient/nobody/$everything").status_code == 404
    request = {"request": {"method": "GET", "url": "Patient/ada/$everything?_count=1"}}
    entry = ward.post("/", json=bundle("batch", request)).json()["entry"][0]
    assert entry["resource"]["entry"][0]["resource"]["id"] == "o1"


def test_lastn(ward: httpx.Client) -> None:
    """`$lastn` by GET and with every kind of parameter in the body."""
    assert sorted(ids(ward.get("/Observation/$lastn?patient=ada")).split()) == ["o2", "o3"]
    values: list[dict[str, Any]] = [
        {"name": "max", "valuePositiveInt": 2},
        {"name": "subject", "valueReference": {"reference": "Patient/ada"}},
        {"name": "code", "valueCoding": {"system": "urn:codes", "code": "headache"}},
        {"name": "date:missing", "valueBoolean": False},
    ]
    answer = ward.post("/Observation/$lastn", json={"resourceType": "Parameters", "parameter": values})
    assert ids(answer) == "o3 o1"
    assert (
        ward.post("/Observation/$lastn", content=b"x", headers={"content-type": "application/json"}).status_code == 400
    )
    assert ward.post("/Observation/$lastn", json={"resourceType": "Patient"}).status_code == 400


def test_a_search_parameter_of_ones_own(ward: httpx.Client, pool: Pool) -> None:
    """A posted parameter is indexed by the worker, tells how far it is, and can be searched by when that has ended."""
    mood = {
        "resourceType": "SearchParameter",
        "url": "urn:mood",
        "name": "Mood",
        "status": "active",
        "description": "Mood",
        "code": "mood",
        "base": ["Observation"],
        "type": "token",
        "expression": "Observation.code",
    }
    place = ward.post("/SearchParameter", json=mood).headers["location"].partition("/_history")[0]

    def status(path: str) -> dict[str, Any]:
        walk = ward.get(path).json()["parameter"][0]["part"]
        return {one["name"]: next(value for key, value in one.items() if key != "name") for one in walk}

    assert ward.get("/Observation?mood=fever").status_code == 400
    assert status(f"{place}/$reindex-status")["status"] == "waiting"
    _walk(pool)
    found = status("/SearchParameter/$reindex-status")
    assert (found["status"], found["total"], found["done"], found["errors"]) == ("done", 3, 3, 0)
    assert found["parameter"]["reference"] in place
    assert ids(ward.get("/Observation?mood=fever")) == "o2"
    assert ward.get(f"{place}/$reindex").status_code in (404, 405)
    assert status(f"{place}/$reindex-status")["status"] == "done"
    again = ward.post(f"{place}/$reindex")
    assert (again.status_code, status(f"{place}/$reindex-status")["status"]) == (200, "waiting")
    assert ward.post("/SearchParameter/$reindex").status_code == 200
    assert ward.post("/SearchParameter/none/$reindex").status_code == 404
    refused = ward.post("/SearchParameter", json={**mood, "code": "mood2", "expression": "Observation.code.first()"})
    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (400, ["SearchParameter.expression"])


def _walk(pool: Pool) -> None:
    left = True
    while left:
        with transaction(pool) as session:
            if not reindexing.advance(session):
                time.sleep(0.05)  # a server that is shared may have transactions of others open
            left = any(one.state in ("waiting", "running") for one in reindexing.walks(session))
