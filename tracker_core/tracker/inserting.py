"""Writing what is new: one COPY per kind."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from tracker_core.copying import copy_rows
from tracker_core.database import Session
from tracker_core.tracker import columns
from tracker_core.tracker.rows import Enrollment, EnrollmentItem, Entity, EntityItem, Event, EventItem, RelationshipItem
from tracker_core.tracker.world import World

Keys: TypeAlias = tuple[object, ...]


def insert_entities(session: Session, world: World, items: Sequence[EntityItem]) -> None:
    """Insert new tracked entities; their attributes are written apart."""
    keys = [_entity_keys(item) for item in items]
    _insert(session, world, "tracked_entity", (columns.ENTITY_KEYS, columns.ENTITY), keys, [item.row for item in items])


def insert_enrollments(session: Session, world: World, items: Sequence[EnrollmentItem]) -> None:
    """Insert new enrollments; their entities have their keys by now."""
    keys = [_enrollment_keys(item) for item in items]
    _insert(
        session, world, "enrollment", (columns.ENROLLMENT_KEYS, columns.ENROLLMENT), keys, [item.row for item in items]
    )


def insert_events(session: Session, world: World, items: Sequence[EventItem]) -> None:
    """Insert new events with their data values; their enrollments have their keys by now."""
    keys = [_event_keys(world, item) for item in items]
    _insert(session, world, "event", (columns.EVENT_KEYS, columns.EVENT), keys, [item.row for item in items])


def insert_relationships(session: Session, world: World, items: Sequence[RelationshipItem]) -> None:
    """Insert new relationships; both sides have their keys by now."""
    stamps = _stamps(world)
    rows = [(*_relationship_keys(world, item), *stamps) for item in items]
    copy_rows(session, "relationship", {**columns.RELATIONSHIP_KEYS, **columns.STAMPS}, rows)


def _insert(
    session: Session,
    world: World,
    table: str,
    parts: tuple[Mapping[str, str], Mapping[str, str]],
    keys: Sequence[Keys],
    rows: Sequence[Entity | Enrollment | Event],
) -> None:
    """Insert rows: the keys of each, its org unit, its state, the stamps."""
    written, state = parts
    state_of, units, stamps = attrgetter(*state), world.metadata.org_units, _stamps(world)
    lines: list[Sequence[Any]] = [
        (*key, units[row.org_unit].pk, *state_of(row), *stamps) for key, row in zip(keys, rows, strict=True)
    ]
    copy_rows(session, table, {**written, "org_unit": "int8", **state, **columns.STAMPS}, lines)


def _entity_keys(item: EntityItem) -> Keys:
    assert item.type is not None
    return item.row.pk, item.row.uid, item.type.pk


def _enrollment_keys(item: EnrollmentItem) -> Keys:
    assert item.entity is not None
    assert item.program is not None
    return item.row.pk, item.row.uid, item.entity.pk, item.program.pk, item.row.origin


def _event_keys(world: World, item: EventItem) -> Keys:
    assert item.program is not None
    assert item.stage is not None
    parents = _parents(world, item.enrollment)
    return item.row.pk, item.row.uid, *parents, item.program.pk, item.stage.pk, item.row.origin


def _relationship_keys(world: World, item: RelationshipItem) -> Keys:
    row, type = item.row, item.type
    source, target = world.row(*row.source), world.row(*row.target)
    assert type is not None
    assert source is not None
    assert target is not None
    sides = (row.source[0], source.pk, row.target[0], target.pk)
    return row.pk, row.uid, type.pk, *sides, row.created_at_client


def _parents(world: World, enrollment: Enrollment | None) -> tuple[int | None, int | None]:
    """Return the keys of an event's enrollment and entity; none for an event program."""
    if enrollment is None:
        return None, None
    return enrollment.pk, world.entities[enrollment.entity].pk


def _stamps(world: World) -> tuple[object, ...]:
    context = world.context
    return context.at, context.at, context.change_set, context.change_set
