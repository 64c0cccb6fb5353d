"""The Android SDK moves data: reserves values, downloads what a device may hold, uploads through jobs, deletes."""

import time
from typing import Any

from tests.contracts.dhis2.conftest import Hub, Registered, child, register
from tests.contracts.dhis2.district import EVENT_STAGE, EVENTS, FORM, ONE, PROGRAM, UNIQUE, WEIGHT
from tests.contracts.dhis2.shapes import lacking
from tests.contracts.dhis2.test_working import opened, send, vaccination
from tracker_core.uids import new_uid

TRACKER = "/api/tracker"
TIMES = "createdAt,updatedAt,createdAtClient,updatedAtClient"
NOTE = "note,value,storedAt,storedBy"
EVENT = (
    f"event,trackedEntity,enrollment,{TIMES},status,geometry,program,programStage,orgUnit,occurredAt,completedAt,"
    "scheduledAt,deleted,attributeOptionCombo,assignedUser,completedBy,"
    f"notes[{NOTE}],dataValues[dataElement,createdBy,value,createdAt,updatedAt,providedElsewhere]"
)
ENROLLMENT = (
    f"enrollment,{TIMES},orgUnit,program,enrolledAt,occurredAt,completedAt,followUp,status,deleted,trackedEntity,"
    f"geometry,notes[{NOTE}],events[{EVENT}]"
)
LINK = (
    "relationship,relationshipType,createdAt,updatedAt,"
    "from[trackedEntity[trackedEntity]],to[trackedEntity[trackedEntity]]"
)
ENTITY = (
    f"trackedEntity,{TIMES},orgUnit,trackedEntityType,geometry,deleted,attributes[attribute,value,createdAt,updatedAt],"
    f"enrollments[{ENROLLMENT}],programOwners[program,orgUnit,trackedEntity],relationships[{LINK}]"
)
# What an object has only when it was given: times of the client, geometry, who completed it.
OPTIONAL = ("createdAtClient", "updatedAtClient", "geometry", "completedAt", "occurredAt", "scheduledAt")
MAYBE = {
    *(f"{place}{name}" for place in ("", "enrollments.", "enrollments.events.") for name in OPTIONAL),
    *(f"{place}{name}" for place in ("", "enrollments.events.") for name in ("assignedUser", "completedBy")),
    *("attributeOptionCombo", "enrollment", "trackedEntity"),
}
MODE = f"orgUnits={ONE}&orgUnitMode=DESCENDANTS"


