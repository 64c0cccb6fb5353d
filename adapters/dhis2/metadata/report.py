"""The import report (Web API 2.42, "Metadata import and export"): per type, per object, with DHIS2's codes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.dhis2.webmessage import web_message
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.metadata import schema
from tracker_core.metadata.importing import Fault

REFUSED = "One or more errors occurred, please see full details in import report."
_COUNTED = {
    "created": "created",
    "updated": "updated",
    "deleted": "deleted",
    "unchanged": "ignored",
    "ignored": "ignored",
}
# Which argument of a code's message is the property that it is about; the first one of most.
_PROPERTY = {"E5002": 2, "E5007": 2, "E5008": 2, "E4014": 1, "E4027": 1, "E4061": 1}
_PROPERTIES = ("E4", "E5")


def answer(report: Report, mode: str) -> tuple[dict[str, Any], int]:
    """Return the web message around a report, and its HTTP status: 409 with any error, although some may be stored."""
    status = 409 if report.errors else 200
    state = "WARNING" if report.errors else "OK"
    response = import_report(report, mode)
    return web_message(status, REFUSED if report.errors else "", response=response, state=state), status


def import_report(report: Report, mode: str) -> dict[str, Any]:
    """Return the report itself. Modes `FULL` and `DEBUG` tell of every object, the others of those with errors."""
    outcomes: dict[str, list[Outcome]] = {}
    issues: dict[str, list[Issue]] = {}
    for outcome in report.outcomes:
        outcomes.setdefault(outcome.kind, []).append(outcome)
    for issue in report.errors:
        issues.setdefault(_collection(issue), []).append(issue)
    whole = mode in ("FULL", "DEBUG")
    return {
        "responseType": "ImportReport",
        "status": _state(report),
        "stats": _stats(report.outcomes),
        "typeReports": [
            _type_report(name, outcomes.get(name, []), issues.get(name, []), whole=whole)
            for name in dict.fromkeys((*outcomes, *issues))
        ],
    }


def _state(report: Report) -> str:
    if not report.errors:
        return "OK"
    return "ERROR" if report.rejected else "WARNING"


def _type_report(
    collection: str, outcomes: Sequence[Outcome], issues: Iterable[Issue], *, whole: bool
) -> dict[str, Any]:
    klass, places = class_of(collection), _places(outcomes)
    objects: dict[str, dict[str, Any]] = {}
    for outcome in outcomes if whole else ():
        objects[outcome.id] = _object_report(klass, outcome.id, places.get(outcome.id, 0))
    for issue in issues:
        place, _, uid = issue.where.partition(" ")
        known = objects.setdefault(uid or place, _object_report(klass, uid, places.get(uid, _index(place))))
        known["errorReports"].append(error_report(klass, issue))
    return {"klass": klass, "stats": _stats(outcomes), "objectReports": list(objects.values())}


def _object_report(klass: str, uid: str, index: int) -> dict[str, Any]:
    return {"klass": klass, "index": index, **({"uid": uid} if uid else {}), "errorReports": []}


def error_report(klass: str, issue: Issue) -> dict[str, Any]:
    """Return one issue about an object of the class `klass`."""
    arguments = issue.arguments if isinstance(issue, Fault) else ()
    report: dict[str, Any] = {"message": issue.text, "mainKlass": klass, "errorCode": issue.code}
    at = _PROPERTY.get(issue.code, 0)
    if issue.code.startswith(_PROPERTIES) and at < len(arguments):
        report["errorProperty"] = arguments[at]
    report["errorProperties"] = list(arguments)
    return {**report, "value": issue.value} if issue.value else report


def class_of(collection: str) -> str:
    """Return the class that reports name for a collection; one that is not described goes by its own name."""
    found = schema.TYPES.get(collection)
    return found.klass if found else f"org.hisp.dhis.{collection}"


def _collection(issue: Issue) -> str:
    return issue.where.partition(" ")[0].partition("[")[0]


def _places(outcomes: Sequence[Outcome]) -> Mapping[str, int]:
    return {outcome.id: _index(outcome.where) if outcome.where else at for at, outcome in enumerate(outcomes)}


def _index(where: str) -> int:
    text = where.partition("[")[2].rstrip("]")
    return int(text) if text.isdigit() else 0


def _stats(outcomes: Iterable[Outcome]) -> dict[str, int]:
    counts = Counter(_COUNTED[outcome.action] for outcome in outcomes)
    return {name: counts[name] for name in ("created", "updated", "deleted", "ignored")} | {
        "total": sum(counts.values())
    }
