"""`POST /api/tracker`: a report at once, or a job whose end is asked for later."""

from adapters.contract import Access, Envelope
from adapters.dhis2 import inbound, jobs
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.parameters import read_parameters
from adapters.dhis2.payload import is_csv
from adapters.dhis2.webmessage import JSON, web_message
from tracker_core.errors import Malformed, wording
from tracker_core.issues import Report


def import_tracker(access: Access, call: Call) -> Reply:
    """Import a payload. With `async=false` the answer is the report (200, or 409 when something was refused).

    Else it is a job; bytes that are no payload at all are refused at once all the same.
    """
    if not _is_offered(call.content_type):
        return Reply(web_message(415, f"the content type {call.content_type} is not offered; send {JSON}"), 415)
    asked = read_parameters(call.given)
    envelope = Envelope(call.content_type, call.method, call.path, call.given)
    if asked.background and _is_readable(call.body, envelope):
        return _job(call, jobs.start(access, call, envelope))
    accepted = access.accept("dhis2", call.body, envelope, call.user)
    if accepted.error is not None:
        return Reply(accepted.answer, wording(accepted.error).http)
    return Reply(accepted.answer, 409 if _has_failed(accepted.report) else 200)


def _has_failed(report: Report) -> bool:
    """Tell whether nothing was stored of what should have been: of an import in parts its report tells which failed."""
    stored = any(outcome.action in ("created", "updated", "deleted") for outcome in report.outcomes)
    return report.rejected or (bool(report.errors) and not stored)


def _is_offered(content_type: str) -> bool:
    """Tell whether it is JSON, or CSV, either of them packed or not."""
    name = content_type.partition(";")[0].strip().lower()
    return name.partition("+")[0] in ("", JSON, "application/gzip", "application/zip") or is_csv(name)


def _is_readable(raw: bytes, envelope: Envelope) -> bool:
    try:
        inbound.parse(raw, envelope)
    except Malformed:
        return False
    return True


def _job(call: Call, uid: str) -> Reply:
    location = f"{call.url.removesuffix('.json')}/jobs/{uid}"
    response = {"responseType": "TrackerJob", "id": uid, "location": location}
    return Reply(web_message(200, "Tracker job added", response=response), headers={"Location": location})


ROUTES: Routes = (("POST", "/tracker", import_tracker),)
