"""Enrollments with their attributes and events."""

from collections.abc import Mapping

from tracker_core.tracker import visibility
from tracker_core.tracker.clauses import ALWAYS, Clause
from tracker_core.tracker.documents import entity, happened, linked
from tracker_core.tracker.documents.parts import Document, Parts, Reader


def read(
    reader: Reader,
    condition: str,
    pks: list[int],
    parts: Parts,
    values: Mapping[int, list[Document]],
    *,
    deleted: bool,
) -> dict[int, Document]:
    """Read enrollments; `values` are attribute values by entity where the caller has read them already."""
    found = _rows(reader, condition, pks, deleted=deleted)
    if not found:
        return found
    if parts.attributes:
        held = values or entity.read_attributes(reader, [doc["_entity"] for doc in found.values()])
        for doc in found.values():
            program = reader.metadata.programs.get(doc["program"])
            own = program.attributes if program else {}
            doc["attributes"] = [value for value in held.get(doc["_entity"], []) if value["attribute"] in own]
    if parts.events is not None:
        below = happened.read(reader, "v.enrollment = any(%b)", list(found), parts.events, deleted=parts.deleted)
        for event in below.values():
            found[event["_enrollment"]]["events"].append(event)
    if parts.relationships:
        linked.attach(reader, "enrollment", found, deleted=parts.deleted)
    return found


def _rows(reader: Reader, condition: str, pks: list[int], *, deleted: bool) -> dict[int, Document]:
    uids, found = reader.metadata.uids, {}
    seen = visibility.enrollment(reader.sight, "n") if reader.sight else ALWAYS
    for row in reader.session.execute(
        "select n.pk, n.uid, n.entity, t.uid, n.program, n.org_unit, n.status, n.enrolled_at, n.occurred_at,"
        " n.completed_at, n.completed_by, n.follow_up, n.geometry, n.notes, n.deleted, n.created_at_client,"
        " n.updated_at_client, n.created, n.updated, n.created_in, n.updated_in from enrollment n"
        f" join tracked_entity t on t.pk = n.entity where {condition}{living('n', deleted=deleted)}{also(seen)}"
        " order by n.pk",
        (pks, *seen.arguments),
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
            "storedBy": row[19],
            "createdBy": row[19],
            "updatedBy": row[20],
            "events": [],
            "relationships": [],
            "attributes": [],
            "notes": row[13],
        }
    return found


def living(alias: str, *, deleted: bool) -> str:
    """Return the condition that leaves softly deleted rows out, unless they are wanted."""
    return "" if deleted else f" and not {alias}.deleted"


def also(seen: Clause) -> str:
    """Return what the actor may see as one more condition."""
    return "" if seen == ALWAYS else f" and {seen.text}"
