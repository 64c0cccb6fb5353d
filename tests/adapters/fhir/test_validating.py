"""`$validate` over HTTP: on types and records, by body, Parameters and query, with terminology and stored records."""

from typing import Any

import httpx
import pytest

PATIENT = {"resourceType": "Patient", "name": [{"family": "Obi"}], "gender": "female"}


def told(client: httpx.Client, path: str, body: Any = None, **query: str) -> list[tuple[str, str, str]]:
    """The issues as (severity, code, place)."""
    answer = client.post(path, json=body, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return [(one["severity"], one["code"], one.get("expression", [""])[0]) for one in answer.json()["issue"]]


def errors(client: httpx.Client, path: str, body: Any = None, **query: str) -> list[tuple[str, str]]:
    """The errors as (code, place)."""
    return [(code, place) for severity, code, place in told(client, path, body, **query) if severity == "error"]


def test_a_resource_is_validated_as_the_body_or_in_parameters(client: httpx.Client) -> None:
    """Both ways to send a resource find the same."""
    assert errors(client, "/Patient/$validate", PATIENT) == []
    wrong = PATIENT | {"gender": "bogus", "contact": [{"gender": "male"}]}
    wanted = [("code-invalid", "Patient.gender"), ("invariant", "Patient.contact[0]")]
    assert sorted(errors(client, "/Patient/$validate", wrong)) == wanted
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wrong}]}
    assert sorted(errors(client, "/Patient/$validate", parameters)) == wanted
    as_xml = '<Patient xmlns="http://hl7.org/fhir"><gender value="bogus"/></Patient>'
    answer = client.post("/Patient/$validate", content=as_xml, headers={"content-type": "application/fhir+xml"})
    assert "Patient.gender" in answer.text


def test_nothing_is_stored(client: httpx.Client) -> None:
    """Validation writes nothing."""
    told(client, "/Patient/$validate", PATIENT)
    assert client.get("/Patient", params={"_total": "accurate"}).json()["total"] == 0


def test_the_mode_counts(client: httpx.Client) -> None:
    """What is created gets another id, what is updated has one, what is put stands where it says."""
    assert ("information", "informational", "Patient.id") in told(
        client, "/Patient/$validate", PATIENT | {"id": "1"}, mode="create"
    )
    assert errors(client, "/Patient/$validate", PATIENT, mode="update") == [("required", "Patient.id")]
    assert errors(client, "/Patient/2/$validate", PATIENT | {"id": "1"}) == [("value", "Patient.id")]
    assert errors(client, "/Practitioner/$validate", PATIENT) == [("value", "resourceType")]
    assert client.post("/Patient/$validate", json=PATIENT, params={"mode": "x"}).status_code == 400
    assert client.post("/Patient/$validate").status_code == 400
    assert client.post("/Patient/$validate", content=b"{").status_code == 400
    assert client.post("/Nothing/$validate", json=PATIENT).status_code == 404


def test_a_stored_record_is_validated(client: httpx.Client) -> None:
    """GET and POST without a body validate what is stored; a record that is not there is 404."""
    client.put("/Patient/p", json=PATIENT | {"id": "p"}).raise_for_status()
    answer = client.get("/Patient/p/$validate")
    assert answer.status_code == 200
    assert {one["severity"] for one in answer.json()["issue"]} <= {"warning", "information"}
    assert client.post("/Patient/p/$validate", params={"mode": "delete"}).status_code == 200
    assert client.get("/Patient/q/$validate").status_code == 404


def test_profiles_are_asked_for(client: httpx.Client) -> None:
    """By query or parameter; one that was written through the API counts from the next request on."""
    url = "http://example.org/StructureDefinition/named"
    assert errors(client, "/Patient/$validate", PATIENT, profile=url) == [("not-found", "Patient")]
    profile = {
        "resourceType": "StructureDefinition",
        "id": "named",
        "url": url,
        "name": "Named",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]},
    }
    client.put("/StructureDefinition/named", json=profile).raise_for_status()
    assert errors(client, "/Patient/$validate", PATIENT, profile=url) == [("required", "Patient")]
    given = [{"name": "resource", "resource": PATIENT}, {"name": "profile", "valueCanonical": url}]
    assert errors(client, "/Patient/$validate", {"resourceType": "Parameters", "parameter": given}) == [
        ("required", "Patient")
    ]
    claimed = PATIENT | {"meta": {"profile": [url]}}
    assert errors(client, "/Patient/$validate", claimed) == [("required", "Patient")]
    client.put(
        "/StructureDefinition/named",
        json=profile | {"differential": {"element": [{"id": "Patient", "path": "Patient"}]}},
    )
    assert errors(client, "/Patient/$validate", claimed) == []


