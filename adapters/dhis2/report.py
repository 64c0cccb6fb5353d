"""The import report (Web API 2.42, "Import report"): what clients read to learn what became of each object."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from adapters.contract import Envelope
from adapters.dhis2.parameters import ImportParameters, read_parameters
from adapters.dhis2.webmessage import encode, web_message
from tracker_core.errors import HubError, wording
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.tracker import Finding

TYPES = {
    "trackedEntity": "TRACKED_ENTITY",
    "enrollment": "ENROLLMENT",
    "event": "EVENT",
    "relationship": "RELATIONSHIP",
}
_COUNTED = {"created": "created", "updated": "updated", "unchanged": "updated", "deleted": "deleted"}


def answer(_raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Return the import report, or DHIS2's error envelope when the payload could not be processed at all."""
    if error is not None:
        text = error.detail if isinstance(error, HubError) else "An unexpected error; the payload is kept for replay."
        where = f" ({error.where})" if isinstance(error, HubError) and error.where else ""
        return encode(web_message(wording(error).http, text + where))
    asked = read_parameters(envelope.parameters)
    # Of a job's report the caller says only when asking for it how much is wanted.
    return encode(import_report(report, replace(asked, report="FULL") if asked.background else asked))


def import_report(report: Report, asked: ImportParameters) -> dict[str, Any]:
    """Return the report as a document, as much of it as `reportMode` asks for."""
    outcomes = [outcome for outcome in report.outcomes if outcome.kind in TYPES]
    stored = not report.rejected and asked.commit
    validation: dict[str, Any] = {"errorReports": _listed(report.issues, "error")}
    if asked.report != "ERRORS":
        validation["warningReports"] = _listed(report.issues, "warning")
    else:
        validation["warningReports"] = []
    shown: dict[str, Any] = {"status": _status(report), "validationReport": validation}
    shown["stats"] = _stats(outcomes, stored=stored)
    if asked.report == "FULL":
        seconds = report.extra.get("seconds", {})
        shown["timingsStats"] = {"timers": {name: f"{value:.3f} sec." for name, value in seconds.items()}}
    shown["bundleReport"] = {"typeReportMap": _types(outcomes) if stored else {}}
    shown["message"] = None
    return shown


def _status(report: Report) -> str:
    if report.rejected or report.errors:
        return "ERROR"
    return "WARNING" if any(issue.severity == "warning" for issue in report.issues) else "OK"


def _listed(issues: Iterable[Issue], severity: str) -> list[dict[str, Any]]:
    return [_issue(issue) for issue in issues if issue.severity == severity]


def _issue(issue: Issue) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": issue.text, "errorCode": issue.code, "trackerType": None, "uid": issue.where}
    if isinstance(issue, Finding):
        shown |= {"trackerType": TYPES[issue.kind], "uid": issue.uid, "args": list(issue.args)}
    return shown


def _stats(outcomes: Iterable[Outcome], *, stored: bool = True) -> dict[str, int]:
    counts = Counter(_COUNTED.get(o.action, "ignored") if stored else "ignored" for o in outcomes)
    stats = {name: counts[name] for name in ("created", "updated", "deleted", "ignored")}
    return {**stats, "total": sum(counts.values())}


def _types(outcomes: list[Outcome]) -> dict[str, Any]:
    """Report per type; an object's index is its place among those of its type in the payload."""
    reports = {}
    for kind, name in TYPES.items():
        own = [outcome for outcome in outcomes if outcome.kind == kind]
        objects = [
            {"trackerType": name, "uid": outcome.id, "index": index, "errorReports": []}
            for index, outcome in enumerate(own)
            if outcome.action != "ignored"
        ]
        reports[name] = {"trackerType": name, "stats": _stats(own), "objectReports": objects}
    return reports
