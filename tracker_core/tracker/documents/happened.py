"""Events with their data values."""

from collections.abc import Mapping, Sequence
from typing import Any

from tracker_core import metadata
from tracker_core.metadata import Metadata
from tracker_core.tracker import visibility
from tracker_core.tracker.clauses import ALWAYS
from tracker_core.tracker.documents import enrolled, linked
from tracker_core.tracker.documents.parts import Document, Parts, Reader
from tracker_core.tracker.provenance import Stamp, value_stamps


def read(reader: Reader, condition: str, pks: list[int], parts: Parts, *, deleted: bool) -> dict[int, Document]:
    """Read events; the condition names their table `v`."""
    found, held = {}, {}
    seen = visibility.event(reader.sight, "v") if reader.sight else ALWAYS
    data = "v.data, v.provided_elsewhere" if parts.data else "null, null"
    for row in reader.session.execute(
        "select v.pk, v.uid, v.enrollment, n.uid, t.uid, v.program, v.stage, v.org_unit, v.status, v.occurred_at,"
        " v.scheduled_at, v.completed_at, v.completed_by, v.attribute_option_combo, v.assigned_user, v.geometry,"
        " v.notes, v.deleted, v.created_at_client, v.updated_at_client, v.created, v.updated, v.created_in,"
        f" v.updated_in, n.status, n.follow_up, {data} from event v"
        " left join enrollment n on n.pk = v.enrollment left join tracked_entity t on t.pk = v.entity"
        f" where {condition}{enrolled.living('v', deleted=deleted)}{enrolled.also(seen)} order by v.pk",
        (pks, *seen.arguments),
    ):
        found[row[0]] = _document(reader.metadata, row)
        held[row[0]] = (row[26] or {}, row[27] or ())
    stamps = value_stamps(reader.session, list(found)) if parts.data and parts.stamps and found else {}
    for pk, (values, elsewhere) in held.items():
        found[pk]["dataValues"] = _data_values(found[pk], values, elsewhere, stamps.get(pk, {}))
    if parts.relationships and found:
        linked.attach(reader, "event", found, deleted=parts.deleted)
    return found


def _document(known: Metadata, row: Sequence[Any]) -> Document:
    uids, follow_up = known.uids, bool(row[25])
    return {
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
        "followUp": follow_up,
        "followup": follow_up,
        "deleted": row[17],
        "createdAt": row[20],
        "createdAtClient": row[18],
        "updatedAt": row[21],
        "updatedAtClient": row[19],
        "attributeOptionCombo": row[13] or metadata.DEFAULT_OPTION_COMBO,
        "attributeCategoryOptions": _category_options(known, row[13]),
        "completedAt": row[11],
        "completedBy": row[12],
        "assignedUser": row[14],
        "enrollmentStatus": row[24],
        "geometry": row[15],
        "createdBy": row[22],
        "updatedBy": row[23],
        "dataValues": [],
        "notes": row[16],
    }


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
