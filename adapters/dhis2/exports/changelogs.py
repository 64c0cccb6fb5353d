"""Change logs of tracked entities, enrollments and events (Web API 2.42, "Change logs")."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.contract import Access
from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.exports.parameters import order
from adapters.dhis2.exports.serving import checked_uid, named_program
from adapters.dhis2.fields import parse_fields, select
from adapters.dhis2.lists import envelope, read_paging
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.metadata import Metadata, Program
from tracker_core.tracker.changelog import Entry, enrollment_log, entity_log, event_log
from tracker_core.tracker.resolving import parse_moment
from tracker_core.tracker.search import find
from tracker_core.tracker.visibility import Kind, sight_of
from tracker_core.uids import is_uid

_DEFAULT = "change,createdAt,createdBy,type"
# What the value of a change is called, by its kind.
_NAMED = {
    "attributeValue": "attribute",
    "dataValue": "dataElement",
    "eventField": "field",
    "enrollmentField": "field",
}
_KEYS: dict[str, Callable[[Entry], Any]] = {
    "createdAt": lambda entry: entry.at,
    "username": lambda entry: str(entry.by.get("username") or ""),
    "attribute": lambda entry: entry.name,
    "change": lambda entry: entry.name,
}
_ORDERS: dict[Kind, tuple[str, ...]] = {
    "trackedEntity": ("createdAt", "username", "attribute"),
    "enrollment": ("createdAt", "username", "change"),
    "event": ("createdAt", "username", "change"),
}
_FILTERS: dict[Kind, tuple[str, ...]] = {
    "trackedEntity": ("attribute", "username"),
    "enrollment": ("field", "username"),
    "event": ("dataElement", "field", "username"),
}


def list_entity_changes(access: Access, call: Call) -> Reply:
    """What changed in the attributes of a tracked entity: those of its type, with `program` the program's too."""
    return _list(access, call, "trackedEntity")


def list_enrollment_changes(access: Access, call: Call) -> Reply:
    """What changed in the fields of an enrollment."""
    return _list(access, call, "enrollment")


def list_event_changes(access: Access, call: Call) -> Reply:
    """What changed in the data values, dates and geometry of an event."""
    return _list(access, call, "event")


def _list(access: Access, call: Call, kind: Kind) -> Reply:
    wanted, paging = checked_uid(call), read_paging(call.given)
    fields = parse_fields(call.given.get("fields") or _DEFAULT)
    keys, keep = _order(call, kind), _filter(call, kind)
    with access.session() as session:
        sight = sight_of(session, call.user.username)
        program = named_program(call, sight.known) if kind == "trackedEntity" else None
        pk = find(session, sight, kind, wanted, program)
        found = [entry for entry in _read(session, sight.known, kind, pk, program) if keep(entry)]
    for name, down in reversed(keys):
        found.sort(key=_KEYS[name], reverse=down)
    page = found[paging.offset :][: paging.limit] if paging.number else found
    shown = select(fields, [_document(entry) for entry in page])
    return Reply(envelope("changeLogs", shown, paging, call.url, call.pairs, len(found) if paging.total else None))


def _read(session: Session, known: Metadata, kind: Kind, pk: int, program: Program | None) -> list[Entry]:
    if kind == "enrollment":
        return enrollment_log(session, pk)
    if kind == "event":
        row = session.execute("select program from event where pk = %s", (pk,)).fetchone()
        return event_log(session, pk) if row and _is_kept(known, "programs", row[0]) else []
    row = session.execute("select type from tracked_entity where pk = %s", (pk,)).fetchone()
    type = known.entity_types.get(known.uids[row[0]]) if row else None
    if type is None or not _is_kept(known, "trackedEntityTypes", type.pk):
        return []
    return entity_log(session, pk, {*type.attributes, *(program.attributes if program else ())})


def _is_kept(known: Metadata, type: str, pk: int) -> bool:
    """Tell whether changes are shown: not when the program or type switches its change log off."""
    found = known.get(type, known.uids[pk])
    return found is None or found.doc.get("enableChangeLog") is not False


def _order(call: Call, kind: Kind) -> list[tuple[str, bool]]:
    keys, offered = order(call.given), _ORDERS[kind]
    supported = f"Supported fields are '{', '.join(sorted(offered))}'. All of which can at most be specified once."
    names = [name for name, _ in keys]
    if wrong := [name for name in names if name not in offered]:
        raise Malformed(f"order parameter is invalid. Cannot order by '{', '.join(wrong)}'. {supported}")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise Malformed(f"order parameter is invalid. '{', '.join(repeated)}' are repeated. {supported}")
    return keys or [("createdAt", True)]


def _filter(call: Call, kind: Kind) -> Callable[[Entry], bool]:
    """Read `filter=field:eq:value`, one at a time. Raises `Malformed` in DHIS2's words."""
    text, offered = call.given.get("filter", "").strip(), _FILTERS[kind]
    if not text:
        return lambda _: True
    parts, names = text.split(":"), ", ".join(offered)
    if len(parts) != 3 or len([key for key, _ in call.pairs if key == "filter"]) > 1:
        raise Malformed(
            f"Invalid filter => {text}. Expected format is [field]:eq:[value]. Supported fields are '{names}'."
            " Only one of them can be specified at a time"
        )
    field, operator, value = parts
    if field not in offered:
        raise Malformed(
            f"Invalid filter field. Supported fields are '{names}'. Only one of them can be specified at a time"
        )
    if operator.lower() != "eq":
        raise Malformed("Invalid filter operator. The only supported operator is 'eq'.")
    if field in ("attribute", "dataElement") and not is_uid(value):
        raise Malformed(
            f"Incorrect filter value provided as UID: {value}. UID must be an alphanumeric string of 11 characters"
            " starting with a letter."
        )
    if field == "username":
        return lambda entry: entry.by.get("username") == value
    return lambda entry: _NAMED[entry.kind] == field and entry.name == value


def _document(entry: Entry) -> dict[str, Any]:
    change = {_NAMED[entry.kind]: entry.name}
    change |= {"previousValue": _text(entry.previous)} if entry.type != "CREATE" else {}
    change |= {"currentValue": _text(entry.current)} if entry.type != "DELETE" else {}
    user = {name: value for name, value in entry.by.items() if value is not None}
    return {"createdBy": user, "createdAt": entry.at, "type": entry.type, "change": {entry.kind: change}}


def _text(value: Any) -> str:
    """Write a value as text: times as `yyyy-MM-dd HH:mm:ss.SSS`, points as `(longitude, latitude)`."""
    if isinstance(value, dict):
        return _points(value.get("coordinates") or ())
    moment = value if isinstance(value, datetime) else None
    if isinstance(value, str) and value[10:11] == "T":
        moment = parse_moment(value)
    if moment is not None:
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _points(coordinates: Sequence[Any]) -> str:
    if coordinates and not isinstance(coordinates[0], list):
        return f"({', '.join(str(number) for number in coordinates)})"
    return ", ".join(_points(inner) for inner in coordinates)
