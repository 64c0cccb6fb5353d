"""Replies to writes: a response bundle for a bundle, an OperationOutcome for a single interaction."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from adapters.contract import Accepted, Envelope
from adapters.fhir import outcomes
from adapters.fhir.messaging import PROCESS
from adapters.fhir.messaging.acknowledging import acknowledge
from adapters.fhir.reading import READS
from adapters.fhir.requests import Request, below_base, parse
from tracker_core.errors import HubError, wording
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.records.terms import instant

_NUMBER = re.compile(r"Bundle\.entry\[(\d+)\]")
_STATUS = {
    "created": "201 Created",
    "updated": "200 OK",
    "unchanged": "200 OK",
    "ignored": "200 OK",
    "deleted": "204 No Content",
}


def answer(raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Return the reply: what became of each entry, or why nothing was done."""
    if below_base(envelope.target)[0] == PROCESS:
        return acknowledge(raw, report, error)
    if error is not None:
        return outcomes.of_error(error)
    try:
        request = parse(raw, envelope)
    except HubError as fault:
        return outcomes.of_error(fault)
    if request.interaction == "single" or (request.interaction == "transaction" and report.errors):
        return outcomes.outcome(report.issues)
    return bundle(request, report, {})


def failure(accepted: Accepted) -> int:
    """Return the HTTP status of a refusal, or 0."""
    if accepted.error is not None:
        return wording(accepted.error).http
    # A peer whose documents must be valid is told so by one status, whatever rule was broken first.
    status = 422 if accepted.report.extra.get("invalid") else outcomes.status(accepted.report.issues)
    return status if status >= 400 else 0


def bundle(
    request: Request, report: Report, reads: Mapping[int, bytes], docs: Mapping[str, bytes] | None = None
) -> bytes:
    """Return the response bundle.

    `reads` are finished entries for the reads of the request, by number; `docs` the records to show of those written,
    by the place of their entry.
    """
    shown = docs or {}
    done = {number: one for one in report.outcomes if (number := _number(one.where)) is not None}
    issues: dict[int, list[Issue]] = {}
    for issue in report.issues:
        issues.setdefault(number if (number := _number(issue.where)) is not None else -1, []).append(issue)
    entries = []
    for number, entry in enumerate(request.entries):
        if number in reads:
            entries.append(reads[number])
        elif entry.method in READS:
            entries.append(response("200 OK"))
        else:
            resource = shown.get(entry.where, b"")
            entries.append(_entry(done.get(number), issues.get(number, []), entry.method, resource))
    kind = f"{request.interaction}-response".encode()
    return b'{"resourceType":"Bundle","type":"%b","entry":[%b]}' % (kind, b",".join(entries))


def _number(where: str) -> int | None:
    match = _NUMBER.match(where)
    return int(match[1]) if match else None


def _entry(done: Outcome | None, issues: Sequence[Issue], method: str, resource: bytes) -> bytes:
    details = outcomes.outcome(issues) if issues else b""
    if done is None:
        failed = issues or [Issue("processing", "the entry was not processed")]
        return response(f"{outcomes.status(failed) or 500} Refused", details or outcomes.outcome(failed))
    if method == "DELETE":
        return response("204 No Content", details)
    return response(_STATUS[done.action], details, location(done), f'W/"{done.version}"', done.updated, resource)


def location(done: Outcome) -> str:
    """Return where the version is that an outcome is about, below the base."""
    return f"{done.kind}/{done.id}/_history/{done.version}"


def response(
    status: str,
    outcome: bytes = b"",
    location: str = "",
    etag: str = "",
    updated: datetime | None = None,
    resource: bytes = b"",
) -> bytes:
    """Return one entry of a response bundle."""
    at = instant(updated) if updated else ""
    parts = {"status": status, "location": location, "etag": etag, "lastModified": at}
    body = orjson.dumps({key: value for key, value in parts.items() if value})
    if outcome:
        body = body[:-1] + b',"outcome":' + outcome + b"}"
    head = b'"resource":' + resource + b"," if resource else b""
    return b"{" + head + b'"response":' + body + b"}"