def download(hub: Hub, path: str) -> dict[str, Any]:
    """GET what the device stores."""
    answer = hub.admin.get(f"{TRACKER}/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pages(hub: Hub, path: str, key: str) -> list[dict[str, Any]]:
    """Every page of a list, as long as there is a next one."""
    found: list[dict[str, Any]] = []
    for page in range(1, 100):
        body = download(hub, f"{path}&page={page}&pageSize=2&paging=true")
        found += body[key]
        if "nextPage" not in body["pager"]:
            return found
    raise AssertionError("the pager never ends")


def upload(hub: Hub, payload: dict[str, Any], strategy: str = "CREATE_AND_UPDATE") -> dict[str, Any]:
    """POST as a job, poll it until it is completed, and return its report."""
    answer = hub.admin.post(f"{TRACKER}?atomicMode=OBJECT&importStrategy={strategy}", json=payload)
    assert answer.status_code == 200, answer.text
    job = answer.json()["response"]
    assert job["responseType"] == "TrackerJob"
    while not any(note["completed"] for note in hub.admin.get(f"{TRACKER}/jobs/{job['id']}").json()):
        time.sleep(0.05)
    report: dict[str, Any] = hub.admin.get(f"{TRACKER}/jobs/{job['id']}/report").json()
    return report


def test_persons_are_downloaded_with_all_that_is_theirs(hub: Hub) -> None:
    """Nested enrollments, events, notes, relationships and owners, page by page; what changed since, and what went."""
    persons = [register(hub) for _ in range(3)]
    send(hub, {"events": [vaccination(persons[0])]})
    hub.admin.post(f"{TRACKER}/enrollments/{persons[0].enrollment}/note", json={"value": "hello"})
    listed = f"trackedEntities?{MODE}&program={PROGRAM}&includeDeleted=true&order=createdAt:asc&fields={ENTITY}"
    found = pages(hub, listed, "trackedEntities")
    assert lacking(found, ENTITY, absent=MAYBE) == []
    assert [one["trackedEntity"] for one in found if one["trackedEntity"] in {p.entity for p in persons}] == [
        p.entity for p in persons
    ]
    since = max(one["updatedAt"] for one in found)
    send(hub, {"trackedEntities": [{"trackedEntity": persons[1].entity}]}, "&importStrategy=DELETE")
    changed = download(hub, f"{listed}&updatedAfter={since}")["trackedEntities"]
    assert {one["trackedEntity"]: one["deleted"] for one in changed}[persons[1].entity] is True
    active = f"trackedEntities?{MODE}&program={PROGRAM}&enrollmentStatus=ACTIVE&enrollmentEnrolledAfter=2024-11-01"
    assert persons[0].entity in {one["trackedEntity"] for one in pages(hub, active, "trackedEntities")}


def test_one_person_and_one_event_are_downloaded(hub: Hub, registered: Registered) -> None:
    """By uid, with the program and the org unit mode as the device sends them."""
    path = f"trackedEntities/{registered.entity}?program={PROGRAM}&fields={ENTITY}&orgUnitMode=ACCESSIBLE"
    found = download(hub, path)
    assert lacking(found, ENTITY, absent=MAYBE) == []
    events = download(hub, f"events?events={registered.event}&fields={EVENT}&includeDeleted=true")["events"]
    assert lacking(events, EVENT, absent=MAYBE) == []
    assert download(hub, f"enrollments/{registered.enrollment}?fields={ENROLLMENT}")["program"] == PROGRAM


def test_events_of_an_event_program_are_downloaded(hub: Hub) -> None:
    """With `includeDeleted`, since a time, page by page."""
    sent = [
        {
            "event": new_uid(),
            "orgUnit": ONE,
            "occurredAt": "2024-11-10",
            "program": EVENTS,
            "programStage": EVENT_STAGE,
            "dataValues": [{"dataElement": WEIGHT, "value": "50"}],
        }
        for _ in range(3)
    ]
    send(hub, {"events": sent})
    send(hub, {"events": [{"event": sent[0]["event"]}]}, "&importStrategy=DELETE")
    listed = f"events?orgUnit={ONE}&orgUnitMode=DESCENDANTS&program={EVENTS}&includeDeleted=true&fields={EVENT}"
    found = {one["event"]: one for one in pages(hub, f"{listed}&updatedAfter=2020-01-01", "events")}
    assert lacking(list(found.values()), EVENT, absent=MAYBE) == []
    assert [found[str(one["event"])]["deleted"] for one in sent] == [True, False, False]


def test_an_upload_is_a_job_with_a_report(hub: Hub) -> None:
    """What is right is stored, what is wrong is told by uid; everything has the device's own uids."""
    good, bad = child(enrollment=new_uid()), child(enrollment=new_uid())
    bad["orgUnit"] = "ouMissing00"
    report = upload(hub, {"trackedEntities": [good, bad]})
    assert report["status"] == "ERROR"
    assert lacking(report, "stats[created,updated,deleted,ignored,total],bundleReport[typeReportMap]") == []
    assert report["stats"]["created"] == 3
    errors = report["validationReport"]["errorReports"]
    assert lacking(errors, "message,errorCode,trackerType,uid") == []
    assert (errors[0]["errorCode"], errors[0]["uid"]) == ("E1049", bad["trackedEntity"])
    uid = good["enrollments"][0]["enrollment"]
    types = report["bundleReport"]["typeReportMap"]
    assert [one["uid"] for one in types["ENROLLMENT"]["objectReports"]] == [uid]
    assert download(hub, f"enrollments/{uid}")["trackedEntity"] == good["trackedEntity"]


def test_a_deletion_is_a_job_too(hub: Hub, registered: Registered) -> None:
    """By uid alone."""
    report = upload(hub, {"events": [{"event": registered.event}]}, "DELETE")
    assert (report["status"], report["stats"]["deleted"]) == ("OK", 1)
    assert hub.admin.get(f"{TRACKER}/events/{registered.event}").status_code == 404


def test_reserved_values_are_used_offline(hub: Hub) -> None:
    """A device takes a batch, registers a child under one of them, and nobody else gets any."""
    path = f"/api/trackedEntityAttributes/{UNIQUE}/generateAndReserve?numberToReserve=20"
    batch, other = ([one["value"] for one in hub.admin.get(path).json()] for _ in range(2))
    assert (len(set(batch)), set(batch) & set(other)) == (20, set())
    sent = child()
    for holder in (sent, sent["enrollments"][0]):
        holder["attributes"][0]["value"] = batch[0]
    assert upload(hub, {"trackedEntities": [sent]})["status"] == "OK"


def test_a_file_is_uploaded_before_the_value_that_names_it(hub: Hub, registered: Registered) -> None:
    """Its uid becomes the value; the content is then read through the event."""
    answer = hub.admin.post("/api/fileResources", files={"file": ("form.pdf", b"%PDF-1.7")})
    uid = answer.json()["response"]["fileResource"]["id"]
    sent = opened(registered, dataValues=[{"dataElement": FORM, "value": uid}])
    assert upload(hub, {"events": [sent]})["status"] == "OK"
    read = hub.admin.get(f"{TRACKER}/events/{registered.event}/dataValues/{FORM}/file")
    assert (read.status_code, read.content) == (200, b"%PDF-1.7")


def test_an_unknown_job_is_empty_and_has_no_report(hub: Hub) -> None:
    """As DHIS2 answers before a job begins."""
    assert hub.admin.get(f"{TRACKER}/jobs/JoUnknown01").json() == []
    assert hub.admin.get(f"{TRACKER}/jobs/JoUnknown01/report").status_code == 404
