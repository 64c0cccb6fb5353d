"""Reading tracker objects: one page of a kind, or a single one (Web API 2.42, "Tracker export")."""

from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.exports.formats import Form, form_of, has_header, send
from adapters.dhis2.exports.parts import read_parts
from adapters.dhis2.exports.queries import enrollment_query, entity_query, event_query, relationship_query
from adapters.dhis2.exports.schemes import name_by, read_schemes
from adapters.dhis2.exports.tables import entity_table, event_table
from adapters.dhis2.fields import Fields, parse_fields, select
from adapters.dhis2.lists import Paging, envelope, read_paging, uid
from adapters.dhis2.webmessage import encode
from tracker_core import settings
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.metadata import Metadata, Program
from tracker_core.tracker import documents
from tracker_core.tracker.documents import Document
from tracker_core.tracker.search import Query, check, count, find, note_audited, search
from tracker_core.tracker.visibility import Kind, Sight, sight_of
from tracker_core.uids import is_uid

_SIDE = "[trackedEntity[trackedEntity],enrollment[enrollment],event[event]]"
_DEFAULTS: dict[Kind, str] = {
    "trackedEntity": "*,!relationships,!enrollments,!events,!programOwners",
    "enrollment": "*,!relationships,!events,!attributes",
    "event": "*,!relationships",
    "relationship": f"relationship,relationshipType,createdAtClient,from{_SIDE},to{_SIDE}",
}
_LISTS: dict[Kind, str] = {
    "trackedEntity": "trackedEntities",
    "enrollment": "enrollments",
    "event": "events",
    "relationship": "relationships",
}
_MOST = "KeyTrackedEntityMaxLimit"


def list_entities(access: Access, call: Call) -> Reply:
    """One page of tracked entities; a program, a type or the entities themselves must be named."""
    return _list(access, call, "trackedEntity")


def list_enrollments(access: Access, call: Call) -> Reply:
    """One page of enrollments."""
    return _list(access, call, "enrollment")


def list_events(access: Access, call: Call) -> Reply:
    """One page of events, of tracker and event programs alike."""
    return _list(access, call, "event")


def list_relationships(access: Access, call: Call) -> Reply:
    """One page of the relationships of an object, in either direction."""
    return _list(access, call, "relationship")


def read_entity(access: Access, call: Call) -> Reply:
    """One tracked entity; with `program` also that program's attributes, and only its enrollments."""
    return _read(access, call, "trackedEntity")


def read_enrollment(access: Access, call: Call) -> Reply:
    """One enrollment."""
    return _read(access, call, "enrollment")


def read_event(access: Access, call: Call) -> Reply:
    """One event."""
    return _read(access, call, "event")


def read_relationship(access: Access, call: Call) -> Reply:
    """One relationship."""
    return _read(access, call, "relationship")


def checked_uid(call: Call) -> str:
    """Return the uid in the path. Raises `Malformed`."""
    wanted = call.captured["uid"]
    if not is_uid(wanted):
        raise Malformed(
            f"Value '{wanted}' is not valid for path parameter uid. UID must be an alphanumeric string of 11"
            " characters starting with a letter."
        )
    return wanted


def named_program(call: Call, known: Metadata) -> Program | None:
    """Return the tracker program that `program` names. Raises `Malformed`."""
    named = uid(call.given, "program")
    program = known.programs.get(named)
    if named and program is None:
        raise Malformed(f"Program is specified but does not exist: {named}")
    if program is not None and not program.registration:
        raise Malformed(f"Program specified is not a tracker program: {named}")
    return program


def _read(access: Access, call: Call, kind: Kind) -> Reply:
    wanted, schemes = checked_uid(call), read_schemes(call.given)
    fields = parse_fields(call.given.get("fields") or _DEFAULTS[kind])
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        program = named_program(call, sight.known) if kind == "trackedEntity" else None
        pk = find(session, sight, kind, wanted, program)
        note_audited(session, sight, pk, program)
        [found] = _load(session, sight, kind, [pk], fields, program.uid if program else "", deleted=False)
        name_by(session, sight.known, schemes, [found])
    return Reply(select(fields, _present(found)))


def _list(access: Access, call: Call, kind: Kind) -> Reply:
    form, schemes, paging = form_of(call), read_schemes(call.given), read_paging(call.given)
    fields = parse_fields(call.given.get("fields") or _DEFAULTS[kind])
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        query = _query(kind, call, sight.known)
        most = _most(session, paging) if kind == "trackedEntity" else None
        sight = check(session, sight, query)
        pks = search(session, sight, query, limit=paging.limit or most, offset=paging.offset)
        total = count(session, sight, query) if paging.total else None
        shown = pks[: paging.size] if paging.number else pks
        docs = _load(session, sight, kind, shown, fields, uid(call.given, "program"), deleted=query.deleted)
        name_by(session, sight.known, schemes, docs)
    return _answer(call, kind, form, fields, docs, paging, total, more=len(pks) > len(shown))


def _query(kind: Kind, call: Call, known: Metadata) -> Query:
    if kind == "trackedEntity":
        return entity_query(call.pairs)
    if kind == "enrollment":
        return enrollment_query(call.pairs)
    return event_query(call.pairs, known) if kind == "event" else relationship_query(call.pairs)


def _most(session: Session, paging: Paging) -> int | None:
    """Return how many tracked entities one answer may hold by the system's settings; None for as many as there are."""
    value = settings.read_system(session).get(_MOST)
    most = int(value) if isinstance(value, int | str) and str(value).isdigit() else 0
    if most and paging.number and paging.size > most:
        raise Malformed(f"Invalid page size: {paging.size}. It must not exceed the system limit of {_MOST} {most}.")
    return most or None


def _load(
    session: Session, sight: Sight, kind: Kind, pks: list[int], fields: Fields, program: str, *, deleted: bool
) -> list[Document]:
    """Load the documents of `pks` in their order, with the parts that `fields` asks for."""
    parts = read_parts(kind, fields, deleted=deleted)
    if kind == "trackedEntity":
        found = documents.entities(session, pks, parts, program, sight=sight)
    elif kind == "enrollment":
        found = documents.enrollments(session, pks, parts, sight=sight)
    elif kind == "event":
        found = documents.events(session, pks, parts, sight=sight)
    else:
        found = documents.relationships(session, pks, parts.sides, sight=sight)
    return [found[pk] for pk in pks if pk in found]


def _answer(
    call: Call,
    kind: Kind,
    form: Form,
    fields: Fields,
    docs: list[Document],
    paging: Paging,
    total: int | None,
    *,
    more: bool,
) -> Reply:
    name = _LISTS[kind]
    if form.text == "csv":
        table = entity_table if kind == "trackedEntity" else event_table
        return send(call, name, form, lambda: table(docs, header=has_header(call)))
    page = envelope(name, select(fields, _present(docs)), paging, call.url, call.pairs, total, more=more)
    return send(call, name, form, lambda: encode(page)) if form.packed else Reply(page)


def _present(value: Any) -> Any:
    """Return a document without what has no value, at any depth: DHIS2 leaves such properties out."""
    if isinstance(value, dict):
        return {name: _present(item) for name, item in value.items() if item is not None}
    return [_present(item) for item in value] if isinstance(value, list) else value
