"""Imports that are wrong in the ways the world is wrong: each gets DHIS2's code, and nothing is half-applied."""

from typing import Any

import pytest

from hub.access import HubAccess
from tests.adapters.dhis2.conftest import Client, client_of
from tests.adapters.dhis2.samples import person
from tracker_core import users
from tracker_core.database import Pool, transaction

LINK = "RtParent000"


def codes(client: Client, payload: dict[str, Any], **parameters: str) -> list[str]:
    """The codes of what was refused."""
    answer = client.post("/api/tracker", json=payload, params={"async": "false"} | parameters)
    assert answer.status_code in (200, 409), answer.text
    return [error["errorCode"] for error in answer.json()["validationReport"]["errorReports"]]


def linked(source: str, target: str) -> dict[str, Any]:
    """A relationship of two persons."""
    sides = {name: {"trackedEntity": {"trackedEntity": uid}} for name, uid in (("from", source), ("to", target))}
    return {"relationshipType": LINK, **sides}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"orgUnit": "Nowhere0001"}, "E1049"),
        ({"trackedEntityType": "Nowhere0001"}, "E1005"),
        ({"attributes": [{"attribute": "Nowhere0001", "value": "x"}]}, "E1006"),
        ({"attributes": [{"attribute": "NI0QRzJvQ0k", "value": 17}]}, "E1007"),
        ({"attributes": [{"attribute": "NI0QRzJvQ0k", "value": True}]}, "E1007"),
        ({"attributes": [{"attribute": "oindugucx72", "value": "?"}]}, "E1125"),
        ({"geometry": {"type": "Point"}}, "E1074"),
    ],
)
def test_wrong_persons(client: Client, changed: dict[str, Any], code: str) -> None:
    """A wrong reference, type or value refuses the person, saying just that."""
    assert codes(client, {"trackedEntities": [person(**changed, enrollments=[])]}) == [code]


def test_children_of_what_is_refused_get_e5000(client: Client) -> None:
    """With OBJECT a person that is wrong takes its enrollment and event along, and nobody else."""
    payload = {"trackedEntities": [person(orgUnit="Nowhere0001"), person("TePerson002")]}
    assert codes(client, payload, atomicMode="OBJECT") == ["E1049", "E5000", "E5000"]
    assert client.get("/api/tracker/events/EvPerson002").status_code == 200


def test_deleted_parents(client: Client) -> None:
    """What hangs on something deleted is refused, and what is deleted stays deleted."""
    payload = {"trackedEntities": [person()]}
    assert codes(client, payload) == []
    gone = {"enrollments": [{"enrollment": "EnPerson001"}]}
    assert codes(client, gone, importStrategy="DELETE") == []
    [enrolled] = payload["trackedEntities"][0]["enrollments"]
    [visit] = enrolled["events"]
    assert codes(client, {"events": [{**visit, "event": "EvOther0001", "enrollment": "EnPerson001"}]}) == ["E1081"]
    assert codes(client, {"events": [{**visit, "enrollment": "EnPerson001"}]}) == ["E1082"]
    assert codes(client, {"enrollments": [{**enrolled, "trackedEntity": "TePerson001"}]})[0] == "E1113"
    entity = {"trackedEntities": [{"trackedEntity": "TePerson001"}]}
    assert codes(client, entity, importStrategy="DELETE") == []
    assert codes(client, entity, importStrategy="DELETE") == ["E1114"]
    again = {**enrolled, "enrollment": "EnOther0001", "trackedEntity": "TePerson001", "events": []}
    assert codes(client, {"enrollments": [again]}) == ["E1068"]


def test_cycles_of_relationships(client: Client) -> None:
    """Persons may be linked in a circle, but none to itself and no two twice; the circle can be read."""
    people = {"trackedEntities": [person(f"TePerson00{n}", enrollments=[]) for n in (1, 2, 3)]}
    circle = [linked("TePerson001", "TePerson002"), linked("TePerson002", "TePerson003")]
    assert codes(client, people | {"relationships": [*circle, linked("TePerson003", "TePerson001")]}) == []
    assert codes(client, {"relationships": [linked("TePerson001", "TePerson001")]}) == ["E4000"]
    assert codes(client, {"relationships": [linked("TePerson001", "TePerson002")]}) == ["E4018"]
    found = client.get("/api/tracker/trackedEntities/TePerson001", params={"fields": "relationships"}).json()
    assert len(found["relationships"]) == 2


def test_someone_elses_org_unit(way: HubAccess, pool: Pool) -> None:
    """A user who captures in the north is told E1000 in the south, whatever the authorities at the edge were."""
    with transaction(pool) as session:
        users.create(session, "nurse", "Words-of-123", doc={"organisationUnits": [{"id": "OuNorth0000"}]})
    nurse = client_of(way, [], "nurse")
    assert codes(nurse, {"trackedEntities": [person()]}) == []
    away = person("TePerson002", orgUnit="OuClinicC00", enrollments=[])
    assert codes(nurse, {"trackedEntities": [away]}) == ["E1000"]
    assert codes(nurse, {"trackedEntities": [{"trackedEntity": "TePerson001"}]}, importStrategy="DELETE") == ["E1100"]


def test_closed_org_units_take_data_as_in_dhis2(client: Client) -> None:
    """DHIS2 has no code for an org unit that is closed: its importer takes what clients still send."""
    closed = {"id": "OuClinicB00", "name": "Clinic Birch", "shortName": "Birch", "openingDate": "2010-05-01"}
    closed |= {"closedDate": "2020-01-01", "parent": {"id": "OuNorth0000"}, "code": "CLINIC_B"}
    assert client.post("/api/metadata", json={"organisationUnits": [closed]}).status_code == 200
    assert codes(client, {"trackedEntities": [person(orgUnit="OuClinicB00", enrollments=[])]}) == []


def test_lists_of_the_wrong_shape(client: Client) -> None:
    """What is no list of objects is no payload."""
    for payload in ({"trackedEntities": [person(attributes={"a": 1})]}, {"events": [{"dataValues": ["x"]}]}):
        assert client.post("/api/tracker", json=payload, params={"async": "false"}).status_code == 400
    answer = client.post("/api/tracker", json={"events": [{"attributeCategoryOptions": 7}]}, params={"async": "false"})
    assert "separated by commas" in answer.json()["message"]
    answer = client.post("/api/tracker", json={"events": [{"program": 7}]}, params={"async": "false"})
    assert "names the object" in answer.json()["message"]
