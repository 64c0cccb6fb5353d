"""Reading tracked entities, enrollments and events (Web API 2.42, "Tracker export")."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply, Routes
from adapters.dhis2.fields import Fields, parse_fields, select, wants
from adapters.dhis2.lists import Kind, envelope, read_paging, read_query, uid
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.tracker import documents
from tracker_core.tracker.documents import Document, Parts
from tracker_core.tracker.searching import Query, count, search
from tracker_core.uids import is_uid

_DEFAULTS: dict[Kind, str] = {
    "trackedEntity": "*,!relationships,!enrollments,!events,!programOwners",
    "enrollment": "*,!relationships,!events,!attributes",
    "event": "*,!relationships",
}
_LISTS: dict[Kind, str] = {"trackedEntity": "trackedEntities", "enrollment": "enrollments", "event": "events"}
_NAMES: dict[Kind, str] = {"trackedEntity": "TrackedEntity", "enrollment": "Enrollment", "event": "Event"}


def list_entities(access: Access, call: Call) -> Reply:
    """One page of tracked entities; a program, a type or the entities themselves must be named."""
    if not any(call.given.get(name) for name in ("program", "trackedEntityType", "trackedEntities")):
        raise Malformed("Either program, trackedEntityType or trackedEntities should be specified")
    return _list(access, call, "trackedEntity")


def list_enrollments(access: Access, call: Call) -> Reply:
    """One page of enrollments."""
    return _list(access, call, "enrollment")


def list_events(access: Access, call: Call) -> Reply:
    """One page of events, of tracker and event programs alike."""
    return _list(access, call, "event")


def read_entity(access: Access, call: Call) -> Reply:
    """One tracked entity; with `program` also that program's attributes, and only its enrollments."""
    return _read(access, call, "trackedEntity")


def read_enrollment(access: Access, call: Call) -> Reply:
    """One enrollment."""
    return _read(access, call, "enrollment")


def read_event(access: Access, call: Call) -> Reply:
    """One event."""
    return _read(access, call, "event")


def _read(access: Access, call: Call, kind: Kind) -> Reply:
    wanted = call.captured["uid"]
    if not is_uid(wanted):
        raise Malformed(
            f"Value '{wanted}' is not valid for path parameter uid. UID must be an alphanumeric string of 11"
        )
    fields = parse_fields(call.given.get("fields") or _DEFAULTS[kind])
    with access.session() as session:
        pks = search(session, Query(kind, uids=[wanted], deleted=True), limit=1)
        found = _load(session, kind, pks, fields, uid(call.given, "program"), deleted=False)
    if not found:
        raise NotFound(f"{_NAMES[kind]} with id {wanted} could not be found.")
    return Reply(select(fields, found[0]))


def _list(access: Access, call: Call, kind: Kind) -> Reply:
    fields = parse_fields(call.given.get("fields") or _DEFAULTS[kind])
    query, paging = read_query(kind, call.pairs), read_paging(call.given)
    with access.session() as session:
        pks = search(session, query, limit=paging.limit, offset=paging.offset)
        total = count(session, query) if paging.total else None
        docs = _load(session, kind, pks, fields, query.program, deleted=query.deleted)
    return Reply(envelope(_LISTS[kind], select(fields, docs), paging, call.url, call.given, total))


def _load(
    session: Session, kind: Kind, pks: list[int], fields: Fields, program: str, *, deleted: bool
) -> list[Document]:
    """Load the documents of `pks` in their order, with the parts that `fields` asks for."""
    parts = _parts(kind, fields, deleted=deleted)
    readers: Mapping[Kind, Callable[[], dict[int, Any]]] = {
        "trackedEntity": lambda: documents.entities(session, pks, parts, program),
        "enrollment": lambda: documents.enrollments(session, pks, parts),
        "event": lambda: documents.events(session, pks, parts),
    }
    found = readers[kind]()
    return [found[pk] for pk in pks if pk in found]


def _parts(kind: Kind, fields: Fields, *, deleted: bool) -> Parts:
    below = ("enrollments",) if kind == "trackedEntity" else ()
    return Parts(
        attributes=wants(fields, "attributes") or (bool(below) and wants(fields, *below, "attributes")),
        enrollments=kind == "trackedEntity" and wants(fields, "enrollments"),
        events=kind != "event" and wants(fields, *below, "events"),
        relationships=wants(fields, "relationships") or (bool(below) and wants(fields, *below, "relationships")),
        owners=kind == "trackedEntity" and wants(fields, "programOwners"),
        deleted=deleted,
    )


ROUTES: Routes = (
    ("GET", "/tracker/trackedEntities", list_entities),
    ("GET", "/tracker/trackedEntities/{uid}", read_entity),
    ("GET", "/tracker/enrollments", list_enrollments),
    ("GET", "/tracker/enrollments/{uid}", read_enrollment),
    ("GET", "/tracker/events", list_events),
    ("GET", "/tracker/events/{uid}", read_event),
)
