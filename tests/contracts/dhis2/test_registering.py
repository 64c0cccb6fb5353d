"""The Capture app registers a person: generated id, duplicate check, save, and the dashboard that opens."""

from typing import Any

from tests.contracts.dhis2.conftest import Hub, Registered, child, register
from tests.contracts.dhis2.district import FIRST, LAST, ONE, PROGRAM, TYPE, UNIQUE
from tests.contracts.dhis2.shapes import lacking

ENROLLMENT_DETAIL = (
    "enrollment,trackedEntity,program,status,orgUnit,enrolledAt,occurredAt,followUp,deleted,updatedAt,geometry"
)
USER = {"uid", "username", "firstName", "surname"}


def entity(hub: Hub, uid: str, parameters: str = "") -> dict[str, Any]:
    """GET one tracked entity."""
    answer = hub.admin.get(f"/api/42/tracker/trackedEntities/{uid}{parameters}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_working_list_has_its_columns(hub: Hub, registered: Registered) -> None:
    """5.05: type and program attributes, and the owner of this program, which the row's link needs."""
    fields = "trackedEntity,createdAt,inactive,attributes[attribute,value],programOwners[orgUnit,program]"
    listed = hub.admin.get(
        "/api/42/tracker/trackedEntities?order=createdAt:desc&page=1&pageSize=15"
        f"&orgUnits={ONE}&orgUnitMode=SELECTED&program={PROGRAM}&fields={fields}"
    ).json()
    assert lacking(listed["trackedEntities"], fields) == []
    newest = listed["trackedEntities"][0]
    assert newest["trackedEntity"] == registered.entity
    assert {a["attribute"]: a["value"] for a in newest["attributes"]} == {
        UNIQUE: registered.number,
        FIRST: "Amina",
        LAST: "Test",
    }
    assert newest["programOwners"] == [{"orgUnit": ONE, "program": PROGRAM}]
    assert listed["pager"].keys() >= {"page", "pageSize"}


def test_the_list_can_be_filtered_by_a_column(hub: Hub, registered: Registered) -> None:
    """5.06: a column filter, in any case of letters; an empty list is no error."""
    asked = f"orgUnits={ONE}&orgUnitMode=SELECTED&program={PROGRAM}&page=1&pageSize=15&fields=trackedEntity"
    found = hub.admin.get(
        f"/api/42/tracker/trackedEntities?filter={FIRST}:like:aM&filter={UNIQUE}:eq:{registered.number}&{asked}"
    ).json()
    assert found["trackedEntities"] == [{"trackedEntity": registered.entity}]
    nothing = hub.admin.get(f"/api/42/tracker/trackedEntities?filter={FIRST}:like:zz&{asked}")
    assert (nothing.status_code, nothing.json()["trackedEntities"]) == (200, [])


def test_a_generated_id_is_offered_and_checked(hub: Hub) -> None:
    """6.01 to 6.04: what the pattern needs, a value that is reserved, and that nobody has it in program or type."""
    path = f"/api/42/trackedEntityAttributes/{UNIQUE}"
    assert hub.admin.get(f"{path}/requiredValues").json() == {"REQUIRED": [], "OPTIONAL": ["RANDOM"]}
    made = hub.admin.get(f"{path}/generate?expiration=3").json()
    assert lacking(made, "ownerObject,ownerUid,key,value,created,expiryDate") == []
    assert (made["ownerObject"], made["ownerUid"]) == ("TRACKEDENTITYATTRIBUTE", UNIQUE)
    assert (made["key"], len(made["value"])) == ("RANDOM(######)", 6)
    for within in (f"program={PROGRAM}", f"trackedEntityType={TYPE}"):
        checked = hub.admin.get(
            f"/api/42/tracker/trackedEntities?{within}&orgUnitMode=ACCESSIBLE&filter={UNIQUE}:EQ:{made['value']}"
        )
        assert (checked.status_code, checked.json()["trackedEntities"]) == (200, [])


def test_possible_duplicates_are_found_by_their_attributes(hub: Hub, registered: Registered) -> None:
    """7.01: the filled, searchable, non-unique attributes together."""
    found = hub.admin.get(
        f"/api/42/tracker/trackedEntities?orgUnitMode=ACCESSIBLE&pageSize=5&page=1"
        f"&filter={FIRST}:like:Amina&filter={LAST}:like:Test&program={PROGRAM}"
    ).json()
    assert registered.entity in [one["trackedEntity"] for one in found["trackedEntities"]]


def test_the_report_tells_every_uid(hub: Hub) -> None:
    """7.02: uids of the client are kept, the enrollment's is made; attributes sent twice do not collide."""
    sent = child()
    answer = hub.admin.post("/api/42/tracker?async=false", json={"trackedEntities": [sent]})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["status"], report["validationReport"]["errorReports"]) == ("OK", [])
    assert report["stats"] == {"created": 3, "updated": 0, "deleted": 0, "ignored": 0, "total": 3}
    types = report["bundleReport"]["typeReportMap"]
    assert types.keys() == {"TRACKED_ENTITY", "ENROLLMENT", "EVENT", "RELATIONSHIP"}
    for type in types.values():
        assert lacking(type, "trackerType,stats[created,updated,deleted,ignored,total],objectReports") == []
        assert lacking(type["objectReports"], "uid,trackerType,errorReports,index") == []
    assert types["TRACKED_ENTITY"]["objectReports"][0]["uid"] == sent["trackedEntity"]
    assert types["EVENT"]["objectReports"][0]["uid"] == sent["enrollments"][0]["events"][0]["event"]
    assert len(types["ENROLLMENT"]["objectReports"][0]["uid"]) == 11
    assert types["RELATIONSHIP"]["objectReports"] == []


