"""Jobs as clients follow them (Web API 2.42, "Tracker import", "Answers", and "System", "tasks").

A job is a message whose sender does not wait (`tracker_core.jobs`). Users see their own jobs, those with `ALL` all.
"""

from datetime import datetime
from typing import Any

import orjson

from adapters.contract import Access, Envelope
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.inbound import KINDS, Kind
from adapters.dhis2.parameters import choice
from tracker_core import jobs
from tracker_core.context import User
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.jobs import Job
from tracker_core.uids import new_uid

_FORMAT = "dhis2"
_FRESH = {"Cache-Control": "no-store"}
_BY_NAME = {kind.job: kind for kind in KINDS}
# What DHIS2 runs as jobs besides; here they are done at once or not at all, so that none of them is ever listed.
_OTHERS = frozenset(
    {
        "ANALYTICS_TABLE",
        "COMPLETE_DATA_SET_REGISTRATION_IMPORT",
        "CONTINUOUS_ANALYTICS_TABLE",
        "DATAVALUE_IMPORT",
        "DATA_INTEGRITY",
        "DATA_SYNC",
        "ENROLLMENT_IMPORT",
        "EVENT_IMPORT",
        "GEOJSON_IMPORT",
        "GML_IMPORT",
        "LEADER_ELECTION",
        "LEADER_RENEWAL",
        "META_DATA_SYNC",
        "MONITORING",
        "PREDICTOR",
        "PROGRAM_NOTIFICATIONS",
        "PUSH_ANALYSIS",
        "RESOURCE_TABLE",
        "SMS_SEND",
        "TEI_IMPORT",
        "TRACKER_SEARCH_OPTIMIZATION",
        "VALIDATION_RESULTS_NOTIFICATION",
    }
)


def start(access: Access, call: Call, envelope: Envelope) -> str:
    """Keep a request's bytes for a worker and return the uid under which its end can be asked for."""
    uid = new_uid()
    access.queue(_FORMAT, call.body, envelope, call.user, uid)
    return uid


def read_notes(access: Access, call: Call) -> Reply:
    """Return a tracker job's notifications, newest first; none while it is queued or when there is no such job."""
    job = _find(access, call)
    return Reply(_notes(job) if job else [], headers=_FRESH)


def read_report(access: Access, call: Call) -> Reply:
    """Return a tracker job's report, as much of it as `reportMode` asks for. Raises `NotFound` before it is there."""
    asked = choice(call.given, "reportMode", {"ERRORS": "ERRORS", "FULL": "FULL", "WARNINGS": "WARNINGS"})
    report = _summary(_find(access, call), call)
    if "validationReport" in report and asked == "ERRORS":
        report["validationReport"]["warningReports"] = []
    if asked != "FULL":
        report.pop("timingsStats", None)
    return Reply(report, headers=_FRESH)


def list_tasks(access: Access, call: Call) -> Reply:
    """Return the notifications of all recent jobs: job type -> uid -> notifications."""
    with access.session() as session:
        found = {kind.job: _listed(session, kind, call.user) for kind in KINDS}
    return Reply({name: {job.uid: _notes(job) for job in listed} for name, listed in found.items()}, headers=_FRESH)


def list_tasks_of_type(access: Access, call: Call) -> Reply:
    """Return the notifications of the recent jobs of one type, by uid."""
    return Reply({job.uid: _notes(job) for job in _of_type(access, call)}, headers=_FRESH)


def read_task(access: Access, call: Call) -> Reply:
    """Return the notifications of one job. Raises `NotFound` when there is no such job."""
    job = _find(access, call, _kind(call))
    if job is None:
        raise NotFound(f"Job {call.captured['id']} does not exist")
    return Reply(_notes(job), headers=_FRESH)


def list_summaries(access: Access, call: Call) -> Reply:
    """Return what came of the recent jobs of one type that have ended, by uid."""
    ended = (job for job in _of_type(access, call) if job.answer is not None)
    return Reply({job.uid: _summary(job, call) for job in ended}, headers=_FRESH)


def read_summary(access: Access, call: Call) -> Reply:
    """Return what came of one job. Raises `NotFound` before it has ended and when there is no such job."""
    return Reply(_summary(_find(access, call, _kind(call)), call), headers=_FRESH)


def _kind(call: Call) -> Kind | None:
    """Return the kind of the job type in the path; None for one that never runs here. Raises `Malformed`."""
    name = call.captured["type"].upper()
    if name not in _BY_NAME and name not in _OTHERS:
        raise Malformed(f"Value '{call.captured['type']}' is not valid for path parameter jobType")
    return _BY_NAME.get(name)


def _of_type(access: Access, call: Call) -> list[Job]:
    if (kind := _kind(call)) is None:
        return []
    with access.session() as session:
        return _listed(session, kind, call.user)


def _listed(session: Session, kind: Kind, user: User) -> list[Job]:
    return [job for job in jobs.latest(session, _FORMAT, kind.type) if _may_see(user, job)]


def _find(access: Access, call: Call, kind: Kind | None = _BY_NAME["TRACKER_IMPORT_JOB"]) -> Job | None:
    with access.session() as session:
        job = jobs.find(session, _FORMAT, call.captured["id"])
    return job if job and kind and job.type == kind.type and _may_see(call.user, job) else None


def _may_see(user: User, job: Job) -> bool:
    return job.actor == user.username or "ALL" in user.authorities


def _summary(job: Job | None, call: Call) -> dict[str, Any]:
    """Return the report that a job left; of a web message the part that holds it."""
    if job is None or job.answer is None:
        raise NotFound(f"Summary for job {call.captured['id']} does not exist")
    answer: dict[str, Any] = orjson.loads(job.answer)
    return answer["response"] if answer.get("response") else answer


def _notes(job: Job) -> list[dict[str, Any]]:
    """Tell a job's story, newest first; nothing while it is queued for the first time."""
    notes: list[dict[str, Any]] = []
    if job.state == "failed":
        notes.append(_note(job, "ERROR", job.finished, job.error or "Process failed", completed=True))
    elif job.state == "done":
        notes.append(_note(job, "INFO", job.finished, _result(job), completed=True))
    elif job.error:
        notes.append(_note(job, "WARN", job.created, f"Process is tried again: {job.error}"))
    if job.state != "queued":
        notes.append(_note(job, "INFO", job.created, "Process started"))
    return notes


def _note(job: Job, level: str, at: datetime | None, text: str, *, completed: bool = False) -> dict[str, Any]:
    category = next((kind.job for kind in KINDS if kind.type == job.type), job.type)
    told = {"uid": new_uid(), "level": level, "category": category, "time": at or job.created, "message": text}
    return {**told, "completed": completed, "id": job.uid}


def _result(job: Job) -> str:
    answer = orjson.loads(job.answer) if job.answer else {}
    report = answer.get("response") or answer
    stats = report.get("stats") or {}
    counts = ", ".join(f"{stats.get(name, 0)} {name}" for name in ("created", "updated", "deleted", "ignored"))
    return f"Import complete with status {report.get('status', 'OK')}, {counts}"


ROUTES: Routes = (
    ("GET", "/tracker/jobs/{id}", read_notes),
    ("GET", "/tracker/jobs/{id}/report", read_report),
    ("GET", "/system/tasks", list_tasks),
    ("GET", "/system/tasks/{type}", list_tasks_of_type),
    ("GET", "/system/tasks/{type}/{id}", read_task),
    ("GET", "/system/taskSummaries/{type}", list_summaries),
    ("GET", "/system/taskSummaries/{type}/{id}", read_summary),
)
