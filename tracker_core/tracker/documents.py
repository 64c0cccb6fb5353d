"""Tracker objects as documents under DHIS2's names (Web API 2.42, "Tracker object model"), read as sets.

Times are aware datetimes; how they are written is the format's concern. Every function takes pks and returns documents
by pk; what does not exist is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core import metadata
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker.loading import uids_of
from tracker_core.tracker.ownership import owners
from tracker_core.tracker.provenance import Stamp, actors, users_of, value_stamps

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """Which nested parts to read: each costs a query. `deleted` includes softly deleted parts."""

    attributes: bool = True
    enrollments: bool = False
    events: bool = False
    relationships: bool = False
    owners: bool = False
    deleted: bool = False


@dataclass(slots=True)
class _Reader:
    session: Session
    metadata: Metadata
    parts: Parts


def entities(session: Session, pks: Iterable[int], parts: Parts, program: str = "") -> dict[int, Document]:
    """Return tracked entities with the parts asked for.

    Attributes are those of the type; with `program` (uid) also the program's, and only its enrollments.
    """
    reader = _Reader(session, metadata.load(session), parts)
    found = _read_entities(reader, list(pks), program)
    _name_actors(reader, found.values())
    return found


def enrollments(session: Session, pks: Iterable[int], parts: Parts) -> dict[int, Document]:
    """Return enrollments; `attributes` are those of the program that their entities have."""
    reader = _Reader(session, metadata.load(session), parts)
    found = _read_enrollments(reader, "n.pk = any(%b)", list(pks), {})
    _name_actors(reader, found.values())
    return found


def events(session: Session, pks: Iterable[int], parts: Parts) -> dict[int, Document]:
    """Return events with their data values; each value tells who set it and when."""
    reader = _Reader(session, metadata.load(session), parts)
    found = _read_events(reader, "v.pk = any(%b)", list(pks))
    _name_actors(reader, found.values())
    return found


def relationships(session: Session, pks: Iterable[int], *, deleted: bool = False) -> dict[int, Document]:
    """Return relationships, each side named by uid."""
    reader = _Reader(session, metadata.load(session), Parts(deleted=deleted))
    return {doc.pop("_pk"): doc for doc in _read_relationships(reader, "r.pk = any(%b)", (list(pks),))}


def _alive(reader: _Reader, alias: str) -> str:
    return "" if reader.parts.deleted else f" and not {alias}.deleted"


def _read_entities(reader: _Reader, pks: list[int], program: str) -> dict[int, Document]:
    uids, found = reader.metadata.uids, {}
    for row in reader.session.execute(
        "select t.pk, t.uid, t.type, t.org_unit, t.inactive, t.potential_duplicate, t.geometry, t.deleted,"
        " t.created_at_client, t.updated_at_client, t.created, t.updated, t.created_in, t.updated_in"
        " from tracked_entity t where t.pk = any(%b)",
        (pks,),
    ):
        found[row[0]] = {
            "trackedEntity": row[1],
            "trackedEntityType": uids[row[2]],
            "createdAt": row[10],
            "createdAtClient": row[8],
            "updatedAt": row[11],
            "updatedAtClient": row[9],
            "orgUnit": uids[row[3]],
            "inactive": row[4],
            "deleted": row[7],
            "potentialDuplicate": row[5],
            "geometry": row[6],
            "createdBy": row[12],
            "updatedBy": row[13],
            "attributes": [],
            "enrollments": [],
            "relationships": [],
            "programOwners": [],
        }
    values = _read_attributes(reader, list(found)) if reader.parts.attributes else {}
    for pk, doc in found.items():
        doc["attributes"] = _of_type(reader.metadata, doc["trackedEntityType"], program, values.get(pk, []))
    if reader.parts.enrollments:
        for enrolled in _read_enrollments(reader, "n.entity = any(%b)", list(found), values).values():
            doc = found[enrolled.pop("_entity")]
            if program in ("", enrolled["program"]):
                doc["enrollments"].append(enrolled)
    if reader.parts.owners:
        for (pk, owned), unit in owners(reader.session, found).items():
            owner = {"orgUnit": uids[unit], "trackedEntity": found[pk]["trackedEntity"], "program": uids[owned]}
            found[pk]["programOwners"].append(owner)
    if reader.parts.relationships:
        _attach_relationships(reader, found)
    return found


def _of_type(known: Metadata, type: str, program: str, values: Sequence[Document]) -> list[Document]:
    entity_type, programs = known.entity_types.get(type), known.programs.get(program)
    shown = set(entity_type.attributes) if entity_type else set()
    shown |= set(programs.attributes) if programs else set()
    return [value for value in values if value["attribute"] in shown]


def _read_attributes(reader: _Reader, pks: list[int]) -> dict[int, list[Document]]:
    """Read the attribute values of entities; who set each is told by the change set that wrote it last."""
    found: dict[int, list[Document]] = {}
    uids, attributes = reader.metadata.uids, reader.metadata.attributes
    for entity, pk, value, created, updated, change_set in reader.session.execute(
        "select entity, attribute, value, created, updated, updated_in from attribute_value where entity = any(%b)"
        " order by entity, attribute",
        (pks,),
    ):
        attribute = attributes.get(uids.get(pk, ""))
        if attribute is None:
            continue
        doc = {
            "attribute": attribute.uid,
            "code": attribute.code,
            "displayName": attribute.name,
            "createdAt": created,
            "updatedAt": updated,
            "storedBy": change_set,
            "valueType": attribute.value_type,
            "value": value,
        }
        found.setdefault(entity, []).append(doc)
    return found


def _read_enrollments(
    reader: _Reader, condition: str, pks: list[int], values: dict[int, list[Document]]
) -> dict[int, Document]:
    """Read enrollments; `values` are attribute values by entity where the caller has read them already."""
    uids, found = reader.metadata.uids, {}
    for row in reader.session.execute(
        "select n.pk, n.uid, n.entity, t.uid, n.program, n.org_unit, n.status, n.enrolled_at, n.occurred_at,"
        " n.completed_at, n.completed_by, n.follow_up, n.geometry, n.notes, n.deleted, n.created_at_client,"
        " n.updated_at_client, n.created, n.updated, n.created_in, n.updated_in from enrollment n"
        f" join tracked_entity t on t.pk = n.entity where {condition}{_alive(reader, 'n')} order by n.pk",
        (pks,),
    ):
        found[row[0]] = {
            "_entity": row[2],
            "enrollment": row[1],
            "createdAt": row[17],
            "createdAtClient": row[15],
            "updatedAt": row[18],
            "updatedAtClient": row[16],
            "trackedEntity": row[3],
            "program": uids[row[4]],
            "status": row[6],
            "orgUnit": uids[row[5]],
            "enrolledAt": row[7],
            "occurredAt": row[8],
            "followUp": row[11],
            "deleted": row[14],
            "completedAt": row[9],
            "completedBy": row[10],
            "geometry": row[12],
            "createdBy": row[19],
            "updatedBy": row[20],
            "events": [],
            "relationships": [],
            "attributes": [],
            "notes": row[13],
        }
    if reader.parts.attributes and found:
        held = values or _read_attributes(reader, [doc["_entity"] for doc in found.values()])
        for doc in found.values():
            program = reader.metadata.programs.get(doc["program"])
            own = program.attributes if program else {}
            doc["attributes"] = [value for value in held.get(doc["_entity"], []) if value["attribute"] in own]
    if reader.parts.events and found:
        for event in _read_events(reader, "v.enrollment = any(%b)", list(found)).values():
            found[event.pop("_enrollment")]["events"].append(event)
    if reader.parts.relationships:
        _attach_relationships(reader, found)
    return found


def _read_events(reader: _Reader, condition: str, pks: list[int]) -> dict[int, Document]:
    uids, found, rows = reader.metadata.uids, {}, {}
    for row in reader.session.execute(
        "select v.pk, v.uid, v.enrollment, n.uid, t.uid, v.program, v.stage, v.org_unit, v.status, v.occurred_at,"
        " v.scheduled_at, v.completed_at, v.completed_by, v.attribute_option_combo, v.assigned_user, v.geometry,"
        " v.notes, v.deleted, v.created_at_client, v.updated_at_client, v.created, v.updated, v.created_in,"
        " v.updated_in, n.status, n.follow_up, v.data, v.provided_elsewhere from event v"
        " left join enrollment n on n.pk = v.enrollment left join tracked_entity t on t.pk = v.entity"
        f" where {condition}{_alive(reader, 'v')} order by v.pk",
        (pks,),
    ):
        rows[row[0]] = (row[26], row[27] or ())
        found[row[0]] = {
            "_enrollment": row[2],
            "event": row[1],
            "status": row[8],
            "program": uids[row[5]],
            "programStage": uids[row[6]],
            "enrollment": row[3],
            "trackedEntity": row[4],
            "orgUnit": uids[row[7]],
            "relationships": [],
            "occurredAt": row[9],
            "scheduledAt": row[10],
            "storedBy": row[22],
            "followUp": bool(row[25]),
            "deleted": row[17],
            "createdAt": row[20],
            "createdAtClient": row[18],
            "updatedAt": row[21],
            "updatedAtClient": row[19],
            "attributeOptionCombo": row[13] or metadata.DEFAULT_OPTION_COMBO,
            "attributeCategoryOptions": _category_options(reader.metadata, row[13]),
            "completedAt": row[11],
            "completedBy": row[12],
            "assignedUser": {"username": row[14]} if row[14] else None,
            "enrollmentStatus": row[24],
            "geometry": row[15],
            "createdBy": row[22],
            "updatedBy": row[23],
            "dataValues": [],
            "notes": row[16],
        }
    stamps = value_stamps(reader.session, list(found))
    for pk, (data, elsewhere) in rows.items():
        found[pk]["dataValues"] = _data_values(found[pk], data, elsewhere, stamps.get(pk, {}))
    if reader.parts.relationships:
        _attach_relationships(reader, found)
    return found


def _category_options(known: Metadata, combo: str | None) -> str:
    found = known.get("categoryOptionCombos", combo or metadata.DEFAULT_OPTION_COMBO)
    return ",".join(str(option.get("id")) for option in found.doc.get("categoryOptions", ())) if found else ""


def _data_values(
    event: Document, data: Mapping[str, str], elsewhere: Sequence[str], stamps: Mapping[str, Stamp]
) -> list[Document]:
    """A value that no later change names was set when the event was created."""
    made = Stamp(event["createdAt"], event["createdBy"], event["createdAt"], event["createdBy"])
    values = []
    for element, value in data.items():
        stamp = stamps.get(element, made)
        stamp = stamp if stamp.created else Stamp(made.created, made.created_in, stamp.updated, stamp.updated_in)
        values.append(
            {
                "createdAt": stamp.created,
                "updatedAt": stamp.updated,
                "storedBy": stamp.updated_in,
                "providedElsewhere": element in elsewhere,
                "dataElement": element,
                "value": value,
                "createdBy": stamp.created_in,
                "updatedBy": stamp.updated_in,
            }
        )
    return values


def _attach_relationships(reader: _Reader, owners: Mapping[int, Document]) -> None:
    """Give each owner the relationships in which it stands on either side."""
    pks = list(owners)
    for doc in _read_relationships(reader, "(r.from_pk = any(%b) or r.to_pk = any(%b))", (pks, pks)):
        doc.pop("_pk")
        for pk in {doc.pop("_from"), doc.pop("_to")} & owners.keys():
            owners[pk]["relationships"].append(doc)


def _read_relationships(reader: _Reader, condition: str, arguments: tuple[list[int], ...]) -> list[Document]:
    types = reader.metadata.relationship_types
    rows = reader.session.execute(
        "select r.pk, r.uid, r.type, r.from_kind, r.from_pk, r.to_kind, r.to_pk, r.created, r.updated,"
        f" r.created_at_client, r.deleted from relationship r where {condition}{_alive(reader, 'r')} order by r.pk",
        arguments,
    ).fetchall()
    sides = uids_of(reader.session, [(r[3], r[4]) for r in rows] + [(r[5], r[6]) for r in rows])
    found = []
    for pk, uid, type_pk, from_kind, from_pk, to_kind, to_pk, created, updated, client, deleted in rows:
        type = types[reader.metadata.uids[type_pk]]
        found.append(
            {
                "_pk": pk,
                "_from": from_pk,
                "_to": to_pk,
                "relationship": uid,
                "relationshipName": type.name,
                "relationshipType": type.uid,
                "createdAt": created,
                "createdAtClient": client,
                "updatedAt": updated,
                "deleted": deleted,
                "bidirectional": type.bidirectional,
                "from": {from_kind: {from_kind: sides[from_kind, from_pk]}},
                "to": {to_kind: {to_kind: sides[to_kind, to_pk]}},
            }
        )
    return found


def _name_actors(reader: _Reader, docs: Iterable[Document]) -> None:
    """Put the users' names where the documents hold change sets; drop what only helped to read."""
    listed = list(docs)
    stamped = [doc for top in listed for doc in _stamped(top)]
    keys = ("createdBy", "updatedBy", "storedBy")
    wanted = {doc[key] for doc in stamped for key in keys if isinstance(doc.get(key), int)}
    users = actors(reader.session, wanted)
    for doc in stamped:
        for helper in ("_entity", "_enrollment"):
            doc.pop(helper, None)
        for key in keys:
            if isinstance(doc.get(key), int):
                user = users[doc[key]]
                doc[key] = user["username"] if key == "storedBy" else user
    _name_authors(reader, [doc for doc in stamped if doc.get("notes")])


def _name_authors(reader: _Reader, docs: list[Document]) -> None:
    """Let each note tell who wrote it, as a user beside the name."""
    if docs:
        users = users_of(reader.session, (note["storedBy"] for doc in docs for note in doc["notes"]))
        for doc in docs:
            doc["notes"] = [
                {
                    **note,
                    "storedAt": datetime.fromisoformat(note["storedAt"]),
                    "createdBy": users[note["storedBy"]],
                }
                for note in doc["notes"]
            ]


def _stamped(doc: Document) -> Iterable[Document]:
    yield doc
    for part in ("enrollments", "events", "attributes", "dataValues"):
        for item in doc.get(part) or ():
            yield from _stamped(item)
