"""From changes to items: the row that each change makes out of the stored one, with the server's defaults.

What a change does not name stays; `None` clears. Times without a zone are UTC, as the hub's clock is.
"""

from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.tracker.rows import (
    AnyItem,
    Enrollment,
    EnrollmentItem,
    Entity,
    EntityItem,
    Event,
    EventItem,
    Finding,
    Relationship,
    RelationshipItem,
    Step,
)
from tracker_core.tracker.world import World
from tracker_core.uids import new_uid

# (origin, program or stage, enrollment) -> uid of the live enrollment or event that this record caused
Origins: TypeAlias = dict[tuple[int | None, str, str], str]


def resolve_entities(world: World, changes: ChangeSet) -> list[EntityItem]:
    """Return an item per tracked entity change, in order; their rows join the world."""
    return [_resolve_entity(world, change) for change in changes.entities]


def resolve_enrollments(world: World, changes: ChangeSet) -> list[EnrollmentItem]:
    """Return an item per enrollment change, in order; their rows join the world."""
    by_origin: Origins = {(n.origin, n.program, ""): n.uid for n in world.enrollments.values() if n.origin is not None}
    return [_resolve_enrollment(world, change, by_origin) for change in changes.enrollments]


def resolve_events(world: World, changes: ChangeSet) -> list[EventItem]:
    """Return an item per event change, in order; their rows join the world."""
    by_origin: Origins = {
        (v.origin, v.stage, v.enrollment): v.uid for v in world.events.values() if v.origin is not None
    }
    return [_resolve_event(world, change, by_origin) for change in changes.events]


def resolve_relationships(world: World, changes: ChangeSet) -> list[RelationshipItem]:
    """Return an item per relationship change, in order. A stored relationship is never changed, only deleted."""
    return [_resolve_relationship(world, change) for change in changes.relationships]


def _step(world: World, stored: bool, delete: bool) -> Step:
    if delete or world.strategy == "delete":
        return "delete"
    if world.strategy == "create_and_update":
        return "update" if stored else "create"
    return "create" if world.strategy == "create" else "update"


def _resolve_entity(world: World, change: EntityChange) -> EntityItem:
    old = world.entities.get(change.uid)
    row = copy(old) if old else Entity(change.uid or new_uid())
    item = EntityItem("trackedEntity", change, row, old, _step(world, old is not None, change.delete))
    row.type = change.type or row.type
    row.org_unit = change.org_unit or row.org_unit
    if fields := change.fields:
        row.inactive = bool(fields.get("inactive", row.inactive))
        row.potential_duplicate = bool(fields.get("potentialDuplicate", row.potential_duplicate))
        row.geometry = fields.get("geometry", row.geometry)
        row.created_at_client = _moment(item, "createdAtClient", row.created_at_client)
        row.updated_at_client = _moment(item, "updatedAtClient", row.updated_at_client)
    if change.attributes:
        row.attributes = present({**row.attributes, **change.attributes})
    item.type = world.metadata.entity_types.get(row.type)
    item.unit = world.metadata.org_units.get(row.org_unit)
    if item.step != "delete":
        world.entities[row.uid] = row
    return item


def _resolve_enrollment(world: World, change: EnrollmentChange, by_origin: Origins) -> EnrollmentItem:
    uid = change.uid
    known = by_origin.get((change.origin, change.program, "")) if change.origin is not None else None
    if known and uid not in world.enrollments:
        world.aliases[uid] = known
        uid = known
    old = world.enrollments.get(uid)
    row = copy(old) if old else Enrollment(uid or new_uid(), origin=change.origin)
    item = EnrollmentItem("enrollment", change, row, old, _step(world, old is not None, change.delete))
    row.entity = change.entity or row.entity
    row.program = change.program or row.program
    row.org_unit = change.org_unit or row.org_unit
    if change.enrolled_at:
        row.enrolled_at = _parsed(item, "enrolledAt", change.enrolled_at)
    if fields := change.fields:
        row.status = str(fields.get("status") or row.status).upper()
        row.occurred_at = _moment(item, "occurredAt", row.occurred_at)
        row.follow_up = bool(fields.get("followUp", row.follow_up))
        row.geometry = fields.get("geometry", row.geometry)
        row.created_at_client = _moment(item, "createdAtClient", row.created_at_client)
        row.updated_at_client = _moment(item, "updatedAtClient", row.updated_at_client)
        row.notes = _notes(world, fields, row.notes)
    _complete(world, item, row)
    item.program = world.metadata.programs.get(row.program)
    item.unit = world.metadata.org_units.get(row.org_unit)
    item.entity = world.entities.get(row.entity)
    if item.step != "delete":
        world.enrollments[row.uid] = row
    return item


