"""`POST /api/metadata`: a package in, its report at once or as a job (Web API 2.42, "Metadata import and export")."""

from typing import Any

import orjson

from adapters.contract import Access, Envelope, Reading, Sender
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.metadata.parameters import read_parameters
from adapters.dhis2.metadata.report import answer as report_answer
from adapters.dhis2.packed import unpack
from adapters.dhis2.webmessage import JSON, encode, web_message
from tracker_core import access as rights
from tracker_core import history, packages
from tracker_core.changes import ChangeSet, PackageChange
from tracker_core.errors import Forbidden, HubError, Malformed, wording
from tracker_core.issues import Report
from tracker_core.uids import new_uid

_AUTHORITIES = frozenset({"ALL", "F_METADATA_IMPORT"})
_FORMAT = "dhis2"
JOB = "METADATA_IMPORT"


def import_metadata(access: Access, call: Call) -> Reply:
    """Import a metadata payload; the answer is the report, or with `async=true` where to ask for it.

    Raises `Forbidden` without the authority F_METADATA_IMPORT, `Malformed` for a body that is no payload.
    """
    if not _AUTHORITIES & call.user.authorities:
        raise Forbidden("Access is denied: the authority F_METADATA_IMPORT is needed")
    if not _is_offered(call.content_type):
        return Reply(web_message(415, f"the content type {call.content_type} is not offered; send {JSON}"), 415)
    asked = read_parameters(call.given, call.user.uid)
    change = PackageChange(read_payload(call.body), asked.options)
    if asked.background:
        return _queue(access, call)
    with access.session() as session:
        actor = rights.load(session, call.user.username)
        context = history.open_change_set(session, actor=call.user.username)
        report = packages.bring_in(session, context, change, actor)
        if report.rejected or not asked.commit:
            session.rollback()
    return Reply(*report_answer(report, asked.report))


def read_payload(raw: bytes) -> dict[str, Any]:
    """Return the payload in a body, packed or not. Raises `Malformed`."""
    body = unpack(raw)
    try:
        payload = orjson.loads(body)
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise Malformed("a metadata payload is a JSON object of lists")
    if b"\\u0000" in body:
        raise Malformed("the body holds the character U+0000, which cannot be stored")
    return payload


def _is_offered(content_type: str) -> bool:
    name = content_type.partition(";")[0].strip().lower()
    return name in ("", JSON, "text/plain", "application/octet-stream") or name.endswith(("gzip", "zip"))


def _queue(access: Access, call: Call) -> Reply:
    uid = new_uid()
    envelope = Envelope(call.content_type, call.method, call.path, {**call.given, "user": call.user.uid})
    access.queue(_FORMAT, call.body, envelope, call.user, uid)
    response = {
        "name": "metadataImport",
        "id": uid,
        "jobType": JOB,
        "jobStatus": "SCHEDULED",
        "relativeNotifierEndpoint": f"/api/system/tasks/{JOB}/{uid}",
        "responseType": "JobConfigurationWebMessageResponse",
    }
    return Reply(web_message(200, f"Initiated {JOB}", response=response))


def parse(raw: bytes, envelope: Envelope) -> PackageChange:
    """Read the body of a job. Raises `Malformed`."""
    asked = read_parameters(envelope.parameters, envelope.parameters.get("user", ""))
    return PackageChange(read_payload(raw), asked.options)


def read(change: PackageChange, sender: Sender) -> Reading:
    """Return the import as a reading; what it rejects is undone by the engine's own rules, not by the change set's."""
    asked = read_parameters(sender.parameters, sender.parameters.get("user", ""))
    return Reading(ChangeSet(packages=[change], atomic=False), dry_run=not asked.commit)


def answer(_raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Return the web message that a job leaves."""
    if isinstance(error, HubError):
        return encode(web_message(wording(error).http, error.detail))
    if error is not None:
        return encode(web_message(500, "the hub failed; the message is kept"))
    return encode(report_answer(report, envelope.parameters.get("importReportMode", "ERRORS").upper())[0])
