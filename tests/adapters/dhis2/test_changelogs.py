"""Change logs: every value with what it was and became, who did it, in any order, filtered and paged."""

from typing import Any

import pytest

from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.samples import person
from tests.adapters.dhis2.test_imports import post

EVENT = "/api/tracker/events/EvPerson001/changeLogs"
ENTITY = "/api/tracker/trackedEntities/TePerson001/changeLogs"
ENROLLMENT = "/api/tracker/enrollments/EnPerson001/changeLogs"


@pytest.fixture
def changed(client: Client) -> Client:
    """Ada's temperature 38.50 becomes 37.1 and then nothing; a weight appears; she moves from Oak to Elm."""
    change(client, "programStages", "PsVisit0000", featureType="POINT")
    post(client, {"trackedEntities": [person()]})
    visit = {"event": "EvPerson001", "occurredAt": "2024-03-02"}
    post(client, {"events": [{**visit, "dataValues": [{"dataElement": "DeTemp00000", "value": "37.1"}]}]})
    values = [{"dataElement": "DeTemp00000", "value": None}, {"dataElement": "DeWeight000", "value": "60"}]
    geometry = {"type": "Point", "coordinates": [30.5, -1.25]}
    post(client, {"events": [{**visit, "occurredAt": "2024-03-05", "geometry": geometry, "dataValues": values}]})
    village = {"attribute": "TeVillage00", "value": "Elm"}
    enrolled = {"enrollment": "EnPerson001", "followUp": True, "attributes": [village]}
    post(client, {"enrollments": [{**person()["enrollments"][0], "events": [], **enrolled}]})
    return client


def change(client: Client, type: str, uid: str, **properties: Any) -> None:
    """Change properties of one metadata object."""
    doc = client.get(f"/api/{type}/{uid}", params={"fields": ":owner"}).json()
    answer = client.post("/api/metadata", json={type: [{**doc, **properties}]})
    assert answer.status_code == 200, answer.text


def entries(client: Client, path: str, **parameters: str) -> list[tuple[Any, ...]]:
    """The changes of one page: type, what, before, after."""
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    found = []
    for entry in response.json()["changeLogs"]:
        [(_, change)] = entry["change"].items()
        name = change.get("dataElement") or change.get("attribute") or change.get("field")
        found.append((entry["type"], name, change.get("previousValue"), change.get("currentValue")))
    return found


def test_an_event_tells_each_value_from_its_creation_on(changed: Client) -> None:
    """A creation has no previous value, a deletion no current one; dates and geometry are fields."""
    found = entries(changed, EVENT, order="createdAt:asc")
    assert [entry for entry in found if entry[1] == "DeTemp00000"] == [
        ("CREATE", "DeTemp00000", None, "38.50"),
        ("UPDATE", "DeTemp00000", "38.50", "37.1"),
        ("DELETE", "DeTemp00000", "37.1", None),
    ]
    assert ("CREATE", "DeWeight000", None, "60") in found
    assert ("CREATE", "DeResult000", None, "POS") in found
    assert [entry for entry in found if entry[1] == "occurredAt"] == [
        ("CREATE", "occurredAt", None, "2024-03-02 00:00:00.000"),
        ("UPDATE", "occurredAt", "2024-03-02 00:00:00.000", "2024-03-05 00:00:00.000"),
    ]
    assert ("CREATE", "geometry", None, "(30.5, -1.25)") in found
    assert len(found) == 8


def test_an_entry_has_dhis2s_shape(changed: Client) -> None:
    """What changed stands under its kind; the user has a name; the newest comes first."""
    newest = changed.get(EVENT, params={"filter": "dataElement:eq:DeWeight000"}).json()["changeLogs"][0]
    assert newest.keys() == {"change", "createdAt", "createdBy", "type"}
    assert newest["change"] == {"dataValue": {"dataElement": "DeWeight000", "currentValue": "60"}}
    assert newest["createdBy"] == {"username": "tester", "firstName": "Test", "surname": "Er"} | {
        "uid": newest["createdBy"]["uid"]
    }
    [first, *_] = changed.get(EVENT, params={"fields": "type,change[eventField]"}).json()["changeLogs"]
    assert first.keys() <= {"type", "change"}


def test_an_entity_tells_its_types_attributes_and_those_of_a_program(changed: Client) -> None:
    """Without `program` the program's own attributes are left out."""
    assert entries(changed, ENTITY) == [("CREATE", "sB1IHYu2xQT", None, "Ada")]
    assert entries(changed, ENTITY, program="PrMalaria00", order="attribute,createdAt") == [
        ("CREATE", "TeVillage00", None, "Oak"),
        ("UPDATE", "TeVillage00", "Oak", "Elm"),
        ("CREATE", "sB1IHYu2xQT", None, "Ada"),
    ]
    only = entries(changed, ENTITY, program="PrMalaria00", filter="attribute:eq:TeVillage00", order="createdAt")
    assert [entry[0] for entry in only] == ["CREATE", "UPDATE"]


def test_an_enrollment_tells_its_fields(changed: Client) -> None:
    """The follow-up flag was set after the enrolment."""
    assert entries(changed, ENROLLMENT, filter="field:eq:followUp") == [
        ("UPDATE", "followUp", "false", "true"),
        ("CREATE", "followUp", None, "false"),
    ]


def test_change_logs_are_paged(changed: Client) -> None:
    """Pages lead on and back; a filter by user keeps or drops everything."""
    first = changed.get(EVENT, params={"pageSize": "5", "totalPages": "true"}).json()
    assert (len(first["changeLogs"]), first["pager"]["total"], first["pager"]["pageCount"]) == (5, 8, 2)
    second = changed.get(first["pager"]["nextPage"]).json()
    assert (len(second["changeLogs"]), "nextPage" in second["pager"]) == (3, False)
    assert len(entries(changed, EVENT, filter="username:eq:tester", paging="false")) == 8
    assert entries(changed, EVENT, filter="username:eq:nobody") == []


def test_a_program_or_type_may_switch_its_log_off(changed: Client) -> None:
    """With `enableChangeLog` false nothing is told."""
    for type, uid in (("programs", "PrMalaria00"), ("trackedEntityTypes", "MCPQUTHX1Ze")):
        change(changed, type, uid, enableChangeLog=False)
    assert entries(changed, EVENT) == []
    assert entries(changed, ENTITY) == []


WRONG: list[tuple[str, dict[str, str], int]] = [
    (EVENT, {"order": "favourite"}, 400),
    (EVENT, {"order": "createdAt,createdAt:desc"}, 400),
    (EVENT, {"filter": "dataElement:eq"}, 400),
    (EVENT, {"filter": "attribute:eq:TeVillage00"}, 400),
    (EVENT, {"filter": "dataElement:like:DeTemp00000"}, 400),
    (EVENT, {"filter": "dataElement:eq:short"}, 400),
    (EVENT, {"page": "0"}, 400),
    (EVENT, {"paging": "false", "page": "2"}, 400),
    (ENTITY, {"program": "Nowhere0001"}, 400),
    (ENTITY, {"program": "PrWater0000"}, 400),
    ("/api/tracker/events/short/changeLogs", {}, 400),
    ("/api/tracker/events/Nowhere0001/changeLogs", {}, 404),
    ("/api/tracker/enrollments/Nowhere0001/changeLogs", {}, 404),
]


def test_wrong_calls_are_refused(changed: Client) -> None:
    """In DHIS2's envelope."""
    for path, parameters, status in WRONG:
        response = changed.get(path, params=parameters)
        assert (response.status_code, response.json()["status"]) == (status, "ERROR"), (path, parameters)
