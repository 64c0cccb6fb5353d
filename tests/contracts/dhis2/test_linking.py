"""The Capture app links persons and events, hands persons over, and acts on many at once."""

import pytest

from tests.contracts.dhis2.conftest import Hub, Registered, register
from tests.contracts.dhis2.district import ONE, PROGRAM, REFERRAL, SIBLING, TWO, VACCINE, WEIGHT
from tests.contracts.dhis2.shapes import lacking
from tests.contracts.dhis2.test_working import TRACKER, event, opened, send, vaccination, values
from tracker_core.uids import new_uid

SIDE = (
    "[trackedEntity[trackedEntity,attributes,program,orgUnit,trackedEntityType],"
    "event[event,dataValues,program,orgUnit,orgUnitName,status,createdAt]]"
)
LINK = f"relationship,relationshipType,createdAt,from{SIDE},to{SIDE}"
PERSON = (
    "from[trackedEntity[trackedEntity,attributes,orgUnit,trackedEntityType]],"
    "to[trackedEntity[trackedEntity,attributes]]"
)


def relate(hub: Hub, first: str, second: str) -> str:
    """Make two children siblings; return the relationship's uid, which the client chose."""
    sides = {"from": {"trackedEntity": {"trackedEntity": first}}, "to": {"trackedEntity": {"trackedEntity": second}}}
    sent = {"relationship": new_uid(), "relationshipType": SIBLING, **sides}
    report = send(hub, {"relationships": [sent]}, "&importStrategy=CREATE")
    made = report["bundleReport"]["typeReportMap"]["RELATIONSHIP"]["objectReports"]
    assert [one["uid"] for one in made] == [sent["relationship"]]
    return str(sent["relationship"])


def test_a_relationship_is_shown_on_both_sides(hub: Hub, registered: Registered) -> None:
    """Each side is given whole enough for its columns; deleting it ends it on both."""
    other = register(hub)
    link = relate(hub, registered.entity, other.entity)
    for side in (registered.entity, other.entity):
        asked = f"{TRACKER}/relationships?trackedEntity={side}&paging=false&fields={LINK}"
        [found] = hub.admin.get(asked).json()["relationships"]
        assert lacking(found, f"relationship,relationshipType,createdAt,{PERSON}") == []
        assert found["relationship"] == link
        assert found["from"]["trackedEntity"]["trackedEntity"] == registered.entity
    assert hub.admin.get(f"{TRACKER}/relationships/{link}").json()["relationshipType"] == SIBLING
    report = send(hub, {"relationships": [{"relationship": link}]}, "&importStrategy=DELETE")
    assert report["stats"]["deleted"] == 1
    gone = hub.admin.get(f"{TRACKER}/relationships?trackedEntity={other.entity}&paging=false&fields={LINK}")
    assert gone.json()["relationships"] == []


def test_an_event_and_its_relationship_come_together(hub: Hub, registered: Registered) -> None:
    """A linked event: both in one payload, both uids in the report; read from the event's side too."""
    sent = vaccination(registered)
    link = {
        "relationship": new_uid(),
        "relationshipType": REFERRAL,
        "from": {"trackedEntity": {"trackedEntity": registered.entity}},
        "to": {"event": {"event": sent["event"]}},
    }
    report = send(hub, {"events": [sent], "relationships": [link]}, "&importStrategy=CREATE_AND_UPDATE")
    types = report["bundleReport"]["typeReportMap"]
    assert types["EVENT"]["objectReports"][0]["uid"] == sent["event"]
    assert types["RELATIONSHIP"]["objectReports"][0]["uid"] == link["relationship"]
    fields = "event,relationships[relationship,relationshipType,relationshipName,bidirectional,from,to]"
    found = event(hub, sent["event"], fields)
    assert lacking(found, fields) == []
    assert found["relationships"][0]["to"]["event"]["event"] == sent["event"]
    related = hub.admin.get(
        f"{TRACKER}/events?program={PROGRAM}&programStage={VACCINE}&enrollments={registered.enrollment}"
        "&fields=event,occurredAt,scheduledAt,status,relationships"
    ).json()["events"]
    assert lacking(related, "event,occurredAt,status,relationships[relationship]") == []


def test_a_double_slash_in_the_path_is_one(hub: Hub, registered: Registered) -> None:
    """The app's mutation may start with a slash of its own."""
    answer = hub.admin.post("/api/42//tracker?async=false&importStrategy=UPDATE", json={"events": [opened(registered)]})
    assert answer.status_code == 200, answer.text


