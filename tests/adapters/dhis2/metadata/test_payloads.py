"""`/api/metadata`, collections of metadata objects, and what clients ask first: who am I, what is this."""

from tests.adapters.dhis2.conftest import Client


def test_an_import_reports_per_type(client: Client) -> None:
    """The answer is DHIS2's envelope around an import report; the second time nothing changes."""
    payload = {"optionSets": [{"id": "OsColour001", "name": "Colour"}]}
    first = client.post("/api/metadata", json=payload).json()
    assert (first["httpStatusCode"], first["response"]["responseType"]) == (200, "ImportReport")
    assert first["response"]["stats"] == {"created": 1, "updated": 0, "deleted": 0, "ignored": 0, "total": 1}
    assert first["response"]["typeReports"][0]["klass"] == "org.hisp.dhis.option.OptionSet"
    assert client.post("/api/42/metadata", json=payload).json()["response"]["stats"]["ignored"] == 1
    assert client.get("/api/optionSets/OsColour001").json()["displayName"] == "Colour"


def test_a_wrong_import_is_409_and_stores_nothing(client: Client) -> None:
    """Errors stand per object, with DHIS2's code."""
    payload = {"optionSets": [{"id": "OsColour001", "name": "Colour"}], "dataElements": [{"name": "no type"}]}
    response = client.post("/api/metadata", json=payload)
    assert response.status_code == 409
    reports = {item["klass"]: item for item in response.json()["response"]["typeReports"]}
    [wrong] = reports["org.hisp.dhis.dataelement.DataElement"]["objectReports"]
    assert wrong["errorReports"][0]["errorCode"] == "E4000"
    assert client.get("/api/optionSets/OsColour001").status_code == 404


def test_validate_stores_nothing(client: Client) -> None:
    """`importMode=VALIDATE` reports what an import would do."""
    payload = {"optionSets": [{"id": "OsColour001", "name": "Colour"}]}
    answer = client.post("/api/metadata", json=payload, params={"importMode": "VALIDATE"})
    assert answer.json()["response"]["stats"]["created"] == 1
    assert client.get("/api/optionSets/OsColour001").status_code == 404


def test_only_the_authorised_import(limited: Client) -> None:
    """Without the authority an import is forbidden."""
    response = limited.post("/api/metadata", json={})
    assert response.status_code == 403
    assert response.json()["httpStatus"] == "Forbidden"


def test_bodies_that_are_no_metadata_are_400(client: Client) -> None:
    """No JSON, no object, a character that cannot be stored."""
    for body in (b"{", b"[]", b'{"options": [{"name": "a\\u0000"}]}'):
        response = client.post("/api/metadata", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 400


def test_export_gives_back_what_was_imported(client: Client) -> None:
    """Everything, or the collections asked for, as documents."""
    everything = client.get("/api/metadata").json()
    assert everything["system"]["version"].startswith("2.42")
    [malaria] = [doc for doc in everything["programs"] if doc["id"] == "PrMalaria00"]
    assert malaria["futureProperty"] == {"kept": ["as", "it", "is"]}
    some = client.get(
        "/api/metadata.json", params={"options": "true", "organisationUnits": "true", "fields": "id"}
    ).json()
    assert some.keys() == {"system", "options", "organisationUnits"}
    assert {"id": "OuClinicA00"} in some["organisationUnits"]


def test_collections_are_listed_and_searched(client: Client) -> None:
    """A list has a pager with totals, `id` and `displayName` by default; `query` finds parts of names."""
    found = client.get("/api/dataElements", params={"pageSize": "2"}).json()
    assert found["pager"]["total"] == 7
    assert found["pager"]["nextPage"]
    assert found["dataElements"][0].keys() == {"id", "displayName"}
    named = client.get("/api/organisationUnits.json", params={"query": "alder", "fields": "id,path,level"}).json()
    assert named["organisationUnits"] == [
        {"id": "OuClinicA00", "path": "/OuCountry00/OuNorth0000/OuClinicA00", "level": 3}
    ]
    whole = client.get("/api/programs", params={"paging": "false", "fields": "id,programStages~size"}).json()
    assert {"id": "PrMalaria00", "programStages": 2} in whole["programs"]


def test_what_is_not_there_is_404(client: Client) -> None:
    """An unknown object and an unknown collection."""
    assert (
        client.get("/api/programs/Nowhere0001").json()["message"] == "Program with id Nowhere0001 could not be found."
    )
    assert client.get("/api/unicorns").status_code == 404


def test_clients_learn_who_and_what(client: Client) -> None:
    """`me`, `system/info`, `ping` and fresh ids, as start-up sequences ask for them."""
    me = client.get("/api/42/me", params={"fields": "username,name,authorities,organisationUnits[id],programs"}).json()
    assert (me["username"], me["name"], me["authorities"]) == ("tester", "Test Er", ["ALL"])
    assert "PrMalaria00" in me["programs"]
    assert {"id": "OuCountry00"} in me["organisationUnits"]
    info = client.get("/api/system/info").json()
    assert (info["version"], info["calendar"], info["contextPath"]) == ("2.42.0", "iso8601", "http://hub.example")
    assert client.get("/api/system/ping").text == "pong"
    assert len(set(client.get("/api/system/id", params={"limit": "3"}).json()["codes"])) == 3
