"""Answers to importers: DHIS2's ImportSummary for its formats and ADX, an OperationOutcome for MeasureReports."""

from collections import Counter
from typing import Any

import orjson

from adapters.aggregate.inbound import kind_of
from adapters.contract import Envelope
from tracker_core.errors import HubError, Unsupported, wording
from tracker_core.issues import Issue, Report

_PROPERTIES = {
    "E7600": "dataSet",
    "E7610": "dataElement",
    "E7611": "period",
    "E7612": "orgUnit",
    "E7613": "categoryOptionCombo",
    "E7615": "attributeOptionCombo",
    "E7618": "value",
    "E7619": "value",
    "E7621": "value",
    "E7630": "categoryOptionCombo",
    "E7631": "attributeOptionCombo",
    "E7632": "period",
    "E7633": "dataElement",
    "E7634": "categoryOptionCombo",
    "E7635": "attributeOptionCombo",
    "E7636": "orgUnit",
    "E7640": "period",
}
_MESSAGES = {
    "OK": "Import was successful.",
    "WARNING": "One more conflicts encountered, please check import summary.",
    "ERROR": "An error occurred, please check import summary.",
}


def answer(raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Return the reply in the words of the format that asked."""
    try:
        kind = kind_of(raw, envelope)
    except Unsupported:
        kind = "json"
    body = _outcome(report) if kind == "measure" else _summary(report, error)
    return orjson.dumps(body)


def refuse(status: int, text: str) -> tuple[bytes, str]:
    """Return DHIS2's web message for what is refused before or after the import."""
    return orjson.dumps(_web_message(status, "ERROR", text)), "application/json"


def status_of(answered: bytes, error: BaseException | None) -> int:
    """Return the HTTP status that an answer says of itself; an OperationOutcome with errors is 422 (QRPH-58)."""
    body = orjson.loads(answered)
    if isinstance(error, HubError):
        return wording(error).http
    if error is not None:
        return 500
    if body.get("resourceType") == "OperationOutcome":
        return 422 if any(issue["severity"] == "error" for issue in body["issue"]) else 200
    return int(body["httpStatusCode"])


def _summary(report: Report, error: BaseException | None) -> dict[str, Any]:
    """DHIS2 2.42: SUCCESS is 200, WARNING and ERROR are 409 although a WARNING has stored rows."""
    if error is not None:
        text = error.detail if isinstance(error, HubError) else "an unexpected fault; the message was kept"
        return _web_message(wording(error).http, "ERROR", text)
    counts = Counter(outcome.action for outcome in report.outcomes)
    conflicts = _conflicts(report)
    stored = len(report.outcomes) - counts["ignored"]
    status = "OK" if not conflicts else "WARNING" if stored and not report.rejected else "ERROR"
    summary = {
        "responseType": "ImportSummary",
        "status": "SUCCESS" if status == "OK" else status,
        "description": "Import process completed successfully" if status != "ERROR" else _MESSAGES[status],
        "importCount": {
            "imported": counts["created"],
            "updated": counts["updated"] + counts["unchanged"],
            "ignored": counts["ignored"],
            "deleted": counts["deleted"],
        },
        "conflicts": conflicts,
        "rejectedIndexes": sorted({index for conflict in conflicts for index in conflict["indexes"]}),
        "dataSetComplete": "false",
    }
    return _web_message(200 if status == "OK" else 409, status, _MESSAGES[status]) | {"response": summary}


def _web_message(http: int, status: str, text: str) -> dict[str, Any]:
    words = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
    return {"httpStatus": words.get(http, "Error"), "httpStatusCode": http, "status": status, "message": text}


def _conflicts(report: Report) -> list[dict[str, Any]]:
    """One conflict per code and text, with the positions of every value it met."""
    positions = {outcome.where: n for n, outcome in enumerate(report.outcomes)}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for issue in report.errors:
        conflict = found.setdefault((issue.code, issue.text), _conflict(issue))
        if issue.where in positions:
            conflict["indexes"].append(positions[issue.where])
    return list(found.values())


def _conflict(issue: Issue) -> dict[str, Any]:
    name = _PROPERTIES.get(issue.code, "")
    objects = {"objects": {name: issue.value}, "property": name} if name else {}
    return {"object": issue.value, "value": issue.text, "errorCode": issue.code, "indexes": [], **objects}


def _outcome(report: Report) -> dict[str, Any]:
    issues = [
        {
            "severity": issue.severity,
            "code": "not-found" if issue.code in {"E7610", "E7612", "E7613", "E7600"} else "processing",
            "details": {"coding": [{"code": issue.code}]},
            "diagnostics": issue.text,
            **({"expression": [issue.where]} if issue.where else {}),
        }
        for issue in report.issues
    ]
    taken = sum(outcome.action != "ignored" for outcome in report.outcomes)
    done = {"severity": "information", "code": "informational", "diagnostics": f"{taken} values taken"}
    return {"resourceType": "OperationOutcome", "issue": [*issues, done]}
