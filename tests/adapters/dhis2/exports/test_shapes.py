"""What is in an answer: default fields, parts on demand, relationships of every kind and direction, pagers."""

from typing import Any

import pytest

from adapters.dhis2.exports.parts import read_parts
from adapters.dhis2.fields import parse_fields
from tests.adapters.dhis2.conftest import Client
from tests.adapters.dhis2.exports import people as p
from tests.adapters.dhis2.exports.conftest import Ward
from tests.adapters.dhis2.samples import person
from tracker_core.tracker.documents import Parts

TRACKER = "/api/tracker"


@pytest.fixture
def linked(client: Client) -> Client:
    """Ada lives in a household and is Ben's parent; her enrollment was sampled at a water point."""
    house = {
        "trackedEntity": "TeHouse0001",
        "trackedEntityType": "TtHouse0000",
        "orgUnit": p.CLINICS[0],
        "attributes": [{"attribute": p.VILLAGE, "value": "Oak"}],
    }
    well = {
        "event": "EvWater0001",
        "program": p.WATER,
        "programStage": p.WATER_STAGE,
        "orgUnit": p.CLINICS[0],
        "occurredAt": "2024-03-02",
        "status": "ACTIVE",
    }
    ada, ben = {"trackedEntity": {"trackedEntity": "TePerson001"}}, {"trackedEntity": {"trackedEntity": "TePerson002"}}
    links = [
        relationship("ReLives0001", "RtLives0000", ada, {"trackedEntity": {"trackedEntity": "TeHouse0001"}}),
        relationship("ReParent001", "RtParent000", ada, ben, createdAtClient="2024-03-01T10:00:00.000"),
        relationship(
            "ReSample001",
            "RtSample000",
            {"enrollment": {"enrollment": "EnPerson001"}},
            {"event": {"event": "EvWater0001"}},
        ),
    ]
    payload = {"trackedEntities": [person(), person("TePerson002"), house], "events": [well], "relationships": links}
    answer = client.post(TRACKER, json=payload, params={"async": "false"})
    assert answer.status_code == 200, answer.text
    return client


def relationship(uid: str, type: str, source: Any, target: Any, **more: Any) -> dict[str, Any]:
    """A relationship to import."""
    return {"relationship": uid, "relationshipType": type, "from": source, "to": target, **more}


