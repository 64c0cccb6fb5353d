"""The answer to a write of one object: DHIS2's web message around an object report."""

from collections.abc import Sequence
from typing import Any

from adapters.dhis2.calls import Reply
from adapters.dhis2.webmessage import web_message
from tracker_core.issues import Issue
from tracker_core.metadata.schema import Type

REFUSED = "One or more errors occurred, please see full details in import report."


def object_reply(type: Type, uid: str, issues: Sequence[Issue], *, status: int = 200, location: str = "") -> Reply:
    """Return the report on one object: `status` when nothing is wrong with it, else 409 with every error."""
    errors = [error_report(type, issue) for issue in issues if issue.severity == "error"]
    response = {"responseType": "ObjectReport", "klass": type.klass, "uid": uid, "errorReports": errors}
    if errors:
        return Reply(web_message(409, REFUSED, response=response), 409)
    return Reply(web_message(status, response=response), status, headers={"Location": location} if location else {})


def error_report(type: Type, issue: Issue) -> dict[str, Any]:
    """Return one issue as an error report."""
    report = {"message": issue.text, "mainKlass": type.klass, "errorCode": issue.code, "errorProperties": []}
    return {**report, "value": issue.value} if issue.value else report