def _resolve_event(world: World, change: EventChange, by_origin: Origins) -> EventItem:
    uid, enrollment = change.uid, world.aliases.get(change.enrollment, change.enrollment)
    if change.origin is not None and uid not in world.events:
        uid = by_origin.get((change.origin, change.stage, enrollment), uid)
    old = world.events.get(uid)
    row = copy(old) if old else Event(uid or new_uid(), origin=change.origin)
    item = EventItem("event", change, row, old, _step(world, old is not None, change.delete))
    row.enrollment = enrollment or row.enrollment
    row.program, row.stage = _placed(world, change, row)
    row.org_unit = change.org_unit or row.org_unit
    if fields := change.fields:
        _set_event_fields(world, item, row, fields)
    _complete(world, item, row)
    if change.data:
        row.data = present({**row.data, **change.data})
    item.program = world.metadata.programs.get(row.program)
    item.stage = world.metadata.stages.get(row.stage)
    if item.stage is not None and not item.stage.user_assignment:
        row.assigned_user = old.assigned_user if old else None
    item.unit = world.metadata.org_units.get(row.org_unit)
    item.enrollment = world.enrollments.get(row.enrollment)
    if item.step != "delete":
        world.events[row.uid] = row
    return item


def present(values: dict[str, str | None]) -> dict[str, str]:
    """Return `values` without those that are cleared (`None`, empty)."""
    return {key: value for key, value in values.items() if value}


def _placed(world: World, change: EventChange, row: Event) -> tuple[str, str]:
    """Return program and stage: what is missing of the two is inferred from the other, where it says enough."""
    program, stage = change.program or row.program, change.stage or row.stage
    if not program and stage in world.metadata.stages:
        program = world.metadata.stages[stage].program
    if (
        not stage
        and (found := world.metadata.programs.get(program))
        and len(found.stages) == 1
        and not found.registration
    ):
        stage = next(iter(found.stages))
    return program, stage


def _set_event_fields(world: World, item: EventItem, row: Event, fields: dict[str, Any]) -> None:
    row.status = str(fields.get("status") or row.status).upper()
    row.occurred_at = _moment(item, "occurredAt", row.occurred_at)
    row.scheduled_at = _moment(item, "scheduledAt", row.scheduled_at)
    row.attribute_option_combo = _option_combo(world, row, fields)
    assigned = fields.get("assignedUser", row.assigned_user) or None
    row.assigned_user = world.usernames.get(str(assigned), assigned)
    row.geometry = fields.get("geometry", row.geometry)
    row.created_at_client = _moment(item, "createdAtClient", row.created_at_client)
    row.updated_at_client = _moment(item, "updatedAtClient", row.updated_at_client)
    row.notes = _notes(world, fields, row.notes)
    if given := fields.get("providedElsewhere"):
        kept = {*(row.provided_elsewhere or ())} - given.keys() | {uid for uid, yes in given.items() if yes}
        row.provided_elsewhere = sorted(kept) or None


def _option_combo(world: World, row: Event, fields: dict[str, Any]) -> str | None:
    """Return the option combo that is named, else the one that the named category options make, else the stored one."""
    if given := fields.get("attributeOptionCombo"):
        return str(given)
    program = world.metadata.programs.get(row.program)
    if program and (options := fields.get("attributeCategoryOptions")):
        return world.metadata.option_combo_of(program.category_combo, options)
    return None if "attributeOptionCombo" in fields else row.attribute_option_combo


def _resolve_relationship(world: World, change: RelationshipChange) -> RelationshipItem:
    old = world.relationships.get(change.uid)
    row = copy(old) if old else Relationship(change.uid or new_uid(), change.type, change.source, change.target)
    item = RelationshipItem("relationship", change, row, old, _step(world, old is not None, change.delete))
    if old is None:
        row.created_at_client = _moment(item, "createdAtClient", None)
    item.type = world.metadata.relationship_types.get(row.type)
    if item.step != "delete":
        world.relationships[row.uid] = row
    return item


def _complete(world: World, item: EnrollmentItem | EventItem, row: Enrollment | Event) -> None:
    """Stamp what becomes completed; clear the stamp of what no longer is."""
    if row.status != "COMPLETED":
        row.completed_at = row.completed_by = None
        return
    given = item.change.fields.get("completedAt")
    if given:
        row.completed_at = _parsed(item, "completedAt", given)
    if row.completed_at is None:
        row.completed_at = world.context.at
    row.completed_by = row.completed_by or world.context.actor


def _notes(world: World, fields: dict[str, Any], notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Append the notes that are new: a note is written once and never changed."""
    known = {note["note"] for note in notes} | world.notes
    stamp = {"storedAt": world.context.at.isoformat(), "storedBy": world.context.actor}
    added = [
        {"note": note.get("note") or new_uid(), "value": str(note["value"]), **stamp}
        for note in fields.get("notes") or ()
        if note.get("value") and note.get("note") not in known
    ]
    return [*notes, *added] if added else notes


def _moment(item: AnyItem, name: str, current: datetime | None) -> datetime | None:
    fields = item.change.fields
    if name not in fields:
        return current
    value = fields[name]
    if value is None or value == "":
        return None
    return _parsed(item, name, value)


def _parsed(item: AnyItem, name: str, value: object) -> datetime | None:
    moment = parse_moment(value)
    if moment is not None:
        return moment
    text = f"Property {name} is not a date or a date and time: `{value}`."
    found = Finding("invalid-date", text, where=item.change.where, value=str(value), kind=item.kind, uid=item.row.uid)
    item.findings.append(found)
    return None


def parse_moment(value: object) -> datetime | None:
    """Return an ISO 8601 date or date-time as an aware datetime; without a zone it is UTC. None when it is neither."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return _parse_text(str(value))


@lru_cache(maxsize=4_096)  # an import names the same few days again and again
def _parse_text(text: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