def test_a_taken_id_is_refused_with_its_message(hub: Hub, registered: Registered) -> None:
    """The error body tells the message that the app shows, and nothing is stored."""
    sent = child()
    for holder in (sent, sent["enrollments"][0]):
        holder["attributes"][0]["value"] = registered.number
    answer = hub.admin.post("/api/42/tracker?async=false", json={"trackedEntities": [sent]})
    assert answer.status_code == 409
    errors = answer.json()["validationReport"]["errorReports"]
    assert "E1064" in [error["errorCode"] for error in errors]
    assert lacking(errors, "uid,message,errorCode,trackerType") == []
    assert hub.admin.get(f"/api/42/tracker/trackedEntities/{sent['trackedEntity']}").status_code == 404


def test_the_dashboard_opens(hub: Hub, registered: Registered) -> None:
    """7.03, 7.04, 7.10, 7.11: attributes, type, owners and enrollments of the person."""
    within = f"?program={PROGRAM}"
    first = entity(hub, registered.entity, "?fields=attributes,trackedEntityType,programOwners[program,orgUnit]")
    assert (
        lacking(first, "attributes[attribute,value,displayName,valueType,createdAt,updatedAt],trackedEntityType") == []
    )
    assert first["programOwners"] == [{"program": PROGRAM, "orgUnit": ONE}]
    fields = "enrollments[enrollment,program,trackedEntity,status,enrolledAt]"
    second = entity(hub, registered.entity, f"{within}&fields={fields}")
    assert lacking(second, fields) == []
    assert [one["enrollment"] for one in second["enrollments"]] == [registered.enrollment]
    whole = entity(hub, registered.entity, within)
    assert (
        lacking(whole, "trackedEntity,trackedEntityType,orgUnit,createdAt,updatedAt,attributes,inactive,deleted") == []
    )
    fields = "programOwners[orgUnit],enrollments[program,status]"
    assert entity(hub, registered.entity, f"{within}&fields={fields}") == {
        "programOwners": [{"orgUnit": ONE}],
        "enrollments": [{"program": PROGRAM, "status": "ACTIVE"}],
    }


