"""Working lists of the three kinds: saved, shared, found by program, and their criteria applied to the lists."""

from typing import Any

import pytest

from tests.contracts.dhis2.conftest import Hub, register
from tests.contracts.dhis2.district import BIRTH, EVENT_STAGE, EVENTS, FIRST, ONE, PROGRAM, VACCINE, WEIGHT
from tests.contracts.dhis2.shapes import lacking
from tests.contracts.dhis2.test_working import TRACKER, send, vaccination

API = "/api/42"
ENTITIES, STAGES, EVENT_LISTS = "trackedEntityInstanceFilters", "programStageWorkingLists", "eventFilters"
ENTITY_LIST: dict[str, Any] = {
    "name": "Active Aminas",
    "program": {"id": PROGRAM},
    "sortOrder": 1,
    "style": {"icon": "clock"},
    "entityQueryCriteria": {
        "displayColumnOrder": [FIRST, "regUnit"],
        "order": "createdAt:desc",
        "assignedUserMode": "ANY",
        "enrollmentStatus": "ACTIVE",
        "followUp": "false",
        "enrollmentCreatedDate": {"type": "ABSOLUTE", "startDate": "2024-01-01", "endDate": "2024-12-31"},
        "attributeValueFilters": [{"attribute": FIRST, "like": "Amin"}],
    },
}
STAGE_LIST: dict[str, Any] = {
    "name": "Heavy ones",
    "program": {"id": PROGRAM},
    "programStage": {"id": VACCINE},
    "programStageQueryCriteria": {
        "displayColumnOrder": ["occurredAt", WEIGHT],
        "order": "occurredAt:desc",
        "eventStatus": "ACTIVE",
        "enrollmentStatus": "ACTIVE",
        "eventOccurredAt": {"type": "RELATIVE", "period": "TODAY"},
        "dataFilters": [{"dataItem": WEIGHT, "ge": "5", "lt": "6"}],
        "attributeValueFilters": [{"attribute": FIRST, "sw": "Am"}],
    },
}
EVENT_LIST: dict[str, Any] = {
    "name": "Outreach of November",
    "program": EVENTS,
    "programStage": EVENT_STAGE,
    "eventQueryCriteria": {
        "displayColumnOrder": ["eventDate", WEIGHT],
        "order": "occurredAt:desc",
        "organisationUnit": ONE,
        "ouMode": "SELECTED",
        "status": "ACTIVE",
        "eventDate": {"type": "ABSOLUTE", "startDate": "2024-11-01", "endDate": "2024-11-30"},
        "dataFilters": [{"dataItem": WEIGHT, "ge": "50"}],
    },
}
KINDS = [(ENTITIES, ENTITY_LIST), (STAGES, STAGE_LIST), (EVENT_LISTS, EVENT_LIST)]