def get(client: Client, path: str, **parameters: str) -> Any:
    """The answer of a call that must succeed."""
    response = client.get(f"{TRACKER}/{path}", params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def test_relationships_are_found_from_every_side(linked: Client) -> None:
    """Of entities, enrollments and events, in either direction; by default sides are uids."""
    for side, uid, expected in (
        ("trackedEntity", "TePerson001", ["ReParent001", "ReLives0001"]),
        ("trackedEntity", "TeHouse0001", ["ReLives0001"]),
        ("enrollment", "EnPerson001", ["ReSample001"]),
        ("event", "EvWater0001", ["ReSample001"]),
        ("event", "EvPerson001", []),
    ):
        found = get(linked, "relationships", **{side: uid})["relationships"]
        assert [one["relationship"] for one in found] == expected
    assert get(linked, "relationships/ReSample001") == {
        "relationship": "ReSample001",
        "relationshipType": "RtSample000",
        "from": {"enrollment": {"enrollment": "EnPerson001"}},
        "to": {"event": {"event": "EvWater0001"}},
    }
    ordered = get(linked, "relationships", trackedEntity="TePerson001", order="createdAtClient:desc")["relationships"]
    assert [one["relationship"] for one in ordered] == ["ReParent001", "ReLives0001"]


def test_sides_come_whole_when_asked_for(linked: Client) -> None:
    """As the Capture app asks: attributes of persons, values of events, the relationship's name."""
    whole = get(linked, "relationships", event="EvWater0001", fields="from,to,relationshipType,relationship,createdAt")
    [one] = whole["relationships"]
    assert one["from"]["enrollment"]["status"] == "ACTIVE"
    assert one["to"]["event"]["programStage"] == p.WATER_STAGE
    fields = "relationshipName,bidirectional,to[trackedEntity[trackedEntity,orgUnit,attributes[value]]]"
    one = get(linked, "relationships/ReLives0001", fields=fields)
    assert one == {
        "relationshipName": "Lives in",
        "bidirectional": True,
        "to": {
            "trackedEntity": {
                "trackedEntity": "TeHouse0001",
                "orgUnit": p.CLINICS[0],
                "attributes": [{"value": "Oak"}],
            }
        },
    }
    nested = get(linked, "trackedEntities/TePerson002", fields="relationships[from[trackedEntity[attributes[value]]]]")
    assert nested["relationships"] == [{"from": {"trackedEntity": {"attributes": [{"value": "Ada"}]}}}]


def test_deleted_relationships_show_only_when_asked_for(linked: Client) -> None:
    """`includeDeleted`; a single one that is deleted is not found."""
    gone = {"relationships": [{"relationship": "ReParent001"}]}
    linked.post(TRACKER, json=gone, params={"async": "false", "importStrategy": "DELETE"})
    assert len(get(linked, "relationships", trackedEntity="TePerson001")["relationships"]) == 1
    found = get(linked, "relationships", trackedEntity="TePerson001", includeDeleted="true", fields="deleted")
    assert [one["deleted"] for one in found["relationships"]] == [True, False]
    assert linked.get(f"{TRACKER}/relationships/ReParent001").status_code == 404


def test_default_fields_leave_out_what_is_costly(linked: Client) -> None:
    """What has no value is left out at any depth."""
    [entity] = get(linked, "trackedEntities", trackedEntities="TePerson001")["trackedEntities"]
    assert entity.keys().isdisjoint({"relationships", "enrollments", "programOwners", "geometry"})
    [enrollment] = get(linked, "enrollments", enrollments="EnPerson001")["enrollments"]
    assert enrollment.keys().isdisjoint({"relationships", "events", "attributes", "completedAt"})
    [event] = get(linked, "events", events="EvPerson001")["events"]
    assert (event["notes"], event["followUp"], event["enrollmentStatus"]) == ([], False, "ACTIVE")
    assert "relationships" not in event
    whole = get(linked, "enrollments/EnPerson001", fields="*")
    assert {"relationships", "events", "attributes"} <= whole.keys()
    assert all(value is not None for value in whole["events"][0].values())


def test_only_what_is_asked_for_is_read() -> None:
    """The parts to read follow `fields`, at every depth."""
    assert read_parts("trackedEntity", parse_fields("trackedEntity,createdAt"), deleted=False) == Parts(
        attributes=False, data=False, stamps=False, people=False
    )
    parts = read_parts("trackedEntity", parse_fields("enrollments[events[dataValues[value]]]"), deleted=True)
    assert parts.enrollments is not None
    assert parts.enrollments.events is not None
    assert (parts.attributes, parts.relationships, parts.owners, parts.deleted) == (False, False, False, True)
    below = parts.enrollments.events
    assert (parts.enrollments.attributes, below.data, below.stamps, below.relationships) == (False, True, False, False)
    assert read_parts("event", parse_fields("*,!relationships"), deleted=False) == Parts(attributes=False)
    uids = read_parts("relationship", parse_fields("relationship,from[event[event]]"), deleted=False)
    assert uids.sides is None
    whole = read_parts("event", parse_fields("relationships[to[event[dataValues]]]"), deleted=False)
    assert (whole.relationships, whole.sides is not None and whole.sides.data) == (True, True)


def test_the_assigned_user_has_a_name(ward: Ward) -> None:
    """As the working list asks for it."""
    asked = {"program": p.MALARIA, "assignedUserMode": "PROVIDED", "assignedUsers": ward.nurse_uid}
    fields = "assignedUser[uid,username,firstName,surname]"
    found = get(ward.root, "events", **asked, fields=fields)["events"]
    assert found
    nurse = {"uid": ward.nurse_uid, "username": "nurse", "firstName": "Nora", "surname": "Nurse"}
    assert all(event["assignedUser"] == nurse for event in found)


def test_what_was_updated_lately_is_found(ward: Ward) -> None:
    """Durations count back from now, in both spellings."""
    for within, expected in (("P1D", 16), ("PT2H30M", 16), ("1d", 16), ("PT0S", 0)):
        asked = {
            "trackedEntityType": p.PERSON,
            "updatedWithin": within,
            "fields": "trackedEntity",
            "totalPages": "true",
        }
        assert get(ward.root, "trackedEntities", **asked)["pager"]["total"] == expected


def test_every_parameter_stays_in_the_links_between_pages(ward: Ward) -> None:
    """Repeated filters too, with their escapes."""
    pairs = [
        ("program", p.MALARIA),
        ("filter", f"{p.GIVEN}:ne:Ana/, Lu"),
        ("filter", f"{p.GIVEN}:!null"),
        ("pageSize", "2"),
        ("page", "2"),
    ]
    response = ward.root.get(f"{TRACKER}/trackedEntities", params=pairs)
    pager = response.json()["pager"]
    assert pager.keys() == {"page", "pageSize", "nextPage", "prevPage"}
    third = ward.root.get(pager["nextPage"]).json()
    assert third["pager"]["page"] == 3
    assert ward.root.get(third["pager"]["prevPage"]).json() == response.json()


def test_orders_by_users_and_places(ward: Ward) -> None:
    """Properties that stand in other tables order a list as well."""
    events = get(ward.root, "events", program=p.MALARIA, fields="*", paging="false")["events"]
    for name in ("orgUnit", "programStage", "enrollment", "trackedEntity", "createdBy", "updatedBy", "storedBy"):
        ordered = get(ward.root, "events", program=p.MALARIA, paging="false", order=f"{name},event", fields="*")
        assert ordered["events"] == sorted(events, key=lambda e: (_text(e[name]), e["event"]))
    for name in ("assignedUserDisplayName", "attributeOptionCombo", "completedBy", "deleted", "followUp", "enrolledAt"):
        found = get(ward.root, "events", program=p.MALARIA, paging="false", order=f"{name}:desc", fields="event")
        assert len(found["events"]) == len(events)
    entities = get(
        ward.root, "trackedEntities", program=p.MALARIA, order="enrolledAt", fields="enrollments[enrolledAt]"
    )
    days = [entity["enrollments"][0]["enrolledAt"] for entity in entities["trackedEntities"]]
    assert days == sorted(days)


def _text(value: Any) -> str:
    return value["username"] if isinstance(value, dict) else value


def test_an_option_combo_is_chosen_by_its_options(ward: Ward) -> None:
    """The default combination is that of every event which names none."""
    asked = {"program": p.WATER, "attributeCategoryCombo": "bjDvmb4bfuf", "attributeCategoryOptions": "xYerKDKCefk"}
    assert len(get(ward.root, "events", **asked)["events"]) == 5