def test_a_person_is_handed_over(hub: Hub, registered: Registered) -> None:
    """Transfer: the new owner shows at once, and in the list of the other facility."""
    pair = {"program": PROGRAM, "trackedEntity": registered.entity}
    answer = hub.admin.put(f"{TRACKER}/ownership/transfer", params={**pair, "orgUnit": TWO})
    assert (answer.status_code, answer.json()["message"]) == (200, "Ownership transferred")
    found = hub.admin.get(f"{TRACKER}/trackedEntities/{registered.entity}?fields=programOwners[orgUnit]").json()
    assert found == {"programOwners": [{"orgUnit": TWO}]}
    listed = f"{TRACKER}/trackedEntities?program={PROGRAM}&orgUnitMode=SELECTED&fields=trackedEntity&pageSize=100"
    here, there = (hub.admin.get(f"{listed}&orgUnits={unit}").json()["trackedEntities"] for unit in (ONE, TWO))
    assert {"trackedEntity": registered.entity} not in here
    assert {"trackedEntity": registered.entity} in there


def test_many_events_are_completed(hub: Hub, registered: Registered) -> None:
    """Bulk complete: data values are absent and stay; one that fails stays selected, the others are done."""
    good, empty = vaccination(registered), vaccination(registered)
    send(hub, {"events": [good, empty]})
    fields = "*,!completedAt,!completedBy,!dataValues,!relationships"
    asked = f"{TRACKER}/events?fields={fields}&pageSize=100&program={PROGRAM}&events={good['event']},{empty['event']}"
    read = hub.admin.get(asked).json()["events"]
    assert lacking(read, fields) == []
    assert len(read) == 2
    sent = [{**one, "status": "COMPLETED"} for one in read] + [{**read[0], "event": "EvMissing00"}]
    answer = hub.admin.post(f"{TRACKER}?async=false&importStrategy=UPDATE&atomicMode=OBJECT", json={"events": sent})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert [error["uid"] for error in report["validationReport"]["errorReports"]] == ["EvMissing00"]
    assert report["stats"]["updated"] == 2
    done = event(hub, good["event"])
    assert (done["status"], done["completedBy"], values(done)) == ("COMPLETED", "admin", {WEIGHT: "5.0"})


@pytest.mark.parametrize("failing", [False, True])
def test_many_enrollments_are_completed(hub: Hub, registered: Registered, failing: bool) -> None:
    """A trial first (409 when one would fail, with type and uid of each failure), then the same again for good."""
    other = register(hub)
    fields = (
        "trackedEntity,enrollments[*,!attributes,!completedBy,!completedAt,!relationships,"
        "events[*,!dataValues,!completedAt,!completedBy,!relationships]]"
    )
    asked = f"trackedEntities={registered.entity},{other.entity}&pageSize=100"
    read = hub.admin.get(f"{TRACKER}/trackedEntities?program={PROGRAM}&fields={fields}&{asked}").json()
    assert lacking(read["trackedEntities"], fields) == []
    enrollments = [
        {**enrolled, "status": "COMPLETED"} for one in read["trackedEntities"] for enrolled in one["enrollments"]
    ]
    assert len(enrollments) == 2
    if failing:
        enrollments[0]["orgUnit"] = "ouMissing00"
    path = f"{TRACKER}?async=false&importStrategy=UPDATE"
    trial = hub.admin.post(f"{path}&importMode=VALIDATE", json={"enrollments": enrollments})
    failed = trial.json()["validationReport"]["errorReports"]
    assert (trial.status_code, {(e["trackerType"], e["uid"]) for e in failed}) == (
        (409, {("ENROLLMENT", enrollments[0]["enrollment"])}) if failing else (200, set())
    )
    good = enrollments[1:] if failing else enrollments
    assert hub.admin.post(f"{path}&importMode=COMMIT", json={"enrollments": good}).status_code == 200
    for enrolled in good:
        found = hub.admin.get(f"{TRACKER}/enrollments/{enrolled['enrollment']}?fields=status").json()
        assert found == {"status": "COMPLETED"}


def test_many_are_deleted(hub: Hub, registered: Registered) -> None:
    """Enrollments by their uids, then the persons, cascading."""
    fields = "trackedEntity,enrollments[enrollment,program,status]"
    asked = (
        f"{TRACKER}/trackedEntities?fields={fields}&trackedEntities={registered.entity}&pageSize=100&program={PROGRAM}"
    )
    [read] = hub.admin.get(asked).json()["trackedEntities"]
    assert lacking(read, fields) == []
    uids = [{"enrollment": one["enrollment"]} for one in read["enrollments"]]
    assert send(hub, {"enrollments": uids}, "&importStrategy=DELETE")["stats"]["deleted"] == 1
    assert hub.admin.get(f"{TRACKER}/events/{registered.event}").status_code == 404
    person = {"trackedEntities": [{"trackedEntity": registered.entity}]}
    assert send(hub, person, "&importStrategy=DELETE")["stats"]["deleted"] == 1