def create(hub: Hub, type: str, body: dict[str, Any]) -> str:
    """Save a view; return its uid."""
    answer = hub.admin.post(f"{API}/{type}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["response"]["uid"])


@pytest.mark.parametrize(("type", "body"), KINDS)
def test_a_view_is_saved_replaced_and_deleted(hub: Hub, type: str, body: dict[str, Any]) -> None:
    """A create answers `response.uid`; the criteria come back as they were saved."""
    uid = create(hub, type, {**body, "name": f"Kept as {type}"})
    [name] = [key for key in body if key.endswith("Criteria")]
    fields = f"id,displayName,{name},access,sharing"
    found = hub.admin.get(f"{API}/{type}/{uid}?fields={fields}").json()
    assert lacking(found, fields) == []
    assert found[name] == body[name]
    whole = hub.admin.get(f"{API}/{type}/{uid}?fields=:owner").json()
    assert hub.admin.put(f"{API}/{type}/{uid}", json={**whole, "name": "Renamed"}).status_code == 200
    assert hub.admin.get(f"{API}/{type}/{uid}?fields=displayName").json() == {"displayName": "Renamed"}
    assert hub.admin.delete(f"{API}/{type}/{uid}").status_code == 200
    assert hub.admin.get(f"{API}/{type}/{uid}").status_code == 404


def test_views_are_found_by_their_program(hub: Hub) -> None:
    """5.02, 5.04, 10.01, 10.02, 14.01: each kind with the filter and the fields that the app sends."""
    uids = [create(hub, type, {**body, "name": f"Found as {type}"}) for type, body in KINDS]
    for type, uid, asked, fields in (
        (ENTITIES, uids[0], f"program.id:eq:{PROGRAM}", "id,displayName,sortOrder,entityQueryCriteria,access,sharing"),
        (STAGES, uids[1], f"program.id:eq:{PROGRAM}", "id,displayName,programStage,programStageQueryCriteria,access"),
        (EVENT_LISTS, uids[2], f"program:eq:{EVENTS}", "id,displayName,eventQueryCriteria,access,sharing"),
    ):
        listed = hub.admin.get(f"{API}/{type}?filter={asked}&fields={fields}").json()[type]
        [found] = [one for one in listed if one["id"] == uid]
        assert lacking(found, fields) == []
        elsewhere = asked.replace(PROGRAM, "prNothing00").replace(EVENTS, "prNothing00")
        assert hub.admin.get(f"{API}/{type}?filter={elsewhere}&fields=id").json()[type] == []


@pytest.mark.parametrize(
    ("type", "body"), [("trackedEntityInstanceFilter", KINDS[0]), ("programStageWorkingList", KINDS[1])]
)
def test_a_view_is_shared(hub: Hub, type: str, body: tuple[str, dict[str, Any]]) -> None:
    """Read and written through `sharing`, with the properties that the dialog reads."""
    uid = create(hub, body[0], {**body[1], "name": f"Shared {type}"})
    path = f"{API}/sharing?type={type}&id={uid}"
    found = hub.admin.get(path).json()
    fields = "object[externalAccess,publicAccess,userAccesses,userGroupAccesses]"
    assert lacking(found, fields) == []
    changed = {**found, "object": {**found["object"], "publicAccess": "r-------"}}
    assert hub.admin.put(path, json=changed).status_code == 200
    assert hub.admin.get(path).json()["object"]["publicAccess"] == "r-------"


@pytest.mark.parametrize(
    ("type", "criteria", "code"),
    [
        (ENTITIES, {"attributeValueFilters": [{"like": "x"}]}, "E4067"),
        (ENTITIES, {"attributeValueFilters": [{"attribute": "teaMissing0", "like": "x"}]}, "E4068"),
        (ENTITIES, {"assignedUserMode": "PROVIDED"}, "E4063"),
        (ENTITIES, {"enrollmentCreatedDate": {"type": "ABSOLUTE"}}, "E4062"),
        (STAGES, {"dataFilters": [{"ge": "1"}]}, "E4065"),
        (STAGES, {"dataFilters": [{"dataItem": "deMissing00", "ge": "1"}]}, "E4066"),
        (EVENT_LISTS, {"ouMode": "SELECTED"}, "E4064"),
    ],
)
def test_criteria_that_cannot_be_carried_out_are_refused(
    hub: Hub, type: str, criteria: dict[str, Any], code: str
) -> None:
    """409 with DHIS2's code, and nothing is saved."""
    body = dict(KINDS)[type]
    [name] = [key for key in body if key.endswith("Criteria")]
    answer = hub.admin.post(f"{API}/{type}", json={**body, "name": f"Wrong {code}", name: criteria})
    assert answer.status_code == 409, answer.text
    assert code in [error["errorCode"] for error in answer.json()["response"]["errorReports"]]


def test_a_view_needs_a_program_that_exists(hub: Hub) -> None:
    """A reference that leads nowhere is refused."""
    answer = hub.admin.post(f"{API}/{ENTITIES}", json={**ENTITY_LIST, "program": {"id": "prNothing00"}})
    assert answer.status_code == 409


def test_the_criteria_of_an_entity_list_are_parameters_of_the_list(hub: Hub) -> None:
    """Status, follow-up, days of enrollment and attribute filters together find whom they should."""
    kept, done = register(hub), register(hub, status="COMPLETED")
    asked = (
        f"program={PROGRAM}&orgUnits={ONE}&orgUnitMode=SELECTED&order=createdAt:desc"
        "&enrollmentStatus=ACTIVE&followUp=false&enrollmentEnrolledAfter=2024-01-01&enrollmentEnrolledBefore=2024-12-31"
        f"&filter={FIRST}:like:Amin&fields=trackedEntity&pageSize=200"
    )
    listed = hub.admin.get(f"{TRACKER}/trackedEntities?{asked}").json()["trackedEntities"]
    found = {one["trackedEntity"] for one in listed}
    assert (kept.entity in found, done.entity in found) == (True, False)


def test_the_criteria_of_a_stage_list_are_parameters_of_the_list(hub: Hub) -> None:
    """Both statuses, the days of the event, value and attribute filters with two bounds."""
    person = register(hub)
    light, heavy = vaccination(person), vaccination(person)
    heavy["dataValues"][0] = {"dataElement": WEIGHT, "value": "7"}
    send(hub, {"events": [light, heavy]})
    asked = (
        f"program={PROGRAM}&programStage={VACCINE}&orgUnit={ONE}&orgUnitMode=SELECTED&order=occurredAt:desc"
        "&status=ACTIVE&enrollmentStatus=ACTIVE&occurredAfter=2024-11-10&occurredBefore=2024-11-10"
        f"&filter={WEIGHT}:ge:5:lt:6&filterAttributes={FIRST}:sw:Am&fields=event&pageSize=200"
    )
    found = {one["event"] for one in hub.admin.get(f"{TRACKER}/events?{asked}").json()["events"]}
    assert (light["event"] in found, heavy["event"] in found) == (True, False)
    generated = asked.replace(VACCINE, BIRTH)
    assert hub.admin.get(f"{TRACKER}/events?{generated}").json()["events"] == []


def test_the_criteria_of_an_event_list_are_parameters_of_the_list(hub: Hub) -> None:
    """Org unit, status, days and values of an event program."""
    sent = {
        "orgUnit": ONE,
        "occurredAt": "2024-11-10",
        "program": EVENTS,
        "programStage": EVENT_STAGE,
        "dataValues": [{"dataElement": WEIGHT, "value": "50"}],
    }
    send(hub, {"events": [sent]})
    asked = (
        f"program={EVENTS}&programStage={EVENT_STAGE}&orgUnit={ONE}&orgUnitMode=SELECTED&order=occurredAt:desc"
        f"&status=ACTIVE&occurredAfter=2024-11-01&occurredBefore=2024-11-30&filter={WEIGHT}:ge:50&fields=event"
    )
    assert len(hub.admin.get(f"{TRACKER}/events?{asked}").json()["events"]) == 1
    assert hub.admin.get(f"{TRACKER}/events?{asked.replace(':50', ':51')}").json()["events"] == []
