"""GET of tracked entities, enrollments and events: shapes, fields, filters, paging, refusals."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person

TRACKER = "/api/tracker"


@pytest.fixture
def filled(client: Client) -> Client:
    """Three persons: Ada (Alder, temperature 38.5), Ben (Birch, 36.6), Cleo (Cedar, no enrollment)."""
    ben = person("TePerson002", attributes=[{"attribute": "sB1IHYu2xQT", "value": "Ben"}], orgUnit="OuClinicB00")
    ben["enrollments"][0] |= {"orgUnit": "OuClinicB00", "status": "COMPLETED"}
    ben["enrollments"][0]["events"][0]["orgUnit"] = "OuClinicB00"
    ben["enrollments"][0]["events"][0]["dataValues"][0]["value"] = "36.6"
    cleo = person("TePerson003", attributes=[{"attribute": "sB1IHYu2xQT", "value": "Cléo"}], orgUnit="OuClinicC00")
    cleo["enrollments"] = []
    payload = {"trackedEntities": [person(), ben, cleo]}
    assert client.post(TRACKER, json=payload, params={"async": "false"}).status_code == 200
    return client


def listed(client: Client, path: str, key: str, id_: str, **parameters: Any) -> list[str]:
    """Return the ids of one list, in its order."""
    response = client.get(f"{TRACKER}/{path}", params=parameters)
    assert response.status_code == 200, response.text
    return [item[id_] for item in response.json()[key]]


def entities(client: Client, **parameters: Any) -> list[str]:
    """The last digits of the tracked entities that a list of persons gives."""
    found = listed(client, "trackedEntities", "trackedEntities", "trackedEntity", **parameters)
    return [uid[-1] for uid in found]


def test_one_entity_has_dhis2s_shape(filled: Client) -> None:
    """The default answer has attributes and no nested parts; times carry milliseconds and no zone."""
    found = filled.get("/api/tracker/trackedEntities/TePerson001").json()
    assert found.keys() >= {"trackedEntity", "trackedEntityType", "orgUnit", "createdAt", "updatedAt", "createdBy"}
    assert found.keys().isdisjoint({"enrollments", "relationships", "programOwners", "geometry"})
    assert found["createdBy"]["username"] == "tester"
    assert found["createdBy"]["surname"] == "Er"
    assert len(found["createdAt"]) == len("2024-03-01T00:00:00.000")
    [attribute] = found["attributes"]
    assert attribute["displayName"] == "Given name"
    assert (attribute["value"], attribute["storedBy"], attribute["valueType"]) == ("Ada", "tester", "TEXT")


def test_a_program_brings_its_attributes_and_enrollments(filled: Client) -> None:
    """Program attributes come with `program`; owners and nested parts on demand."""
    path = f"{TRACKER}/trackedEntities/TePerson001"
    fields = "attributes[attribute],enrollments[*,events[event]],programOwners"
    found = filled.get(path, params={"program": "PrMalaria00", "fields": fields}).json()
    assert {a["attribute"] for a in found["attributes"]} == {"sB1IHYu2xQT", "TeVillage00"}
    assert found["enrollments"][0]["events"] == [{"event": "EvPerson001"}]
    assert found["enrollments"][0]["enrolledAt"] == "2024-03-01T00:00:00.000"
    assert found["programOwners"] == [
        {"orgUnit": "OuClinicA00", "trackedEntity": "TePerson001", "program": "PrMalaria00"}
    ]
    other = filled.get(path, params={"program": "PrBirth0000", "fields": fields}).json()
    assert other["enrollments"] == []


def test_an_event_tells_who_set_each_value(filled: Client) -> None:
    """A value's times are its own: those of the event until a later change names it."""
    update: dict[str, Any] = {"event": "EvPerson001", "occurredAt": "2024-03-02"}
    for weight in (60, 61):
        update["dataValues"] = [{"dataElement": "DeWeight000", "value": weight}]
        filled.post(TRACKER, json={"events": [update]}, params={"async": "false"})
    found = filled.get("/api/tracker/events/EvPerson001").json()
    values = {value["dataElement"]: value for value in found["dataValues"]}
    assert values["DeTemp00000"]["createdAt"] == values["DeTemp00000"]["updatedAt"] == found["createdAt"]
    assert found["createdAt"] < values["DeWeight000"]["createdAt"] < values["DeWeight000"]["updatedAt"]
    assert values["DeResult000"]["providedElsewhere"] is True
    assert values["DeTemp00000"]["createdBy"]["username"] == values["DeTemp00000"]["storedBy"] == "tester"
    assert found["attributeOptionCombo"] == "HllvX50cXC0"
    assert found["attributeCategoryOptions"] == "xYerKDKCefk"
    assert (found["enrollmentStatus"], found["trackedEntity"], found["followUp"]) == ("ACTIVE", "TePerson001", False)


