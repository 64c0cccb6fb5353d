"""The Capture app works on an enrollment: events, scheduling, notes, the follow-up flag."""

from typing import Any

import pytest

from tests.contracts.dhis2.conftest import Hub, Registered
from tests.contracts.dhis2.district import BIRTH, EVENT_STAGE, EVENTS, FIRST, ONE, PROGRAM, VACCINE, WEIGHT
from tests.contracts.dhis2.shapes import lacking
from tracker_core.uids import new_uid

TRACKER = "/api/42/tracker"
USER = {"uid": "userAdminaa", "username": "admin", "firstName": "Ada", "surname": "Min"}
EVENT = (
    "event,status,program,programStage,enrollment,trackedEntity,orgUnit,scheduledAt,occurredAt,attributeOptionCombo,"
    "attributeCategoryOptions,followUp,deleted,createdAt,updatedAt,createdBy,updatedBy,notes,dataValues"
)


def send(hub: Hub, payload: dict[str, Any], parameters: str = "") -> dict[str, Any]:
    """POST to the tracker and wait; return the report of a success."""
    answer = hub.admin.post(f"{TRACKER}?async=false{parameters}", json=payload)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def event(hub: Hub, uid: str, fields: str = "") -> dict[str, Any]:
    """GET one event."""
    answer = hub.admin.get(f"{TRACKER}/events/{uid}", params={"fields": fields} if fields else {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def values(found: dict[str, Any]) -> dict[str, str]:
    """The data values of an event by data element."""
    return {one["dataElement"]: one["value"] for one in found["dataValues"]}


def vaccination(registered: Registered, **more: Any) -> dict[str, Any]:
    """A new vaccination as the report tab sends it, with what the app adds and the server ignores."""
    return {
        "orgUnit": ONE,
        "occurredAt": "2024-11-10",
        "notes": [],
        "status": "ACTIVE",
        "event": new_uid(),
        "program": PROGRAM,
        "programStage": VACCINE,
        "orgUnitName": "Facility A",
        "trackedEntity": registered.entity,
        "enrollment": registered.enrollment,
        "updatedAt": "2024-11-23T08:35:57",
        "dataValues": [{"dataElement": WEIGHT, "value": "5.0"}],
        **more,
    }


def opened(registered: Registered, **more: Any) -> dict[str, Any]:
    """The generated event as the edit form sends it back, read-only properties included."""
    return {
        "attributeCategoryOptions": "",
        "status": "ACTIVE",
        "scheduledAt": "2024-11-01",
        "event": registered.event,
        "programStage": BIRTH,
        "program": PROGRAM,
        "orgUnit": ONE,
        "enrollment": registered.enrollment,
        "trackedEntity": registered.entity,
        "createdAt": "2024-11-23T08:00:00.000Z",
        "updatedAt": "2024-11-23T08:00:00.000",
        "createdBy": USER,
        "updatedBy": USER,
        "followUp": False,
        "deleted": False,
        "notes": [],
        "occurredAt": "2024-11-02",
        "geometry": None,
        "dataValues": [{"dataElement": WEIGHT, "value": "3.2"}],
        **more,
    }


def test_an_event_opens(hub: Hub, registered: Registered) -> None:
    """8.01 to 8.05: the event whole, its place, its relationships, its person."""
    found = event(hub, registered.event)
    assert lacking(found, EVENT, absent={"occurredAt"}) == []
    place = event(hub, registered.event, "program,programStage,enrollment,trackedEntity,event")
    assert place == {
        "program": PROGRAM,
        "programStage": BIRTH,
        "enrollment": registered.enrollment,
        "trackedEntity": registered.entity,
        "event": registered.event,
    }
    asked = f"/relationships?event={registered.event}&fields=from,to,relationshipType,relationship,createdAt"
    links = hub.admin.get(TRACKER + asked)
    assert (links.status_code, links.json()["relationships"]) == (200, [])
    person = hub.admin.get(
        f"{TRACKER}/trackedEntities/{registered.entity}?fields=attributes,trackedEntityType&program={PROGRAM}"
    ).json()
    assert lacking(person, "attributes[attribute,value],trackedEntityType") == []
    assert event(hub, registered.event, "event,relationships[relationship,from[event[event]]]")["relationships"] == []


def test_an_event_is_saved(hub: Hub, registered: Registered) -> None:
    """9.01 to 9.03: read-only properties are ignored, values not sent stay, a cleared one goes."""
    report = send(hub, {"events": [opened(registered)]}, "&importStrategy=UPDATE")
    assert report["stats"]["updated"] == 1
    found = event(hub, registered.event)
    assert (found["status"], found["occurredAt"]) == ("ACTIVE", "2024-11-02T00:00:00.000")
    assert values(found) == {WEIGHT: "3.2"}
    assert found["createdBy"]["username"] == "admin"
    assert found["createdBy"]["uid"] != USER["uid"]
    send(hub, {"events": [opened(registered, dataValues=[])]}, "&importStrategy=UPDATE")
    assert values(event(hub, registered.event)) == {WEIGHT: "3.2"}
    cleared = [{"dataElement": WEIGHT, "value": ""}]
    send(hub, {"events": [opened(registered, dataValues=cleared)]}, "&importStrategy=UPDATE")
    assert values(event(hub, registered.event)) == {}
    linked = hub.admin.get(f"{TRACKER}/enrollments/{registered.enrollment}?fields=trackedEntity,program")
    assert linked.json() == {"trackedEntity": registered.entity, "program": PROGRAM}


def test_a_wrong_value_is_refused_with_its_message(hub: Hub, registered: Registered) -> None:
    """The app shows the message of each error report; the stored event is as it was."""
    wrong = [{"dataElement": WEIGHT, "value": "heavy"}]
    answer = hub.admin.post(
        f"{TRACKER}?async=false&importStrategy=UPDATE", json={"events": [opened(registered, dataValues=wrong)]}
    )
    assert answer.status_code == 409
    [error] = answer.json()["validationReport"]["errorReports"]
    assert (error["errorCode"], error["uid"], error["trackerType"]) == ("E1302", registered.event, "EVENT")
    assert event(hub, registered.event)["status"] == "SCHEDULE"


def test_a_new_event_is_reported(hub: Hub, registered: Registered) -> None:
    """13.01: the client's uid is kept and matched in the report; `orgUnitName` is ignored."""
    sent = vaccination(registered)
    report = send(hub, {"events": [sent]})
    made = report["bundleReport"]["typeReportMap"]["EVENT"]["objectReports"]
    assert [one["uid"] for one in made] == [sent["event"]]
    found = event(hub, sent["event"])
    assert lacking(found, EVENT, absent={"scheduledAt"}) == []
    assert values(found) == {WEIGHT: "5.0"}


def test_an_event_is_scheduled_and_counted(hub: Hub, registered: Registered) -> None:
    """13.04, 13.05: both bounds count, `paging=false` gives all of the day."""
    day = "2034-12-10"
    due = vaccination(registered, status="SCHEDULE", scheduledAt=day, dataValues=[])
    del due["occurredAt"]
    send(hub, {"events": [due]})
    asked = (
        f"/events?orgUnit={ONE}&program={PROGRAM}&scheduledAfter={day}&scheduledBefore={day}&paging=false"
        "&status=SCHEDULE&orgUnitMode=SELECTED&fields=scheduledAt"
    )
    listed = hub.admin.get(TRACKER + asked)
    assert listed.json() == {"events": [{"scheduledAt": f"{day}T00:00:00.000"}]}


@pytest.mark.parametrize("kind", ["enrollments", "events"])
def test_a_note_is_kept(hub: Hub, registered: Registered, kind: str) -> None:
    """13.06, 13.07: read back with its author from the enrollment or event."""
    uid = registered.enrollment if kind == "enrollments" else registered.event
    answer = hub.admin.post(f"{TRACKER}/{kind}/{uid}/note", json={"value": "hello"})
    assert answer.status_code == 200, answer.text
    fields = "notes[note,value,storedAt,createdBy[uid,firstName,surname]]"
    found = hub.admin.get(f"{TRACKER}/{kind}/{uid}?fields={fields}").json()
    assert lacking(found, fields) == []
    assert [note["value"] for note in found["notes"]] == ["hello"]


def whole_enrollment(hub: Hub, registered: Registered, **more: Any) -> dict[str, Any]:
    """The enrollment with its events and attributes, as the app sends it back."""
    path = f"{TRACKER}/enrollments/{registered.enrollment}?fields=*,attributes,events"
    return {**hub.admin.get(path).json(), **more}


def test_the_follow_up_flag_is_set_with_the_whole_enrollment(hub: Hub, registered: Registered) -> None:
    """13.08: only the flag changes; an unchanged nested event is not counted as changed, empty lists delete nothing."""
    hub.admin.post(f"{TRACKER}/enrollments/{registered.enrollment}/note", json={"value": "stays"})
    before = event(hub, registered.event)
    sent = whole_enrollment(hub, registered, followUp=True, notes=[], relationships=[])
    report = send(hub, {"enrollments": [sent]}, "&importStrategy=UPDATE")
    assert report["validationReport"]["errorReports"] == []
    found = hub.admin.get(f"{TRACKER}/enrollments/{registered.enrollment}?fields=followUp,notes,status").json()
    assert (found["followUp"], [note["value"] for note in found["notes"]]) == (True, ["stays"])
    after = event(hub, registered.event)
    assert (after["followUp"], after["updatedAt"]) == (True, before["updatedAt"])


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
def test_an_enrollment_is_ended(hub: Hub, registered: Registered, status: str) -> None:
    """Its status and the time of completion are the server's to set."""
    sent = whole_enrollment(hub, registered, status=status)
    send(hub, {"enrollments": [sent]}, "&importStrategy=UPDATE")
    found = hub.admin.get(f"{TRACKER}/enrollments/{registered.enrollment}").json()
    assert (found["status"], "completedAt" in found) == (status, status == "COMPLETED")


def test_an_event_is_assigned(hub: Hub, registered: Registered) -> None:
    """The whole event with `assignedUser`, in a stage that allows it."""
    assigned = {"username": "nurse"}
    send(hub, {"events": [opened(registered, assignedUser=assigned)]}, "&importStrategy=UPDATE")
    found = event(hub, registered.event, "assignedUser[uid,username,firstName,surname]")
    assert lacking(found, "assignedUser[uid,username,firstName,surname]") == []
    assert found["assignedUser"]["surname"] == "Nurse"


def test_an_event_is_skipped_and_deleted(hub: Hub, registered: Registered) -> None:
    """Skipped by its status; deleted by its uid alone, and gone afterwards."""
    send(hub, {"events": [opened(registered, status="SKIPPED", dataValues=[])]}, "&importStrategy=UPDATE")
    assert event(hub, registered.event)["status"] == "SKIPPED"
    report = send(hub, {"events": [{"event": registered.event}]}, "&importStrategy=DELETE")
    assert report["stats"]["deleted"] == 1
    assert hub.admin.get(f"{TRACKER}/events/{registered.event}").status_code == 404


def test_a_person_is_deactivated_and_deleted(hub: Hub, registered: Registered) -> None:
    """The flag comes back; a deletion takes enrollment and event along."""
    whole = hub.admin.get(f"{TRACKER}/trackedEntities/{registered.entity}?fields=*").json()
    send(hub, {"trackedEntities": [{**whole, "inactive": True}]}, "&importStrategy=UPDATE")
    assert hub.admin.get(f"{TRACKER}/trackedEntities/{registered.entity}?fields=inactive").json() == {"inactive": True}
    send(hub, {"trackedEntities": [{"trackedEntity": registered.entity}]}, "&importStrategy=DELETE")
    for path in (
        f"trackedEntities/{registered.entity}",
        f"enrollments/{registered.enrollment}",
        f"events/{registered.event}",
    ):
        assert hub.admin.get(f"{TRACKER}/{path}").status_code == 404


def test_an_event_program_lists_and_saves(hub: Hub) -> None:
    """14.02, 14.03: an event without uid and status gets both; the list has its columns."""
    sent = {
        "orgUnit": ONE,
        "occurredAt": "2024-11-10",
        "notes": [],
        "program": EVENTS,
        "programStage": EVENT_STAGE,
        "dataValues": [{"dataElement": WEIGHT, "value": "50"}],
    }
    [made] = send(hub, {"events": [sent]})["bundleReport"]["typeReportMap"]["EVENT"]["objectReports"]
    fields = (
        "event,program,programStage,status,occurredAt,orgUnit,assignedUser[uid,username,firstName,surname],"
        "dataValues[dataElement,value]"
    )
    listed = hub.admin.get(
        f"{TRACKER}/events?page=1&pageSize=15&program={EVENTS}&orgUnit={ONE}&programStage={EVENT_STAGE}"
        f"&orgUnitMode=SELECTED&order=occurredAt:desc&fields={fields}"
    ).json()
    assert lacking(listed["events"], fields, absent={"assignedUser"}) == []
    [found] = [one for one in listed["events"] if one["event"] == made["uid"]]
    assert (found["status"], values(found)) == ("ACTIVE", {WEIGHT: "50"})


def test_the_stage_list_filters_by_the_persons_attributes(hub: Hub, registered: Registered) -> None:
    """The program stage's working list, then the persons of its rows."""
    send(hub, {"events": [vaccination(registered)]})
    fields = (
        "event,status,program,enrollment,trackedEntity,occurredAt,scheduledAt,orgUnit,"
        "assignedUser[uid,username,firstName,surname],dataValues[dataElement,value]"
    )
    listed = hub.admin.get(
        f"{TRACKER}/events?page=1&pageSize=15&program={PROGRAM}&programStage={VACCINE}&orgUnit={ONE}"
        f"&orgUnitMode=SELECTED&filter={WEIGHT}:ge:5&filterAttributes={FIRST}:like:am&fields={fields}"
    ).json()
    assert lacking(listed["events"], fields, absent={"assignedUser", "scheduledAt"}) == []
    assert registered.entity in [one["trackedEntity"] for one in listed["events"]]
    fields = "trackedEntity,createdAt,attributes[attribute,value],programOwners[orgUnit],enrollments[enrollment]"
    persons = hub.admin.get(
        f"{TRACKER}/trackedEntities?program={PROGRAM}&pageSize=15&trackedEntities={registered.entity}&fields={fields}"
    ).json()
    assert lacking(persons["trackedEntities"], fields) == []
    assert len(persons["trackedEntities"]) == 1
