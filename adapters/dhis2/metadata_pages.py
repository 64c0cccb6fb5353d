"""`/api/metadata` and the collections of metadata objects (Web API 2.42, "Metadata import and export")."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.fields import parse_fields, select
from adapters.dhis2.parameters import choice
from adapters.dhis2.system import VERSION
from adapters.dhis2.webmessage import web_message
from tracker_core import history, metadata
from tracker_core.database import Session
from tracker_core.errors import Forbidden, Malformed
from tracker_core.issues import Outcome, Report
from tracker_core.metadata import org_units, schema

UNITS = "organisationUnits"
_COUNTED = {"created": "created", "updated": "updated", "unchanged": "ignored", "ignored": "ignored"}


def import_metadata(access: Access, call: Call) -> Reply:
    """Import a metadata payload, all or nothing; `importMode=VALIDATE` only reports. Needs authority `ALL`."""
    if not {"ALL", "F_METADATA_IMPORT"} & call.user.authorities:
        raise Forbidden("Access is denied: the authority F_METADATA_IMPORT is needed")
    commit = choice(call.given, "importMode", {"COMMIT": True, "VALIDATE": False})
    try:
        payload = orjson.loads(call.body)
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise Malformed("a metadata payload is a JSON object of lists")
    if b"\\u0000" in call.body:
        raise Malformed("the body holds the character U+0000, which cannot be stored")
    with access.session() as session:
        context = history.open_change_set(session, actor=call.user.username)
        report = metadata.import_objects(session, context, payload)
        if not commit:
            session.rollback()
    status = 409 if report.errors else 200
    text = "One or more errors occurred, please see full details in import report." if report.errors else ""
    return Reply(web_message(status, text, response=_import_report(report)), status)


def _import_report(report: Report) -> dict[str, Any]:
    by_type: dict[str, list[Outcome]] = {}
    for outcome in report.outcomes:
        by_type.setdefault(outcome.kind, []).append(outcome)
    for issue in report.issues:
        by_type.setdefault(_type_of(issue.where), [])
    return {
        "responseType": "ImportReport",
        "status": "ERROR" if report.errors else "OK",
        "stats": _stats(report.outcomes),
        "typeReports": [_type_report(report, type, outcomes) for type, outcomes in by_type.items()],
    }


def _type_report(report: Report, type: str, outcomes: list[Outcome]) -> dict[str, Any]:
    places = {outcome.id: index for index, outcome in enumerate(outcomes)}
    objects: dict[str, dict[str, Any]] = {}
    for issue in report.issues:
        if _type_of(issue.where) == type:
            uid = issue.where.partition(" ")[2]
            found = {"klass": class_of(type), "index": places.get(uid, 0), "uid": uid, "errorReports": []}
            known = objects.setdefault(issue.where, found)
            error = {"message": issue.text, "mainKlass": class_of(type), "errorCode": issue.code, "errorProperties": []}
            known["errorReports"].append({**error, **({"value": issue.value} if issue.value else {})})
    return {"klass": class_of(type), "stats": _stats(outcomes), "objectReports": list(objects.values())}


def class_of(type: str) -> str:
    """Return the class that reports name for a collection; one that is not described goes by its own name."""
    found = schema.TYPES.get(type)
    return found.klass if found else f"org.hisp.dhis.{type}"


def _type_of(where: str) -> str:
    return where.partition(" ")[0].partition("[")[0]


def _stats(outcomes: Iterable[Outcome]) -> dict[str, int]:
    counts = Counter(_COUNTED[outcome.action] for outcome in outcomes)
    return {
        "created": counts["created"],
        "updated": counts["updated"],
        "deleted": 0,
        "ignored": counts["ignored"],
        "total": sum(counts.values()),
    }


def export_metadata(access: Access, call: Call) -> Reply:
    """Export everything, or the collections asked for (`programs=true`), as it was imported."""
    asked = [name for name, value in call.pairs if value.lower() == "true"]
    fields = parse_fields(call.given.get("fields") or ":owner")
    with access.session() as session:
        known = metadata.load(session)
        names = [name for name in (UNITS, *known.objects) if not asked or name in asked]
        found = {name: [select(fields, doc) for doc in _documents(session, name)] for name in names}
    return Reply({"system": {"version": VERSION}, **{name: docs for name, docs in found.items() if docs}})


def _documents(session: Session, type: str, uid: str = "") -> list[dict[str, Any]]:
    if type == UNITS:
        return org_units.documents(session, [uid] if uid else None)
    held = metadata.load(session).objects.get(type, {})
    chosen = [held[uid]] if uid in held else ([] if uid else held.values())
    return [found.doc for found in chosen]


ROUTES: Routes = (
    ("POST", "/metadata", import_metadata),
    ("GET", "/metadata", export_metadata),
)
