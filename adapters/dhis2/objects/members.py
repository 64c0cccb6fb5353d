"""Collections of an object: `/api/programs/{uid}/organisationUnits` and their items (Web API 2.42).

A collection that the other side holds (`/api/dataElements/{uid}/dataElementGroups`) is changed there.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from adapters.contract import Access
from adapters.dhis2.bodies import read_object
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.opening import open_for_writing, open_view
from adapters.dhis2.objects.properties import reference_reader
from adapters.dhis2.objects.reading import wanted
from adapters.dhis2.objects.reports import object_reply
from adapters.dhis2.objects.rights import check_change
from adapters.dhis2.objects.selection import selection
from adapters.dhis2.objects.view import Document, View, rendered
from adapters.dhis2.objects.writing import store, stored_document
from adapters.dhis2.webmessage import web_message
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.schema import TYPES, Property, Type


def read_item(access: Access, call: Call) -> Reply:
    """One item of a collection, as `fields` asks. Raises `NotFound` for what is no item."""
    type, found = collection_of(call)
    item = call.captured["item"]
    with access.session() as session:
        view = open_view(session, call)
        if item not in _items(session, view, type, found, call.captured["uid"]):
            raise NotFound(f"{TYPES[found.target].name} with id {item} could not be found in {found.name}.")
        show = selection(found.target, call.given.get("fields") or ":all")
        shown = rendered(session, view, show, [wanted(session, view, found.target, item)])
    return Reply({found.name: shown})


def add_item(access: Access, call: Call) -> Reply:
    """Add one object to a collection; adding it again changes nothing."""
    return _change(access, call, added=[call.captured["item"]], dropped=[])


def drop_item(access: Access, call: Call) -> Reply:
    """Take one object out of a collection."""
    return _change(access, call, added=[], dropped=[call.captured["item"]])


def change_items(access: Access, call: Call) -> Reply:
    """Add `additions` (or `identifiableObjects`) to a collection and take `deletions` out."""
    body = read_object(call)
    added = [*_ids(body, "additions"), *_ids(body, "identifiableObjects")]
    return _change(access, call, added=added, dropped=_ids(body, "deletions"))


def replace_items(access: Access, call: Call) -> Reply:
    """Let a collection hold `identifiableObjects` and nothing else."""
    return _change(access, call, added=_ids(read_object(call), "identifiableObjects"), dropped=None)


def drop_items(access: Access, call: Call) -> Reply:
    """Take `identifiableObjects` out of a collection."""
    return _change(access, call, added=[], dropped=_ids(read_object(call), "identifiableObjects"))


def _ids(body: dict[str, Any], name: str) -> list[str]:
    listed = body.get(name, [])
    if not isinstance(listed, list) or not all(reference(item) for item in listed):
        raise Malformed(f"{name} must be a list of objects with an id")
    return [reference(item) for item in listed]


def collection_of(call: Call) -> tuple[Type, Property]:
    """Return the type and the collection that the path names. Raises `NotFound`, or `Malformed` when it is none."""
    type, name = TYPES[call.captured["type"]], call.captured["property"]
    found = type.properties.get(name)
    if found is None:
        raise NotFound(f"Property {name} does not exist on {type.name}")
    if found.kind != "refs":
        raise Malformed(f"Property {name} of {type.name} is no collection of objects")
    return type, found


def _items(session: Session, view: View, type: Type, found: Property, uid: str) -> list[str]:
    doc = stored_document(session, view, type, uid)
    shown = rendered(session, view, reference_reader(type, found, None), [doc])[0]
    return [item["id"] for item in shown]


def _change(access: Access, call: Call, *, added: Iterable[str], dropped: Iterable[str] | None) -> Reply:
    """Add and drop items; `dropped` None drops all that are not added."""
    type, found = collection_of(call)
    uid = call.captured["uid"]
    with access.session() as session:
        view = open_for_writing(session, call)
        check_change(view, type, wanted(session, view, type.collection, uid))
        before = _items(session, view, type, found, uid)
        for item in added:
            wanted(session, view, found.target, item)
        gone = set(before if dropped is None else dropped) - set(added)
        after = [item for item in dict.fromkeys([*before, *added]) if item not in gone]
        counts = {"created": len(set(after) - set(before)), "deleted": len(set(before) - set(after))}
        changed = _holders(session, view, type, found, uid, before, after) if any(counts.values()) else {}
        report = store(session, view, call, changed, "UPDATE") if changed else None
    if report is not None and report.errors:
        return object_reply(type, uid, report.issues)
    stats = {**counts, "updated": 0, "ignored": 0, "total": sum(counts.values())}
    return Reply(web_message(200, response={"responseType": "TypeReport", "klass": type.klass, "stats": stats}))


def _holders(
    session: Session, view: View, type: Type, found: Property, uid: str, before: list[str], after: list[str]
) -> dict[str, list[Document]]:
    """Return the documents that hold the collection, as they are to be: of the object, or of its items."""
    if found.owner or not found.mirror:
        doc = dict(stored_document(session, view, type, uid))
        doc[found.name] = [{"id": item} for item in after]
        return {type.collection: [doc]}
    target, changed = TYPES[found.target], []
    for item in sorted(set(before) ^ set(after)):
        doc = dict(stored_document(session, view, target, item))
        check_change(view, target, doc)
        changed.append(_mirrored(doc, target.properties[found.mirror], uid, held=item in after))
    return {target.collection: changed}


def _mirrored(doc: dict[str, Any], mirror: Property, uid: str, *, held: bool) -> Document:
    """Return the document of an item that holds `uid`, or holds it no longer."""
    if mirror.kind == "ref":
        return {**doc, mirror.name: {"id": uid}} if held else {k: v for k, v in doc.items() if k != mirror.name}
    listed = [item for item in deepcopy(doc.get(mirror.name) or []) if reference(item) != uid]
    return {**doc, mirror.name: [*listed, {"id": uid}] if held else listed}
