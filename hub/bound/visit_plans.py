"""Planned events as Appointments, and what is to be followed up as Tasks; and what edited or new ones say.

Both have the uid of their event as id, a Task that follows up an enrollment has the enrollment's. An Appointment that a
client made plans an event under its own id.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.bound.groups import ENROLLMENT_SYSTEM, EVENT_SYSTEM, parse
from hub.bound.responses import Stated
from mappings.forms.form import STAGE
from mappings.scope import Scope
from tracker_core import metadata, records
from tracker_core.changes import EnrollmentChange, EventChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.tracker import episodes
from tracker_core.tracker.episodes import Episode, Holder, Visit
from tracker_core.uids import is_uid

APPOINTMENT, TASK = "Appointment", "Task"
_PLANNED = ("SCHEDULE", "OVERDUE")
_STATUS = {"ACTIVE": "fulfilled", "VISITED": "fulfilled", "COMPLETED": "fulfilled", "SKIPPED": "cancelled"}
_OPEN, _OFF = ("proposed", "pending", "booked", "waitlist"), ("cancelled", "noshow")
_GONE = "entered-in-error"
_ENDED = ("completed", "cancelled", "rejected", "failed", _GONE)
_TASKS = "urn:tracker-hub:task"
_DAY = timedelta(days=1)


def changes_of(
    session: Session, known: Metadata, visits: Iterable[Visit], patients: Mapping[int, dict[str, str]]
) -> list[RecordChange]:
    """Return the Appointments that these events make or change, and the Tasks that end because a visit took place."""
    mine = [one for one in visits if one.person in patients]
    keys = [(type, one.uid) for one in mine for type in (APPOINTMENT, TASK)]
    held = records.read(session, keys) if keys else {}
    changes = []
    for visit in mine:
        where = f"event {visit.uid}"
        appointment, task = held.get((APPOINTMENT, visit.uid)), held.get((TASK, visit.uid))
        if appointment is not None and not appointment.deleted:
            before = parse(appointment)
            after = _amended(visit, before)
            if after != before:
                changes.append(_patch(appointment, after, where))
        elif visit.status in _PLANNED and visit.scheduled_at and not visit.deleted:
            document = _booked(known, visit, visit.scheduled_at, patients[visit.person])
            changes.append(RecordChange(APPOINTMENT, document, "put", id=visit.uid, where=where))
        if task is not None and not task.deleted and (visit.status not in _PLANNED or visit.deleted):
            before = parse(task)
            if before.get("status") not in _ENDED:
                status = "cancelled" if visit.deleted or visit.status == "SKIPPED" else "completed"
                changes.append(_patch(task, {**before, "status": status}, where))
    return changes


def tasks_of(
    session: Session, enrollments: Sequence[int], patients: Mapping[int, dict[str, str]]
) -> list[RecordChange]:
    """Return the Tasks that these enrollments (pks) make, which are marked for follow-up, or end."""
    found = episodes.episodes_by_pk(session, enrollments) if enrollments else []
    mine = [one for one in found if one.person in patients]
    held = records.read(session, [(TASK, one.uid) for one in mine]) if mine else {}
    changes = []
    for one in mine:
        task, where = held.get((TASK, one.uid)), f"enrollment {one.uid}"
        wanted = one.follow_up and not one.deleted
        if task is not None and not task.deleted:
            before = parse(task)
            if wanted == (before.get("status") in _ENDED):
                status = "requested" if wanted else "completed"
                changes.append(_patch(task, {**before, "status": status}, where))
        elif wanted:
            document = _task(one.uid, ENROLLMENT_SYSTEM, "follow-up", "Follow up", patients[one.person])
            changes.append(RecordChange(TASK, document, "put", id=one.uid, where=where))
    return changes


def show_overdue(session: Session, context: Context, most: int) -> int:
    """Make a Task for each of up to `most` visits that nobody came to in time and that have none; return how many."""
    visits = episodes.overdue(session, most)
    patients = {
        record.subject: {"reference": record.reference}
        for record in records.of_subject(session, sorted({one.person for one in visits}), ["Patient"])
    }
    known = metadata.load(session)
    changes = [_overdue(known, one, patients[one.person]) for one in visits if one.person in patients]
    if changes:
        records.apply(session, context, changes, atomic=False)
    return len(changes)


def _overdue(known: Metadata, visit: Visit, patient: dict[str, str]) -> RecordChange:
    stage = known.stages.get(visit.stage)
    text = f"{stage.name if stage else 'A visit'} is overdue"
    document = _task(visit.uid, EVENT_SYSTEM, "overdue-visit", text, patient)
    document["focus"] = {"reference": f"{APPOINTMENT}/{visit.uid}"}
    if visit.scheduled_at is not None:
        document["restriction"] = {"period": {"end": visit.scheduled_at.date().isoformat()}}
    return RecordChange(TASK, document, "put", id=visit.uid, where=f"event {visit.uid}")


def _task(uid: str, system: str, code: str, text: str, patient: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": TASK,
        "id": uid,
        "identifier": [{"system": system, "value": uid}],
        "status": "requested",
        "intent": "plan",
        "code": {"coding": [{"system": _TASKS, "code": code}], "text": text},
        "for": patient,
    }


def _booked(known: Metadata, visit: Visit, due: datetime, patient: dict[str, str]) -> dict[str, Any]:
    stage = known.stages.get(visit.stage)
    name = stage.name if stage else visit.stage
    participants: list[dict[str, Any]] = [{"actor": patient, "status": "accepted"}]
    if visit.org_unit:
        participants.append({"actor": {"reference": f"Location/{visit.org_unit}"}, "status": "accepted"})
    return {
        "resourceType": APPOINTMENT,
        "id": visit.uid,
        "identifier": [{"system": EVENT_SYSTEM, "value": visit.uid}],
        "status": "booked",
        "serviceType": [{"coding": [{"system": STAGE.removesuffix(":"), "code": visit.stage, "display": name}]}],
        "description": name,
        **_times(due),
        "participant": participants,
    }


def _times(due: datetime) -> dict[str, str]:
    """Return start and end: of a day without a time of day, its first and last second."""
    start = due.astimezone(UTC)
    whole = (start.hour, start.minute, start.second) == (0, 0, 0)
    end = start + (_DAY - timedelta(seconds=1) if whole else timedelta(minutes=30))
    return {"start": start.isoformat(), "end": end.isoformat()}


def _amended(visit: Visit, before: dict[str, Any]) -> dict[str, Any]:
    """Return an appointment as its event stands; one that says the same already stays as it is."""
    told = str(before.get("status", ""))
    if visit.deleted:
        return before if told == _GONE else {**before, "status": _GONE}
    if visit.status in _PLANNED and visit.scheduled_at is not None:
        after = before if told in _OPEN else {**before, "status": "booked"}
        same = _moment(before.get("start")) == visit.scheduled_at.astimezone(UTC)
        return after if same else {**after, **_times(visit.scheduled_at)}
    wanted = _STATUS.get(visit.status, told)
    kept = told == wanted or (wanted == "cancelled" and told in _OFF)
    return before if kept else {**before, "status": wanted}


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _patch(record: Stored, after: dict[str, Any], where: str) -> RecordChange:
    return RecordChange(record.type, after, "patch", id=record.id, version=record.version, where=where)


def read_back(
    session: Session,
    known: Metadata,
    touched: Iterable[Stored],
    people: Mapping[int, Holder],
    stated: Stated,
    scope: Scope,
) -> None:
    """Add to `stated` what touched Appointments and Tasks say: visits moved, skipped and planned; follow-up ended."""
    mine = [record for record in touched if record.type in (APPOINTMENT, TASK)]
    if not mine:
        return
    ids = [record.id for record in mine]
    visits = {one.uid: one for one in episodes.visits_behind(session, ids, ())}
    for record in mine:
        says = {} if record.deleted else parse(record)
        if record.type == TASK:
            _end_follow_up(record, says, stated)
        elif record.id in visits:
            _edit(visits[record.id], record, says, stated)
        elif says.get("status") in _OPEN:
            _plan(session, known, record, says, people, stated, scope)


def _end_follow_up(record: Stored, says: dict[str, Any], stated: Stated) -> None:
    """A Task of an enrollment says whether it is still to be followed up."""
    systems = [one.get("system") for one in says.get("identifier") or ()]
    if ENROLLMENT_SYSTEM in systems:
        marked = says.get("status") not in _ENDED
        stated.enrollments.append(EnrollmentChange(uid=record.id, fields={"followUp": marked}, where=record.reference))


def _edit(visit: Visit, record: Stored, says: dict[str, Any], stated: Stated) -> None:
    told = str(says.get("status", ""))
    if visit.deleted:
        return
    if not says or told == _GONE:
        stated.events.append(EventChange(uid=visit.uid, delete=True, where=record.reference))
        return
    fields: dict[str, Any] = {}
    start = _moment(says.get("start"))
    if visit.status in _PLANNED and told in _OFF:
        fields["status"] = "SKIPPED"
    elif visit.status == "SKIPPED" and told in _OPEN:
        fields["status"] = "SCHEDULE"
    if visit.scheduled_at and start and start != visit.scheduled_at.astimezone(UTC) and visit.status in _PLANNED:
        fields["scheduledAt"] = start.isoformat()
    if fields:
        stated.events.append(EventChange(uid=visit.uid, fields=fields, where=record.reference))


def _plan(
    session: Session,
    known: Metadata,
    record: Stored,
    says: dict[str, Any],
    people: Mapping[int, Holder],
    stated: Stated,
    scope: Scope,
) -> None:
    """Plan an event for a new Appointment that names a stage of a program its person is in."""
    stage = known.stages.get(_stage_of(says))
    start, holder = _moment(says.get("start")), people.get(record.subject or 0)
    if stage is None or start is None or holder is None:
        return
    held = episodes.episodes(session, [holder.pk], [known.programs[stage.program].pk])
    open_ones: Sequence[Episode] = [one for one in held if one.status == "ACTIVE" and not one.deleted]
    if not open_ones or not is_uid(record.id):
        reason = "its person is not in the program" if not open_ones else "its id is no uid"
        scope.issues.append(Issue("not-planned", f"no visit is planned: {reason}", "warning", record.reference))
        return
    stated.events.append(
        EventChange(
            uid=record.id,
            enrollment=open_ones[-1].uid,
            program=stage.program,
            stage=stage.uid,
            org_unit=open_ones[-1].org_unit,
            fields={"status": "SCHEDULE", "scheduledAt": start.isoformat()},
            where=record.reference,
        )
    )


def _stage_of(says: dict[str, Any]) -> str:
    codings = [one for kind in says.get("serviceType") or () for one in kind.get("coding") or ()]
    return next((str(one.get("code")) for one in codings if one.get("system") == STAGE.removesuffix(":")), "")
