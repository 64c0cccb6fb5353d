"""The directory of places and people, asked as IHE mCSD asks a care services directory (ITI-90, ITI-91)."""

from typing import Any

import httpx
import pytest

from hub import catalogue
from hub.runtime import Runtime
from tracker_core import history, metadata
from tracker_core.database import transaction

CONNECTION = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
UNITS = [
    {"id": "mcsdCountry", "code": "C", "name": "Country", "openingDate": "2000-01-01"},
    {
        "id": "mcsdDistrct",
        "code": "D",
        "name": "District",
        "openingDate": "2000-01-01",
        "parent": {"id": "mcsdCountry"},
    },
    {
        "id": "mcsdClinicA",
        "code": "CA",
        "name": "Clinic A",
        "openingDate": "2000-01-01",
        "parent": {"id": "mcsdDistrct"},
        "geometry": {"type": "Point", "coordinates": [32.58, 0.31]},
    },
    {
        "id": "mcsdClinicB",
        "code": "CB",
        "name": "Clinic B",
        "openingDate": "2000-01-01",
        "parent": {"id": "mcsdCountry"},
        "geometry": {"type": "Point", "coordinates": [34.9, 2.1]},
    },
]


@pytest.fixture
def directory(client: httpx.Client, runtime: Runtime) -> httpx.Client:
    """A client of a hub with four org units shown as records, and services of one of them."""
    with transaction(runtime.pool) as session:
        report = metadata.import_objects(
            session, history.open_change_set(session, "tester"), {"organisationUnits": UNITS}
        )
        assert not report.errors, report.errors
    catalogue.turn(runtime)
    services = [
        {
            "resourceType": "Endpoint",
            "id": "e",
            "status": "active",
            "connectionType": {"system": CONNECTION, "code": "hl7-fhir-rest"},
            "payloadType": [{"text": "any"}],
            "address": "http://clinic.example/fhir",
            "managingOrganization": {"reference": "Organization/mcsdClinicA"},
        },
        {
            "resourceType": "HealthcareService",
            "id": "h",
            "active": True,
            "name": "Antenatal care",
            "providedBy": {"reference": "Organization/mcsdClinicA"},
            "location": [{"reference": "Location/mcsdClinicA"}],
            "endpoint": [{"reference": "Endpoint/e"}],
        },
    ]  # fmt: skip
    for one in services:
        client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one).raise_for_status()
    return client


def entries(client: httpx.Client, type_: str, **query: str) -> list[tuple[str, str]]:
    """(mode, reference) of all that a search returns."""
    answer = client.get(f"/fhir/{type_}", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json().get("entry", [])
    return [(e["search"]["mode"], f"{e['resource']['resourceType']}/{e['resource']['id']}") for e in found]


def ids(client: httpx.Client, type_: str, **query: str) -> set[str]:
    """The ids of what matches."""
    return {reference.rpartition("/")[2] for mode, reference in entries(client, type_, **query) if mode == "match"}


def test_places_are_found_by_their_hierarchy(directory: httpx.Client) -> None:
    """A unit with all below it, its children alone, up the tree, for Location and Organization alike."""
    for type_ in ("Location", "Organization"):
        below = ids(directory, type_, **{"partof:below": f"{type_}/mcsdCountry"})
        assert below >= {"mcsdDistrct", "mcsdClinicA", "mcsdClinicB"}
        assert ids(directory, type_, partof=f"{type_}/mcsdCountry") == {"mcsdDistrct", "mcsdClinicB"}
        assert ids(directory, type_, **{"partof:below": f"{type_}/mcsdDistrct"}) >= {"mcsdClinicA"}
        assert "mcsdClinicB" not in ids(directory, type_, **{"partof:below": f"{type_}/mcsdDistrct"})
        assert ids(directory, type_, **{"partof.name": "District"}) == {"mcsdClinicA"}


def test_places_are_found_by_name_type_identifier_and_distance(directory: httpx.Client) -> None:
    """Facilities and jurisdictions by mCSD's codes; `near` in kilometres."""
    facilities = ids(directory, "Location", type="urn:ietf:rfc:3986|urn:ihe:iti:mcsd:2019:facility")
    assert facilities >= {"mcsdClinicA", "mcsdClinicB"}
    assert "mcsdDistrct" not in facilities
    assert ids(directory, "Organization", identifier="urn:tracker-hub:org-unit|CA") == {"mcsdClinicA"}
    assert ids(directory, "Location", **{"name:contains": "linic", "status": "active"}) == {
        "mcsdClinicA",
        "mcsdClinicB",
    }
    assert ids(directory, "Location", near="0.3|32.6|20|km") == {"mcsdClinicA"}


def test_what_belongs_to_a_place_is_included(directory: httpx.Client) -> None:
    """A service with its provider, place and endpoint; a place with its organization; a role with its person."""
    found = entries(
        directory, "HealthcareService", organization="Organization/mcsdClinicA", _include="HealthcareService:endpoint"
    )
    assert found == [("match", "HealthcareService/h"), ("include", "Endpoint/e")]
    found = entries(directory, "Location", _id="mcsdClinicA", _include="Location:organization")
    assert found[1] == ("include", "Organization/mcsdClinicA")
    assert ("include", "HealthcareService/h") in entries(
        directory, "Location", _id="mcsdClinicA", _revinclude="HealthcareService:location"
    )
    roles = entries(directory, "PractitionerRole", active="true", _include="PractitionerRole:practitioner")
    assert any(reference.startswith("Practitioner/") for mode, reference in roles if mode == "include")
    assert ids(directory, "Endpoint", organization="Organization/mcsdClinicA", status="active") == {"e"}


def test_what_changed_in_the_directory_is_asked_by_time(directory: httpx.Client, runtime: Runtime) -> None:
    """ITI-91: the history of a type since a time has the change and nothing before it."""
    before = directory.get("/fhir/Location/mcsdClinicA").json()["meta"]["lastUpdated"]
    with transaction(runtime.pool) as session:
        renamed = {**UNITS[2], "name": "Clinic A, new wing"}
        metadata.import_objects(session, history.open_change_set(session, "tester"), {"organisationUnits": [renamed]})
    catalogue.turn(runtime)
    feed = directory.get("/fhir/Location/_history", params={"_since": before, "_count": "100"}).json()["entry"]
    newest = feed[0]["resource"]
    assert (newest["id"], newest["name"], feed[0]["request"]["method"]) == ("mcsdClinicA", "Clinic A, new wing", "PUT")
