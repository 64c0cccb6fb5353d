"""`PATCH /api/<type>/sharing` and `PATCH /api/metadata/sharing`: the sharing of many objects by JSON Patch."""

from collections.abc import Mapping
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.objects.aspects import check_strings
from adapters.dhis2.objects.opening import open_for_writing
from adapters.dhis2.objects.patching import apply_patch
from adapters.dhis2.objects.reports import REFUSED, error_report
from adapters.dhis2.objects.rights import check_change
from adapters.dhis2.objects.view import Document, View
from adapters.dhis2.objects.writing import store, stored_document
from adapters.dhis2.webmessage import web_message
from tracker_core.access import sharing_of
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed
from tracker_core.metadata.schema import TYPES, Type

# Collection -> uid -> the operations on it.
Patches = Mapping[str, Mapping[str, Any]]
_PLACE = "/sharing"


def patch_sharing(access: Access, call: Call) -> Reply:
    """Patch the sharing of objects of one type alike: `{"ids": […], "patch": […]}`, or the type's name for `ids`."""
    type, body = TYPES[call.captured["type"]], read_object(call)
    uids = body.get("ids", body.get(type.collection))
    if not isinstance(uids, list) or not uids or not all(isinstance(uid, str) for uid in uids):
        raise Malformed("ids must be a list of ids")
    return _patch(access, call, {type.collection: dict.fromkeys(uids, body.get("patch"))})


def patch_all_sharing(access: Access, call: Call) -> Reply:
    """Patch the sharing of objects of several types, each its own way: `{"dataSets": {"uid": [operations]}}`."""
    body = read_object(call)
    wrong = next((name for name, given in body.items() if name not in TYPES or not isinstance(given, dict)), "")
    if wrong or not body:
        raise Malformed(f"{wrong or 'the body'} must be an object of ids, under the name of a type")
    return _patch(access, call, body)


def _patch(access: Access, call: Call, patches: Patches) -> Reply:
    """Apply all patches or none."""
    with access.session() as session:
        view = open_for_writing(session, call)
        changed = {name: _patched(session, view, TYPES[name], given) for name, given in patches.items()}
        report = store(session, view, call, changed, "UPDATE")
    if report.errors:
        types = {issue.where.partition(" ")[0]: issue for issue in report.errors}
        errors = [error_report(TYPES[name], issue) for name, issue in types.items()]
        response = {"responseType": "ErrorReports", "errorReports": errors}
        return Reply(web_message(409, REFUSED, response=response), 409)
    return Reply(web_message(200))


def _patched(session: Session, view: View, type: Type, patches: Mapping[str, Any]) -> list[Document]:
    if not type.shareable:
        raise Malformed(f"objects of type {type.name} are not shared")
    return [_one(session, view, type, uid, operations) for uid, operations in patches.items()]


def _one(session: Session, view: View, type: Type, uid: str, operations: Any) -> Document:
    for operation in operations if isinstance(operations, list) else ():
        path = str(operation.get("path")) if isinstance(operation, dict) else ""
        if path != _PLACE and not path.startswith(f"{_PLACE}/"):
            raise Conflict(f"E4032 Patch path `{path}` is not supported")
    stored = stored_document(session, view, type, uid)
    check_change(view, type, stored)
    patched = apply_patch({**stored, "sharing": sharing_of(stored)}, operations)
    if not isinstance(patched.get("sharing"), dict):
        raise Malformed("sharing must be an object")
    check_strings(patched["sharing"])
    return patched


ROUTES: Routes = (
    ("PATCH", "/metadata/sharing", patch_all_sharing),
    ("PATCH", "/{type:dhis2type}/sharing", patch_sharing),
)