def test_paths_answer_with_version_and_suffix(filled: Client) -> None:
    """`/api/28` to `/api/43` and `.json` are the same resources; other versions are not there."""
    for path in ("/api/42/tracker/events/EvPerson001", "/api/28/tracker/events/EvPerson001.json"):
        assert filled.get(path).json()["event"] == "EvPerson001"
    assert filled.get("/api/tracker/trackedEntities.json", params={"program": "PrMalaria00"}).status_code == 200
    assert filled.get("/api/44/tracker/events/EvPerson001").status_code == 404


ENTITIES: list[tuple[dict[str, str], str]] = [
    ({"trackedEntityType": "MCPQUTHX1Ze"}, "321"),
    ({"program": "PrMalaria00"}, "21"),
    ({"program": "PrMalaria00", "enrollmentStatus": "COMPLETED"}, "2"),
    ({"program": "PrMalaria00", "followUp": "true"}, ""),
    ({"program": "PrMalaria00", "enrollmentEnrolledAfter": "2024-03-02"}, ""),
    ({"trackedEntities": "TePerson003,TePerson001"}, "31"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "orgUnits": "OuClinicA00"}, "1"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "orgUnits": "OuNorth0000"}, ""),
    ({"trackedEntityType": "MCPQUTHX1Ze", "orgUnits": "OuNorth0000", "orgUnitMode": "CHILDREN"}, "21"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "orgUnits": "OuCountry00", "orgUnitMode": "DESCENDANTS"}, "321"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:eq:ADA"}, "1"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:like:cle"}, "3"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:sw:b"}, "2"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:ew:a"}, "1"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:in:ada;ben"}, "21"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:ne:ada"}, "32"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:like:%"}, ""),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "TeVillage00:null"}, "3"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "TeVillage00:!null"}, "21"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT"}, "321"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:gt:a:lt:b,TeVillage00:eq:oak"}, "1"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "order": "trackedEntity:asc"}, "123"),
    ({"trackedEntityType": "MCPQUTHX1Ze", "updatedBefore": "2020-01-01"}, ""),
    ({"trackedEntityType": "MCPQUTHX1Ze", "updatedAfter": "2020-01-01T00:00:00"}, "321"),
]


def test_entities_are_found(filled: Client) -> None:
    """Each parameter restricts the list as DHIS2 documents it; without an order the newest come first."""
    for parameters, expected in ENTITIES:
        assert "".join(entities(filled, **parameters)) == expected, parameters


EVENTS: list[tuple[dict[str, str], str]] = [
    ({"program": "PrMalaria00"}, "21"),
    ({"programStage": "PsVisit0000", "orgUnits": "OuClinicB00"}, "2"),
    ({"trackedEntity": "TePerson001"}, "1"),
    ({"enrollments": "EnPerson002"}, "2"),
    ({"events": "EvPerson001;EvPerson002"}, "21"),
    ({"program": "PrMalaria00", "status": "active"}, "21"),
    ({"program": "PrMalaria00", "enrollmentStatus": "COMPLETED"}, "2"),
    ({"program": "PrMalaria00", "followUp": "false"}, "21"),
    ({"program": "PrMalaria00", "occurredAfter": "2024-03-03"}, ""),
    ({"program": "PrMalaria00", "occurredBefore": "2024-03-02"}, "21"),
    ({"program": "PrMalaria00", "filter": "DeTemp00000:gt:37"}, "1"),
    ({"program": "PrMalaria00", "filter": "DeTemp00000:eq:36.60"}, "2"),
    ({"program": "PrMalaria00", "filter": "DeResult000:eq:pos"}, "21"),
    ({"program": "PrMalaria00", "filter": "DeWeight000:null"}, "21"),
    ({"program": "PrMalaria00", "filterAttributes": "sB1IHYu2xQT:eq:ben"}, "2"),
    ({"program": "PrMalaria00", "order": "occurredAt,event:asc"}, "12"),
]


