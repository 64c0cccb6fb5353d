"""Events as the records of an encounter, by the rows of their stage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.bound.groups import EVENT_SYSTEM, Group, gather, marked
from hub.bound.loading import Bound, BoundStage
from hub.bound.units import place_of
from mappings.binding import Edit, write_event
from mappings.binding.codecs import to_moment
from mappings.binding.events import retract
from mappings.scope import Scope
from tracker_core import metadata
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker.episodes import Visit


@dataclass(slots=True)
class Shown:
    """The records to write for some events, and how to refer to the Encounter of each (by the event's uid)."""

    changes: list[RecordChange] = field(default_factory=list)
    encounters: dict[str, dict[str, str]] = field(default_factory=dict)


_HELD = ("ACTIVE", "COMPLETED", "VISITED")


def changes_of(
    session: Session,
    programs: Sequence[Bound],
    visits: Iterable[Visit],
    patients: Mapping[int, dict[str, str]],
    scope: Scope,
) -> Shown:
    """Return the records that these events make or change, `patients` being the references of their persons.

    Only places that read differently are written. A deleted event retracts what was made from it.
    """
    stages = {
        stage.stage.uid: stage for bound in programs if bound.program is not None for stage in bound.stages.values()
    }
    mine = [one for one in visits if one.stage in stages and one.person in patients]
    if not mine:
        return Shown()
    groups = gather(session, {visit.person for visit in mine})
    by_record: dict[int | None, Group] = {pk: group for group in groups for pk in group.pks}
    by_event = {group.event: group for group in groups}
    known = metadata.load(session)
    shown = Shown()
    for visit in mine:
        group = by_record.get(visit.origin) or by_event.get(visit.uid) or Group(0, visit.person)
        edits = _edits(known, stages[visit.stage], visit, group, patients[visit.person], scope)
        fresh = [_change(visit, group, edit) for edit in edits]
        shown.changes += fresh
        name = group.encounter.reference if group.encounter else next((one.name for one in fresh if one.name), "")
        if name:
            shown.encounters[visit.uid] = {"reference": name}
    return shown


def _edits(
    known: Metadata, stage: BoundStage, visit: Visit, group: Group, patient: dict[str, str], scope: Scope
) -> list[Edit]:
    if visit.deleted:
        made = [d["id"] for ds in group.documents.values() for d in ds if marked(d, EVENT_SYSTEM) == visit.uid]
        return retract(group.documents, made)
    if visit.status not in _HELD and not group.stored:
        return []
    scope.where = visit.uid
    wanted: dict[tuple[str, str], str | None] = {
        ("dataValues", key): visit.data.get(uid) for key, uid in stage.elements.items()
    }
    occurred = to_moment(visit.occurred_at.isoformat()) if visit.occurred_at else None
    wanted["", "status"] = visit.status
    if occurred:
        wanted["", "occurredAt"] = occurred
    links: dict[str, Any] = {"person": patient, "occurredAt": occurred, "place": place_of(known, visit.org_unit)}
    if group.encounter is not None:
        links["Encounter"] = {"reference": group.encounter.reference}
    elif any(row.type == "Encounter" and row.row.writes for row in stage.rules.rows):
        links["Encounter"] = {"reference": f"{EVENT_SYSTEM}:{visit.uid}"}
    return write_event(stage.rules, wanted, group.documents, links, scope)


def _change(visit: Visit, group: Group, edit: Edit) -> RecordChange:
    where = f"event {visit.uid}"
    if edit.before is not None:
        record = group.stored[id(edit.before)]
        return RecordChange(edit.type, edit.after, "patch", id=record.id, version=record.version, where=where)
    mark = {"system": EVENT_SYSTEM, "value": visit.uid}
    document = {**edit.after, "identifier": [*(edit.after.get("identifier") or ()), mark]}
    name = f"{EVENT_SYSTEM}:{visit.uid}" if edit.type == "Encounter" else ""
    return RecordChange(edit.type, document, name=name, where=where)
