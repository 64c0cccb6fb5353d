"""Objects with what they need elsewhere."""

from tests.adapters.dhis2.conftest import Client


def test_a_program_comes_with_all_that_it_needs(client: Client) -> None:
    """Stages, elements, options, attributes, type, rules; no org units. What comes out can be imported."""
    rule = {"id": "RuWarn00001", "name": "Warn", "program": {"id": "PrMalaria00"}, "condition": "true"}
    assert client.post("/api/programRules", json=rule).status_code == 201
    package = client.get("/api/programs/PrMalaria00/metadata.json").json()
    assert [doc["id"] for doc in package["programs"]] == ["PrMalaria00"]
    assert {doc["id"] for doc in package["programStages"]} == {"PsVisit0000", "PsFollow000"}
    assert {doc["id"] for doc in package["options"]} >= {"OpPos000000", "OpNeg000000"}
    assert [doc["id"] for doc in package["programRules"]] == ["RuWarn00001"]
    assert {"dataElements", "trackedEntityTypes", "trackedEntityAttributes", "categoryCombos"} <= package.keys()
    assert "organisationUnits" not in package
    again = client.post("/api/metadata", json=package).json()["response"]
    assert (again["status"], again["stats"]["created"], again["stats"]["updated"]) == ("OK", 0, 0)


def test_dependencies_of_several_objects(client: Client) -> None:
    """Named by type and id; 400 when nothing is named, 404 for what is not there."""
    found = client.get("/api/metadata/dependencies", params={"optionSets": "OsResult000", "fields": "id"}).json()
    assert found["optionSets"] == [{"id": "OsResult000"}]
    assert len(found["options"]) == 2
    assert client.get("/api/metadata/dependencies").status_code == 400
    assert client.get("/api/metadata/dependencies", params={"programs": "Nowhere0001"}).status_code == 404
    assert client.get("/api/optionSets/Nowhere0001/metadata").status_code == 404


def test_where_programs_are_used(client: Client) -> None:
    """The org units of each program that is asked for; an unknown one is left out, nothing asked for is 400."""
    asked = client.get("/api/42/programs/orgUnits", params={"programs": "PrMalaria00,PrBirth0000,Nowhere0001"})
    found = asked.json()
    assert found.keys() == {"PrMalaria00", "PrBirth0000"}
    assert set(found["PrMalaria00"]) == {"OuClinicA00", "OuClinicB00", "OuClinicC00"}
    assert client.get("/api/programs/orgUnits").status_code == 400
    assert client.get("/api/dataSets/orgUnits", params={"dataSets": "Nowhere0001"}).json() == {}