def test_events_are_found(filled: Client) -> None:
    """Each parameter restricts the list; numbers compare as numbers."""
    for parameters, expected in EVENTS:
        found = listed(filled, "events", "events", "event", **parameters)
        assert "".join(uid[-1] for uid in found) == expected, parameters


def test_enrollments_are_found(filled: Client) -> None:
    """By program, status, entity and date."""
    for parameters, expected in (
        ({"program": "PrMalaria00", "enrolledAfter": "2024-03-01"}, "21"),
        ({"program": "PrMalaria00", "status": "COMPLETED"}, "2"),
        ({"program": "PrMalaria00", "followUp": "false"}, "21"),
        ({"trackedEntity": "TePerson001"}, "1"),
    ):
        found = listed(filled, "enrollments", "enrollments", "enrollment", **parameters)
        assert "".join(uid[-1] for uid in found) == expected, parameters


def test_deleted_objects_show_only_when_asked_for(filled: Client) -> None:
    """A deleted entity is gone from lists and by uid, and comes marked with `includeDeleted`."""
    gone = {"trackedEntities": [{"trackedEntity": "TePerson002"}]}
    filled.post(TRACKER, json=gone, params={"async": "false", "importStrategy": "DELETE"})
    assert "".join(entities(filled, trackedEntityType="MCPQUTHX1Ze")) == "31"
    assert "".join(entities(filled, trackedEntityType="MCPQUTHX1Ze", includeDeleted="true")) == "321"
    assert filled.get("/api/tracker/events/EvPerson002").status_code == 404


def test_pages_lead_on_and_back(filled: Client) -> None:
    """`nextPage` is there while more follows; totals only when asked for; `paging=false` has no pager."""
    base = {"trackedEntityType": "MCPQUTHX1Ze", "pageSize": "2", "fields": "trackedEntity"}
    first = filled.get("/api/tracker/trackedEntities", params=base).json()
    assert first["trackedEntities"] == [{"trackedEntity": "TePerson003"}, {"trackedEntity": "TePerson002"}]
    assert first["pager"].keys() == {"page", "pageSize", "nextPage"}
    second = filled.get(first["pager"]["nextPage"]).json()
    assert second["trackedEntities"] == [{"trackedEntity": "TePerson001"}]
    assert second["pager"].keys() == {"page", "pageSize", "prevPage"}
    counted = filled.get("/api/tracker/trackedEntities", params=base | {"totalPages": "true"}).json()
    assert (counted["pager"]["total"], counted["pager"]["pageCount"]) == (3, 2)
    whole = filled.get("/api/tracker/events", params={"program": "PrMalaria00", "paging": "false"}).json()
    assert whole.keys() == {"events"}


WRONG: list[tuple[str, dict[str, str], int]] = [
    ("trackedEntities", {}, 400),
    ("trackedEntities", {"program": "short"}, 400),
    ("trackedEntities", {"program": "Nowhere0001"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "orgUnitMode": "SELECTED"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "orgUnitMode": "NEAR"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "orgUnits": "OuNorth0000", "orgUnitMode": "ALL"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "orgUnits": "Nowhere0001"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:near:x"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "filter": "sB1IHYu2xQT:eq"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "filter": "Nowhere0001:eq:x"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "order": "favourite"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "order": "createdAt:up"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "order": "createdAt,createdAt"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "page": "0"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "paging": "false", "page": "1"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "updatedAfter": "soon"}, 400),
    ("trackedEntities", {"trackedEntityType": "MCPQUTHX1Ze", "fields": "a[b"}, 409),
    ("events", {"program": "PrMalaria00", "filter": "DeTemp00000:gt:hot"}, 400),
    ("events", {"program": "PrMalaria00", "filter": "Nowhere0001:eq:1"}, 400),
    ("events/short", {}, 400),
    ("events/Nowhere0001", {}, 404),
    ("trackedEntities/Nowhere0001", {}, 404),
    ("enrollments/Nowhere0001", {}, 404),
]


def test_wrong_requests_are_refused(filled: Client) -> None:
    """Each wrong parameter is answered in DHIS2's envelope with DHIS2's status."""
    for path, parameters, status in WRONG:
        response = filled.get(f"/api/tracker/{path}", params=parameters)
        assert response.status_code == status, parameters
        assert response.json()["httpStatusCode"] == status
        assert response.json()["status"] == "ERROR"
