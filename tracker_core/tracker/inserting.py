"""Writing what is new: one COPY per kind."""

from collections.abc import Sequence

from tracker_core.database import Session
from tracker_core.tracker.copying import as_jsonb, copy_rows
from tracker_core.tracker.rows import Enrollment, EnrollmentItem, EntityItem, EventItem, RelationshipItem
from tracker_core.tracker.world import World

_STAMPS = {"created": "timestamptz", "updated": "timestamptz", "created_in": "int8", "updated_in": "int8"}
_CLIENT = {"created_at_client": "timestamptz", "updated_at_client": "timestamptz"}
_ENTITY = {
    "pk": "int8",
    "uid": "text",
    "type": "int8",
    "org_unit": "int8",
    "inactive": "bool",
    "potential_duplicate": "bool",
    "geometry": "jsonb",
    **_CLIENT,
    **_STAMPS,
}
_ENROLLMENT = {
    "pk": "int8",
    "uid": "text",
    "entity": "int8",
    "program": "int8",
    "org_unit": "int8",
    "status": "text",
    "enrolled_at": "timestamptz",
    "occurred_at": "timestamptz",
    "completed_at": "timestamptz",
    "completed_by": "text",
    "follow_up": "bool",
    "geometry": "jsonb",
    "notes": "jsonb",
    "origin": "int8",
    **_CLIENT,
    **_STAMPS,
}
_EVENT = {
    "pk": "int8",
    "uid": "text",
    "enrollment": "int8",
    "entity": "int8",
    "program": "int8",
    "stage": "int8",
    "org_unit": "int8",
    "status": "text",
    "occurred_at": "timestamptz",
    "scheduled_at": "timestamptz",
    "completed_at": "timestamptz",
    "completed_by": "text",
    "attribute_option_combo": "text",
    "assigned_user": "text",
    "geometry": "jsonb",
    "data": "jsonb",
    "provided_elsewhere": "text[]",
    "notes": "jsonb",
    "origin": "int8",
    **_CLIENT,
    **_STAMPS,
}
_RELATIONSHIP = {
    "pk": "int8",
    "uid": "text",
    "type": "int8",
    "from_kind": "text",
    "from_pk": "int8",
    "to_kind": "text",
    "to_pk": "int8",
    "created_at_client": "timestamptz",
    **_STAMPS,
}


def insert_entities(session: Session, world: World, items: Sequence[EntityItem]) -> None:
    """Insert new tracked entities; their attributes are written apart."""
    stamps, rows = _stamps(world), []
    for item in items:
        row = item.row
        assert item.type is not None
        assert item.unit is not None
        values = (row.pk, row.uid, item.type.pk, item.unit.pk, row.inactive, row.potential_duplicate)
        rows.append((*values, as_jsonb(row.geometry), row.created_at_client, row.updated_at_client, *stamps))
    copy_rows(session, "tracked_entity", _ENTITY, rows)


def insert_enrollments(session: Session, world: World, items: Sequence[EnrollmentItem]) -> None:
    """Insert new enrollments; their entities have their keys by now."""
    stamps, rows = _stamps(world), []
    for item in items:
        row = item.row
        assert item.entity is not None
        assert item.program is not None
        assert item.unit is not None
        keys = (row.pk, row.uid, item.entity.pk, item.program.pk, item.unit.pk)
        dates = (row.status, row.enrolled_at, row.occurred_at, row.completed_at, row.completed_by, row.follow_up)
        more = (as_jsonb(row.geometry), as_jsonb(row.notes), row.origin, row.created_at_client, row.updated_at_client)
        rows.append((*keys, *dates, *more, *stamps))
    copy_rows(session, "enrollment", _ENROLLMENT, rows)


def insert_events(session: Session, world: World, items: Sequence[EventItem]) -> None:
    """Insert new events with their data values; their enrollments have their keys by now."""
    stamps, rows = _stamps(world), []
    for item in items:
        row = item.row
        assert item.program is not None
        assert item.stage is not None
        assert item.unit is not None
        parents = _parents(world, item.enrollment)
        keys = (row.pk, row.uid, *parents, item.program.pk, item.stage.pk, item.unit.pk)
        dates = (row.status, row.occurred_at, row.scheduled_at, row.completed_at, row.completed_by)
        more = (row.attribute_option_combo, row.assigned_user, as_jsonb(row.geometry), as_jsonb(row.data))
        last = (row.provided_elsewhere, as_jsonb(row.notes), row.origin, row.created_at_client, row.updated_at_client)
        rows.append((*keys, *dates, *more, *last, *stamps))
    copy_rows(session, "event", _EVENT, rows)


def insert_relationships(session: Session, world: World, items: Sequence[RelationshipItem]) -> None:
    """Insert new relationships; both sides have their keys by now."""
    stamps, rows = _stamps(world), []
    for item in items:
        row = item.row
        assert item.type is not None
        source, target = world.row(*row.source), world.row(*row.target)
        assert source is not None
        assert target is not None
        sides = (row.source[0], source.pk, row.target[0], target.pk)
        rows.append((row.pk, row.uid, item.type.pk, *sides, row.created_at_client, *stamps))
    copy_rows(session, "relationship", _RELATIONSHIP, rows)


def _parents(world: World, enrollment: Enrollment | None) -> tuple[int | None, int | None]:
    """Return the keys of an event's enrollment and entity; none for an event program."""
    if enrollment is None:
        return None, None
    return enrollment.pk, world.entities[enrollment.entity].pk


def _stamps(world: World) -> tuple[object, ...]:
    context = world.context
    return context.at, context.at, context.change_set, context.change_set