def test_the_enrollment_widget_has_all_it_reads(hub: Hub, registered: Registered) -> None:
    """7.06: the enrollment with its events, notes, relationships, flags, times and users, and no attributes."""
    fields = "enrollments[*,!attributes],attributes,inactive"
    found = entity(hub, registered.entity, f"?program={PROGRAM}&fields={fields}")
    assert lacking(found, fields) == []
    [enrolled] = found["enrollments"]
    read = "events[dataValues],notes,relationships,followUp,deleted,createdAt,updatedAt,createdBy,updatedBy"
    assert lacking(enrolled, f"enrollment,program,status,orgUnit,enrolledAt,{read}") == []
    assert enrolled["createdBy"].keys() == USER
    assert enrolled["updatedBy"]["username"] == "admin"
    [event] = enrolled["events"]
    assert (event["event"], event["status"], event["scheduledAt"]) == (
        registered.event,
        "SCHEDULE",
        "2024-11-01T00:00:00.000",
    )


def test_the_enrollment_is_read_alone(hub: Hub, registered: Registered) -> None:
    """7.14 and 11.01: what the sequence asks for, and the deep link by the enrollment's id."""
    path = f"/api/42/tracker/enrollments/{registered.enrollment}"
    detail = hub.admin.get(f"{path}?fields={ENROLLMENT_DETAIL}").json()
    assert lacking(detail, ENROLLMENT_DETAIL, absent={"occurredAt", "geometry"}) == []
    linked = hub.admin.get(f"{path}?fields=trackedEntity,program").json()
    assert linked == {"trackedEntity": registered.entity, "program": PROGRAM}


def test_the_search_page_finds_by_the_unique_id(hub: Hub, registered: Registered) -> None:
    """10.03 to 10.05: `pageNumber` is ignored; by program and by type."""
    asked = f"filter={UNIQUE}:eq:{registered.number}&orgUnitMode=ACCESSIBLE"
    for more in (f"program={PROGRAM}&pageNumber=1", f"trackedEntityType={TYPE}&page=1&pageSize=5"):
        found = hub.admin.get(f"/api/42/tracker/trackedEntities?{asked}&{more}").json()
        assert [one["trackedEntity"] for one in found["trackedEntities"]] == [registered.entity]


def test_a_list_without_parameters_is_bounded(hub: Hub) -> None:
    """9.03: the app asks for everything by mistake; the answer is quick and small, or a refusal as JSON."""
    answer = hub.admin.get("/api/42/tracker/trackedEntities")
    assert (answer.status_code, answer.json()["httpStatusCode"]) == (400, 400)


def test_without_the_version_the_answers_are_the_same(hub: Hub, registered: Registered) -> None:
    """`/api/42/…` and `/api/…` give equal bodies."""
    path = f"tracker/trackedEntities/{registered.entity}?program={PROGRAM}&fields=*"
    assert hub.admin.get(f"/api/42/{path}").json() == hub.admin.get(f"/api/{path}").json()


def test_a_second_enrollment_is_refused_while_one_is_active(hub: Hub, registered: Registered) -> None:
    """E1015, with the enrollment's uid as the app reads it."""
    again = child()["enrollments"][0] | {"trackedEntity": registered.entity, "enrollment": "EnAgain0001"}
    again["attributes"] = []
    answer = hub.admin.post("/api/42/tracker?async=false", json={"enrollments": [again]})
    assert answer.status_code == 409
    codes = {error["errorCode"]: error["uid"] for error in answer.json()["validationReport"]["errorReports"]}
    assert codes.get("E1015") == "EnAgain0001"


def test_a_person_is_registered_without_enrollment(hub: Hub) -> None:
    """The report has the person's uid alone; the other three keys are there, empty."""
    sent = child()
    del sent["enrollments"]
    types = hub.admin.post("/api/42/tracker?async=false", json={"trackedEntities": [sent]}).json()["bundleReport"][
        "typeReportMap"
    ]
    assert [one["uid"] for one in types["TRACKED_ENTITY"]["objectReports"]] == [sent["trackedEntity"]]
    assert [types[key]["objectReports"] for key in ("ENROLLMENT", "EVENT", "RELATIONSHIP")] == [[], [], []]


def test_a_completed_enrollment_registers_too(hub: Hub) -> None:
    """The widget's status comes back as it was sent, with who completed it."""
    made = register(hub, status="COMPLETED")
    found = hub.admin.get(f"/api/42/tracker/enrollments/{made.enrollment}?fields=status,completedAt,completedBy").json()
    assert (found["status"], found["completedBy"]) == ("COMPLETED", "admin")