@pytest.mark.parametrize(
    ("coding", "severity"),
    [
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}, ""),
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "nonsense"}, "warning"),
    ],
)
def test_codes_are_looked_up(client: httpx.Client, coding: dict[str, str], severity: str) -> None:
    """Bindings are checked by the hub's terminology."""
    found = told(client, "/Patient/$validate", PATIENT | {"maritalStatus": {"coding": [coding]}})
    places = [place for level, code, place in found if (level, code) == (severity, "code-invalid")]
    assert sorted(places) == (["Patient.maritalStatus", "Patient.maritalStatus.coding[0]"] if severity else [])


def test_codes_that_their_system_does_not_have(client: httpx.Client) -> None:
    """A code of a loaded system is looked up wherever it stands."""
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    tags = [{"system": system, "code": "M"}, {"system": system, "code": "zz"}, {"system": "urn:x", "code": "zz"}]
    found = told(client, "/Patient/$validate", PATIENT | {"meta": {"tag": tags}})
    assert [(level, place) for level, code, place in found if code == "code-invalid"] == [
        ("warning", "Patient.meta.tag[1]")
    ]


def test_references_to_what_is_not_there(client: httpx.Client) -> None:
    """A reference that leads nowhere is a warning; one of another type an error."""
    seen = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/p"},
    }
    assert ("warning", "not-found", "Observation.subject") in told(client, "/Observation/$validate", seen)
    client.put("/Patient/p", json=PATIENT | {"id": "p"}).raise_for_status()
    assert ("warning", "not-found", "Observation.subject") not in told(client, "/Observation/$validate", seen)


def test_value_sets_of_systems_that_are_not_loaded(client: httpx.Client) -> None:
    """A value set that lists codes says whether one is there, without the code system; a whole system says nothing."""
    listed = {"system": "urn:not-loaded", "concept": [{"code": "a"}]}
    whole = {"system": "urn:also-not-loaded"}
    for name, include in (("listed", [listed]), ("whole", [whole]), ("both", [{"valueSet": ["urn:vs:listed"]}])):
        body = {"resourceType": "ValueSet", "id": name, "url": f"urn:vs:{name}", "status": "active"}
        client.put(f"/ValueSet/{name}", json=body | {"compose": {"include": include}}).raise_for_status()
    elements = [
        {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus",
         "binding": {"strength": "required", "valueSet": "urn:vs:NAME"}}
    ]  # fmt: skip
    found = {}
    for name in ("listed", "whole", "both"):
        elements[0]["binding"] = {"strength": "required", "valueSet": f"urn:vs:{name}"}
        profile = {
            "resourceType": "StructureDefinition", "id": name, "url": f"urn:profile:{name}", "name": "X",
            "status": "active", "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "differential": {"element": elements},
        }  # fmt: skip
        client.put(f"/StructureDefinition/{name}", json=profile).raise_for_status()
        for system, code in (("urn:not-loaded", "a"), ("urn:not-loaded", "b"), ("urn:also-not-loaded", "a")):
            body = PATIENT | {"maritalStatus": {"coding": [{"system": system, "code": code}]}}
            texts = client.post("/Patient/$validate", json=body, params={"profile": f"urn:profile:{name}"}).json()
            kinds = [(i["severity"], i["code"]) for i in texts["issue"] if f"urn:vs:{name}" in i["diagnostics"]]
            found[name, system, code] = kinds
    assert found["listed", "urn:not-loaded", "a"] == found["both", "urn:not-loaded", "a"] == []
    assert found["listed", "urn:not-loaded", "b"] == found["both", "urn:not-loaded", "b"]
    assert found["listed", "urn:not-loaded", "b"] == [("error", "code-invalid")]
    assert found["whole", "urn:also-not-loaded", "a"] == [("information", "informational")]
    assert found["whole", "urn:not-loaded", "a"] == [("error", "code-invalid")]


def test_the_capability_statement_tells_of_it(client: httpx.Client) -> None:
    """Every type offers validation."""
    resources = client.get("/metadata").json()["rest"][0]["resource"]
    assert all("validate" in {one["name"] for one in resource["operation"]} for resource in resources)
