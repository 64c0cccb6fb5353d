"""The CapabilityStatement: whatever it claims is called, and answers."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from adapters.fhir.patching import JSON_PATCH
from tests.adapters.fhir.minimal import minimal
from tests.adapters.fhir.test_bundles import bundle
from tracker_core.records import definitions

SAMPLES = {"token": "a", "string": "a", "date": "2020", "number": "1", "quantity": "1", "uri": "urn:a"}
SAMPLES |= {"reference": "Patient/1", "special": "1|1|1|km"}


def claimed(client: httpx.Client) -> dict[str, Any]:
    """The statement's part about this server's REST interface."""
    statement = client.get("/metadata").json()
    assert (statement["kind"], statement["fhirVersion"]) == ("instance", "4.0.1")
    found: dict[str, Any] = statement["rest"][0]
    return found


CALLS: dict[str, Callable[[httpx.Client, str], tuple[httpx.Response, int]]] = {
    "create": lambda client, type_: (client.post(f"/{type_}", json=minimal(type_)), 201),
    "update": lambda client, type_: (client.put(f"/{type_}/a", json=minimal(type_, "a")), 201),
    "read": lambda client, type_: (client.get(f"/{type_}/a"), 200),
    "vread": lambda client, type_: (client.get(f"/{type_}/a/_history/1"), 200),
    "history-instance": lambda client, type_: (client.get(f"/{type_}/a/_history"), 200),
    "history-type": lambda client, type_: (client.get(f"/{type_}/_history"), 200),
    "search-type": lambda client, type_: (client.get(f"/{type_}"), 200),
    "patch": lambda client, type_: (client.patch(f"/{type_}/a", content=b"[]", headers=PATCHING), 200),
    "delete": lambda client, type_: (client.delete(f"/{type_}/a"), 204),
}
SYSTEM: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "transaction": lambda client: client.post("/", json=bundle("transaction")),
    "batch": lambda client: client.post("/", json=bundle("batch")),
    "history-system": lambda client: client.get("/_history"),
    "search-system": lambda client: client.get("/", params={"_type": "Patient"}),
}
PATCHING = {"Content-Type": JSON_PATCH}


def test_every_interaction_of_every_type(client: httpx.Client) -> None:
    """Every interaction that is claimed works on the smallest record of its type, and none is missing."""
    rest = claimed(client)
    assert len(rest["resource"]) == 146
    assert {one["code"] for one in rest["interaction"]} <= set(SYSTEM)
    for one in rest["interaction"]:
        assert SYSTEM[one["code"]](client).status_code == 200
    for resource in rest["resource"]:
        codes = {one["code"] for one in resource["interaction"]}
        assert codes == set(CALLS)
        for code, call in CALLS.items():
            answer, status = call(client, resource["type"])
            assert answer.status_code == status, (code, resource["type"], answer.text)


def test_every_format_and_operation(client: httpx.Client) -> None:
    """Every format that is claimed is served, and every operation is there to be called."""
    statement = client.get("/metadata").json()
    for kind in statement["format"]:
        assert client.get(f"/metadata?_format={quote(kind)}").status_code == 200, kind
    assert JSON_PATCH in statement["patchFormat"]
    called = 0
    for resource in statement["rest"][0]["resource"]:
        for operation in resource.get("operation", []):
            # On the type, or on one of its records; by GET, or only by POST where it changes something.
            places = [f"/{resource['type']}{of}/${operation['name']}" for of in ("", "/a")]
            answers = [client.request(method, place) for method in ("GET", "POST") for place in places]
            assert any(answer.status_code != 405 and "there is nothing at" not in answer.text for answer in answers), (
                operation
            )
            assert all(answer.status_code < 500 for answer in answers)
            called += 1
    assert called >= 7


def sample(type_: str, code: str) -> str:
    """A value to search a parameter by; a composite has one for each of its parts."""
    parameter = definitions.parameters(type_)[code]
    if parameter.type == "composite":
        return "$".join(sample(type_, part) for part, _ in parameter.components)
    return SAMPLES[parameter.type]


def search_each(client: httpx.Client, resources: Sequence[dict[str, Any]]) -> int:
    """Search by every parameter of these types; return how many."""
    count = 0
    for resource in resources:
        parameters = resource["searchParam"]
        type_ = resource["type"]
        urls = [f"{type_}?{p['name']}={quote(sample(type_, p['name']))}&_count=1" for p in parameters]
        entries = [{"request": {"method": "GET", "url": url}} for url in urls]
        found = client.post("/", json=bundle("batch", *entries)).json()["entry"]
        for url, one in zip(urls, found, strict=True):
            assert one["response"]["status"].startswith("200"), (url, one)
            modes = [entry["search"]["mode"] for entry in one["resource"].get("entry", [])]
            assert "outcome" not in modes, (url, one)
        count += len(urls)
    return count


def test_every_search_parameter(client: httpx.Client) -> None:
    """Every parameter of every type can be searched by."""
    resources = claimed(client)["resource"]
    patient = next(one for one in resources if one["type"] == "Patient")
    assert "Observation:patient" in patient["searchRevInclude"]
    assert search_each(client, resources) > 2500
