"""Tracked entities with their attributes, owners and enrollments."""

from collections.abc import Sequence

from tracker_core.metadata import Metadata
from tracker_core.tracker import visibility
from tracker_core.tracker.clauses import ALWAYS
from tracker_core.tracker.documents import enrolled, linked
from tracker_core.tracker.documents.parts import Document, Parts, Reader
from tracker_core.tracker.ownership import owners


def read(reader: Reader, pks: list[int], parts: Parts, program: str) -> dict[int, Document]:
    """Read tracked entities; see `documents.entities`."""
    found = _rows(reader, pks)
    values = read_attributes(reader, list(found)) if _wants_attributes(parts) else {}
    if parts.attributes:
        for pk, doc in found.items():
            doc["attributes"] = _of_type(reader.metadata, doc["trackedEntityType"], program, values.get(pk, []))
    if parts.enrollments is not None and found:
        below = enrolled.read(
            reader, "n.entity = any(%b)", list(found), parts.enrollments, values, deleted=parts.deleted
        )
        for doc in below.values():
            if program in ("", doc["program"]):
                found[doc["_entity"]]["enrollments"].append(doc)
    if parts.owners:
        _read_owners(reader, found)
    if parts.relationships:
        linked.attach(reader, "trackedEntity", found, deleted=parts.deleted)
    return found


def read_attributes(reader: Reader, pks: list[int]) -> dict[int, list[Document]]:
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


def _wants_attributes(parts: Parts) -> bool:
    return parts.attributes or (parts.enrollments is not None and parts.enrollments.attributes)


def _rows(reader: Reader, pks: list[int]) -> dict[int, Document]:
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
            "storedBy": row[12],
            "createdBy": row[12],
            "updatedBy": row[13],
            "attributes": [],
            "enrollments": [],
            "relationships": [],
            "programOwners": [],
        }
    return found


def _of_type(known: Metadata, type: str, program: str, values: Sequence[Document]) -> list[Document]:
    entity_type, programs = known.entity_types.get(type), known.programs.get(program)
    shown = set(entity_type.attributes) if entity_type else set()
    shown |= set(programs.attributes) if programs else set()
    return [value for value in values if value["attribute"] in shown]


def _read_owners(reader: Reader, found: dict[int, Document]) -> None:
    """Tell the owner per program; for an actor of those programs whose data they may read, and may reach here."""
    shown = _reachable(reader, list(found)) if reader.sight else None
    uids = reader.metadata.uids
    for (pk, program), unit in owners(reader.session, found).items():
        if shown is None or (pk, program) in shown:
            found[pk]["programOwners"].append(
                {"orgUnit": uids[unit], "trackedEntity": found[pk]["trackedEntity"], "program": uids[program]}
            )


def _reachable(reader: Reader, pks: list[int]) -> set[tuple[int, int]] | None:
    assert reader.sight is not None
    if reader.sight.actor.superuser:
        return None
    seen = visibility.owned(reader.sight, "o", reader.sight.programs(registration=True))
    if seen == ALWAYS:
        return None
    rows = reader.session.execute(
        f"select o.entity, o.program from program_owner o where o.entity = any(%b) and {seen.text}",
        (pks, *seen.arguments),
    )
    return {(entity, program) for entity, program in rows}
