"""`POST /api/tracker`, and the job that stands for an import whose sender does not wait."""

import orjson

from adapters.contract import Access, Envelope
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.parameters import choice, read_parameters
from adapters.dhis2.webmessage import JSON, web_message
from tracker_core import messages
from tracker_core.errors import NotFound, wording
from tracker_core.messages import Message

_JOB_DIGITS = 10
_FORMAT = "dhis2"


def import_tracker(access: Access, call: Call) -> Reply:
    """Import a payload. With `async=false` the answer is the report (200, or 409 when something was refused).

    Else it is a job, finished by the time it can be asked for: its report is the answer kept with the message.
    """
    if call.content_type.partition(";")[0].strip().lower() not in ("", JSON):
        return Reply(web_message(415, f"the content type {call.content_type} is not offered; send {JSON}"), 415)
    asked = read_parameters(call.given)
    envelope = Envelope(call.content_type, call.method, call.path, call.given)
    accepted = access.accept(_FORMAT, call.body, envelope, call.user)
    if accepted.error is not None:
        return Reply(accepted.answer, wording(accepted.error).http)
    if asked.background:
        return _job(call, accepted.message)
    refused = accepted.report.rejected or bool(accepted.report.errors)
    return Reply(accepted.answer, 409 if refused else 200)


def _job(call: Call, message: int) -> Reply:
    id = f"J{message:0{_JOB_DIGITS}d}"
    location = f"{call.url.removesuffix('.json')}/jobs/{id}"
    response = {"responseType": "TrackerJob", "id": id, "location": location}
    return Reply(web_message(200, "Tracker job added", response=response))


def read_job(access: Access, call: Call) -> Reply:
    """Return a job's notifications, newest first; none for a job that does not exist (so DHIS2 answers too)."""
    message = _message_of(access, call)
    if message is None:
        return Reply([], headers=_FRESH)
    done = message.state in ("done", "rejected")
    note = {
        "uid": call.captured["id"],
        "level": "ERROR" if message.state == "parked" else "INFO",
        "category": "TRACKER_IMPORT_JOB",
        "time": message.created,
        "message": "Import complete." if done else "Import started.",
        "completed": message.state != "waiting",
        "id": call.captured["id"],
    }
    return Reply([note], headers=_FRESH)


def read_job_report(access: Access, call: Call) -> Reply:
    """Return a job's import report, as much of it as `reportMode` asks for. Raises `NotFound` before it is there."""
    asked = choice(call.given, "reportMode", {"FULL": "FULL", "ERRORS": "ERRORS", "WARNINGS": "WARNINGS"})
    message = _message_of(access, call)
    if message is None or message.answer is None:
        raise NotFound(f"Summary for job {call.captured['id']} does not exist")
    report = orjson.loads(message.answer)
    if asked == "ERRORS" and "validationReport" in report:
        report["validationReport"]["warningReports"] = []
    return Reply(report, headers=_FRESH)


def _message_of(access: Access, call: Call) -> Message | None:
    id = call.captured["id"]
    if not (id.startswith("J") and id[1:].isascii() and id[1:].isdigit()):
        return None
    with access.session() as session:
        found = messages.by_ids(session, [int(id[1:])]).get(int(id[1:]))
    return found if found is not None and found.format == _FORMAT and found.direction == "in" else None


_FRESH = {"Cache-Control": "no-store"}
