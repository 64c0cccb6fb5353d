"""`POST`, `PUT`, `PATCH` and `DELETE` on single objects (Web API 2.42, "Metadata endpoints").

Everything that is written goes through `store`: the import of metadata, with one strategy, under the caller's name.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

from adapters.contract import Access
from adapters.dhis2.bodies import read_json, read_object
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.opening import open_for_writing
from adapters.dhis2.objects.patching import apply_patch
from adapters.dhis2.objects.reading import wanted
from adapters.dhis2.objects.reports import object_reply
from adapters.dhis2.objects.rights import check_change, check_create, check_delete
from adapters.dhis2.objects.view import FETCHED, USERS, Document, View
from adapters.dhis2.parameters import flag
from adapters.dhis2.webmessage import web_message
from tracker_core import history, packages
from tracker_core.changes import PackageChange
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed
from tracker_core.issues import Report
from tracker_core.metadata.importing import Options
from tracker_core.metadata.importing.options import Strategy
from tracker_core.metadata.schema import TYPES, Type
from tracker_core.uids import is_uid, new_uid

Payload = Mapping[str, Sequence[Document]]
_PATCH_TYPES = ("application/json-patch+json", "application/json")


def create_object(access: Access, call: Call) -> Reply:
    """Create an object: 201 with its address. An id that is taken is a conflict (E5000)."""
    type, given = TYPES[call.captured["type"]], read_object(call)
    uid = given.setdefault("id", new_uid())
    if not isinstance(uid, str) or not is_uid(uid):
        raise Conflict(f"E4014 Invalid UID `{uid}` for property `id`")
    with access.session() as session:
        view = open_for_writing(session, call)
        check_create(view, type, given)
        report = store(session, view, call, {type.collection: [given]}, "CREATE")
    return object_reply(type, uid, report.issues, status=201, location=f"{view.base}/{type.collection}/{uid}")


def replace_object(access: Access, call: Call) -> Reply:
    """Replace an object by the body; `mergeMode=MERGE` keeps the properties that the body does not name."""
    given = read_object(call)
    merged = call.given.get("mergeMode", "").upper().startswith("MERGE")

    def change(stored: Document) -> Document:
        return {**(stored if merged else {}), **given, "id": stored["id"]}

    return change_object(access, call, change)


def patch_object(access: Access, call: Call) -> Reply:
    """Change an object by a JSON Patch (RFC 6902); 415 for any other kind of body."""
    if call.content_type.partition(";")[0].strip().lower() not in _PATCH_TYPES:
        text = f"the content type {call.content_type} is not offered; send {_PATCH_TYPES[0]}"
        return Reply(web_message(415, text), 415)
    operations = read_json(call)

    def change(stored: Document) -> Document:
        patched = apply_patch(dict(stored), operations)
        if patched.get("id") != stored["id"]:
            raise Malformed("Invalid patch path /id: the id of an object stays as it is")
        return patched

    return change_object(access, call, change)


def change_object(
    access: Access, call: Call, change: Callable[[Document], Document], *, success: Reply | None = None
) -> Reply:
    """Store what `change` makes of the object that the path names, and report on it; `success` is said instead."""
    type, uid = TYPES[call.captured["type"]], call.captured["uid"]
    with access.session() as session:
        view = open_for_writing(session, call)
        stored = stored_document(session, view, type, uid)
        check_change(view, type, stored)
        report = store(session, view, call, {type.collection: [change(stored)]}, "UPDATE")
    reply = object_reply(type, uid, report.issues)
    return success if success is not None and reply.status == 200 else reply


def delete_object(access: Access, call: Call) -> Reply:
    """Delete an object with its children; a conflict (E4030) when anything else refers to it or was captured for it."""
    type, uid = TYPES[call.captured["type"]], call.captured["uid"]
    with access.session() as session:
        view = open_for_writing(session, call)
        check_delete(view, type, stored_document(session, view, type, uid))
        if (type.collection, uid) == (USERS, view.actor.uid):
            raise Conflict("E4060 Object could not be deleted: nobody deletes their own account")
        report = store(session, view, call, {type.collection: [{"id": uid}]}, "DELETE")
    return object_reply(type, uid, report.issues)


def stored_document(session: Session, view: View, type: Type, uid: str) -> Document:
    """Return a copy of the whole document of an object that the caller sees. Raises `NotFound`."""
    found = wanted(session, view, type.collection, uid)
    if type.collection in FETCHED and view.full(type.collection, uid) is None and view.fetch(session):
        found = view.full(type.collection, uid) or found
    return deepcopy(found)


def store(session: Session, view: View, call: Call, payload: Payload, strategy: Strategy) -> Report:
    """Import `payload` (collection -> documents), or delete it, under the caller's name: all or nothing."""
    context = history.open_change_set(session, actor=view.actor.username)
    options = Options(
        strategy=strategy,
        skip_sharing=flag(call.given, "skipSharing", default=False),
        skip_translation=flag(call.given, "skipTranslation", default=False),
        skip_validation=flag(call.given, "skipValidation", default=False),
    )
    report = packages.bring_in(session, context, PackageChange(dict(payload), options), view.actor)
    if report.errors:
        session.rollback()
    return report
