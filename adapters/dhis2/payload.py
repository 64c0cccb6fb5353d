"""Tracker payloads, nested or flat, as changes (Web API 2.42, "Payload forms")."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from adapters.contract import Envelope, Reading, Sender
from adapters.dhis2.csv_events import parse_events
from adapters.dhis2.packed import unpack
from adapters.dhis2.parameters import read_parameters
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.errors import Malformed
from tracker_core.tracker.resolving import parse_moment
from tracker_core.uids import is_uid, new_uid

Doc = Mapping[str, Any]
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_LISTS = ("trackedEntities", "enrollments", "events", "relationships")
# An update replaces these even where the payload leaves them out.
_REPLACED = {"trackedEntity": ("geometry",), "enrollment": ("occurredAt", "geometry")}
_EVENT_REPLACED = ("occurredAt", "scheduledAt", "geometry")
_ENTITY_FIELDS = ("inactive", "potentialDuplicate", "createdAtClient", "updatedAtClient")
_ENROLLMENT_FIELDS = ("status", "completedAt", "followUp", "createdAtClient", "updatedAtClient")
_EVENT_FIELDS = ("status", "completedAt", "attributeOptionCombo", "createdAtClient", "updatedAtClient")
_DATES = ("occurredAt", "scheduledAt", "completedAt", "createdAtClient", "updatedAtClient")


def parse(raw: bytes, envelope: Envelope) -> dict[str, Any]:
    """Parse a tracker payload, JSON or the CSV of events, plain or packed; numbers keep their digits.

    Raises `Malformed`.
    """
    raw = unpack(raw)
    document = _parse_csv(raw, envelope) if is_csv(envelope.content_type) else _parse_json(raw)
    if b"\\u0000" in raw or b"\0" in raw:
        raise Malformed("the body holds the character U+0000, which cannot be stored")
    return document


def is_csv(content_type: str) -> bool:
    """Tell whether a content type is one of CSV."""
    return content_type.partition(";")[0].strip().lower().partition("+")[0] in ("text/csv", "application/csv")


def _parse_csv(raw: bytes, envelope: Envelope) -> dict[str, Any]:
    return parse_events(raw, header=read_parameters(envelope.parameters).header)


def _parse_json(raw: bytes) -> dict[str, Any]:
    try:
        document = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed("a tracker payload is a JSON object with trackedEntities, enrollments, events, relationships")
    return document


def read(document: dict[str, Any], sender: Sender) -> Reading:
    """Read a payload into changes, children after their parents. Raises `Malformed` for what is not of its shape."""
    asked = read_parameters(sender.parameters)
    changes = ChangeSet(
        atomic=asked.atomic,
        strategy=asked.strategy,
        validation=asked.validation,
        schemes=asked.schemes,
        patterns=asked.patterns,
    )
    for doc, where in _items(document, "trackedEntities", ""):
        _read_entity(changes, doc, where)
    for doc, where in _items(document, "enrollments", ""):
        _read_enrollment(changes, doc, where, "")
    for doc, where in _items(document, "events", ""):
        _read_event(changes, doc, where, {})
    _read_relationships(changes, document, "")
    return Reading(changes, dry_run=not asked.commit)


def _read_entity(changes: ChangeSet, doc: Doc, where: str) -> None:
    uid = _uid(doc, "trackedEntity", where) or new_uid()
    fields = _fields(doc, _ENTITY_FIELDS, _REPLACED["trackedEntity"], where)
    change = EntityChange(
        uid, _key(doc, "trackedEntityType", where), _key(doc, "orgUnit", where), _attributes(doc, where), fields
    )
    change.where = where
    changes.entities.append(change)
    for item, place in _items(doc, "enrollments", where):
        _read_enrollment(changes, item, place, uid)
    _read_relationships(changes, doc, where)


def _read_enrollment(changes: ChangeSet, doc: Doc, where: str, entity: str) -> None:
    uid = _uid(doc, "enrollment", where) or new_uid()
    change = EnrollmentChange(
        uid,
        _uid(doc, "trackedEntity", where) or entity,
        _key(doc, "program", where),
        _key(doc, "orgUnit", where),
        _date(doc, "enrolledAt", where) or "",
        _attributes(doc, where),
        _fields(doc, _ENROLLMENT_FIELDS, _REPLACED["enrollment"], where),
        where=where,
    )
    if notes := _notes(doc, where):
        change.fields["notes"] = notes
    changes.enrollments.append(change)
    for item, place in _items(doc, "events", where):
        _read_event(changes, item, place, {"enrollment": uid, "program": change.program})
    _read_relationships(changes, doc, where)


def _read_event(changes: ChangeSet, doc: Doc, where: str, above: Mapping[str, str]) -> None:
    data: dict[str, str | None] = {}
    elsewhere: dict[str, bool] = {}
    for item in _listed(doc, "dataValues", where):
        element = _key(item, "dataElement", where)
        data[element] = _value(item, where)
        if "providedElsewhere" in item:
            elsewhere[element] = bool(item["providedElsewhere"])
    fields = _fields(doc, _EVENT_FIELDS, _EVENT_REPLACED, where)
    fields["assignedUser"] = _assigned(doc, where)
    if options := doc.get("attributeCategoryOptions"):
        fields["attributeCategoryOptions"] = _separated(options, where)
    if elsewhere:
        fields["providedElsewhere"] = elsewhere
    if notes := _notes(doc, where):
        fields["notes"] = notes
    change = EventChange(
        _uid(doc, "event", where) or new_uid(),
        _uid(doc, "enrollment", where) or above.get("enrollment", ""),
        _key(doc, "program", where) or above.get("program", ""),
        _key(doc, "programStage", where),
        _key(doc, "orgUnit", where),
        data,
        fields,
        where=where,
    )
    changes.events.append(change)
    _read_relationships(changes, doc, where)


def _read_relationships(changes: ChangeSet, doc: Doc, above: str) -> None:
    for item, where in _items(doc, "relationships", above):
        change = RelationshipChange(
            _uid(item, "relationship", where) or new_uid(),
            _key(item, "relationshipType", where),
            _side(item.get("from"), where),
            _side(item.get("to"), where),
            _fields(item, ("createdAtClient",), (), where),
            where=where,
        )
        changes.relationships.append(change)


def _side(value: Any, where: str) -> tuple[str, str]:
    """Read one side; one that names several objects has no kind, which the import refuses (E4001)."""
    if not value:
        return "", ""
    if not isinstance(value, dict):
        raise Malformed("a side of a relationship is an object", where)
    named = [(kind, value[kind]) for kind in ("trackedEntity", "enrollment", "event") if value.get(kind)]
    if len(named) != 1:
        return "", "several" if named else "none"
    kind, item = named[0]
    uid = item.get(kind) if isinstance(item, dict) else item
    return kind, uid if isinstance(uid, str) else ""


def _listed(doc: Doc, name: str, where: str) -> Sequence[Doc]:
    """Return objects without their places: values are many, and telling a place costs as much as reading one."""
    items = doc.get(name)
    if items is None:
        return ()
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Malformed(f"{name} must be a list of objects", where)
    return items


def _items(doc: Doc, name: str, above: str) -> Iterator[tuple[Doc, str]]:
    items = doc.get(name)
    if items is None:
        return
    place = f"{above}.{name}" if above else name
    if not isinstance(items, list):
        raise Malformed(f"{name} must be a list", place)
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise Malformed(f"{name} must be a list of objects", f"{place}[{index}]")
        yield item, f"{place}[{index}]"


def _uid(doc: Doc, name: str, where: str) -> str:
    value = doc.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _has_form(value):
        raise Malformed(
            f"{name} must be a UID, which is 11 letters and digits that start with a letter: {value}", where
        )
    return value


def _key(doc: Doc, name: str, where: str) -> str:
    """Return what names an object of the metadata, in whichever id scheme."""
    value = doc.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{name} must be a text that names the object: {value}", where)
    return value


def _separated(value: Any, where: str) -> list[str]:
    """Return category options, which stand in one text: commas between them, semicolons in older clients."""
    if not isinstance(value, str):
        raise Malformed("attributeCategoryOptions is a text, its category options separated by commas", where)
    return [key for part in value.split(";") for item in part.split(",") if (key := item.strip())]


@lru_cache(maxsize=8_192)  # the metadata's uids stand in every item
def _has_form(text: str) -> bool:
    return is_uid(text)


def _attributes(doc: Doc, where: str) -> dict[str, str | None]:
    return {_key(item, "attribute", where): _value(item, where) for item in _listed(doc, "attributes", where)}


def _value(item: Doc, where: str) -> str | None:
    value = item.get("value")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    raise Malformed("a value is text, a number or a boolean", where)


def _fields(doc: Doc, optional: tuple[str, ...], replaced: tuple[str, ...], where: str) -> dict[str, Any]:
    fields = {name: doc[name] for name in optional if doc.get(name) is not None}
    fields.update({name: _floats(doc.get(name)) for name in replaced})
    for name in _DATES:
        if fields.get(name) is not None:
            fields[name] = _date(doc, name, where)
    return fields


def _date(doc: Doc, name: str, where: str) -> str | None:
    value = doc.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or parse_moment(value) is None:
        raise Malformed(f"{name} must be an ISO 8601 date or date-time: {value}", where)
    return value


def _notes(doc: Doc, where: str) -> list[dict[str, str]]:
    return [
        {"note": _uid(item, "note", at), "value": str(item["value"])}
        for item, at in _items(doc, "notes", where)
        if item.get("value")
    ]


def _assigned(doc: Doc, where: str) -> str | None:
    user = doc.get("assignedUser")
    if not user:
        return None
    if not isinstance(user, dict):
        raise Malformed("assignedUser is an object with uid or username", where)
    return str(user.get("username") or user.get("uid") or "") or None


def _floats(value: Any) -> Any:
    """Return a geometry with plain numbers: it is stored as JSON."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_floats(item) for item in value]
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    return value
