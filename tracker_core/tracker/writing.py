"""The write of an import: new rows, changed rows, deletions, and the log of all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tracker_core import history
from tracker_core.database import Session, next_pks
from tracker_core.history import Change
from tracker_core.tracker import columns, holding, inserting, ownership, updating
from tracker_core.tracker.deltas import Delta, enrollment_delta, entity_delta, event_delta
from tracker_core.tracker.rows import AnyItem, EnrollmentItem, EntityItem, EventItem, Kind, RelationshipItem
from tracker_core.tracker.values import write_values
from tracker_core.tracker.world import World

_LOGGED: dict[Kind, str] = {
    "trackedEntity": "tracked_entity",
    "enrollment": "enrollment",
    "event": "event",
    "relationship": "relationship",
}


@dataclass(frozen=True, slots=True)
class Touched:
    """A tracker object that was written: `kind` as in the change log, `subject` the pk of its tracked entity.

    `uid` is empty for what only went along with something deleted.
    """

    kind: str
    pk: int
    uid: str
    action: history.Action
    subject: int | None


@dataclass(slots=True)
class Items:
    """All items of an import, by kind."""

    entities: Sequence[EntityItem] = ()
    enrollments: Sequence[EnrollmentItem] = ()
    events: Sequence[EventItem] = ()
    relationships: Sequence[RelationshipItem] = ()

    def all(self) -> list[AnyItem]:
        """Every item, in document order per kind."""
        return [*self.entities, *self.enrollments, *self.events, *self.relationships]

    def good(self) -> "Items":
        """Only the items with which nothing is wrong."""
        return Items(
            [item for item in self.entities if not item.findings],
            [item for item in self.enrollments if not item.findings],
            [item for item in self.events if not item.findings],
            [item for item in self.relationships if not item.findings],
        )

    def that(self, step: str) -> "Items":
        """Only the items whose step is `step`."""
        return Items(
            [item for item in self.entities if item.step == step],
            [item for item in self.enrollments if item.step == step],
            [item for item in self.events if item.step == step],
            [item for item in self.relationships if item.step == step],
        )


def write(session: Session, world: World, items: Items) -> list[Touched]:
    """Write `items`, log a change per object that differs, and move `updated` of the entities above.

    Return what was written, in the order of the log.
    """
    new, old, gone = items.that("create"), items.that("update"), items.that("delete")
    _number(session, new)
    inserting.insert_entities(session, world, new.entities)
    kept = Items([*new.entities, *old.entities], [*new.enrollments, *old.enrollments])
    values = write_values(session, world, kept.entities, kept.enrollments)
    inserting.insert_enrollments(session, world, new.enrollments)
    ownership.claim(session, world.context, [_enrolled_at(item) for item in new.enrollments])
    inserting.insert_events(session, world, new.events)
    inserting.insert_relationships(session, world, new.relationships)
    holding.hold_data(session, world, [*new.events, *old.events])
    created = [Change(_LOGGED[i.kind], i.row.pk, "create", _subject(world, i)) for i in new.all()]
    updated = _update(session, world, old, values)
    deleted = updating.delete(
        session,
        world,
        [item.row.pk for item in gone.entities],
        [item.row.pk for item in gone.enrollments],
        [item.row.pk for item in gone.events],
        [item.row.pk for item in gone.relationships],
    )
    changes = [*created, *updated, *deleted]
    history.note_changes(session, world.context, changes)
    _touch_above(session, world, changes, new.relationships)
    uids = {item.row.pk: item.row.uid for item in items.all()}
    uids |= {world.entities[uid].pk: uid for uid in values}
    return [Touched(c.kind, c.target, uids.get(c.target, ""), c.action, c.subject) for c in changes]


def _number(session: Session, new: Items) -> None:
    rows = [item.row for item in new.all()]
    for row, pk in zip(rows, next_pks(session, len(rows)) if rows else (), strict=True):
        row.pk = pk


def _update(session: Session, world: World, old: Items, values: dict[str, Delta]) -> list[Change]:
    """Write what differs of stored objects; `values` are the attribute deltas by entity uid."""
    entities = [(item, entity_delta(item.old, item.row)) for item in old.entities if item.old]
    enrollments = [(item, enrollment_delta(item.old, item.row)) for item in old.enrollments if item.old]
    events = [(item, event_delta(item.old, item.row)) for item in old.events if item.old]
    update = partial(updating.update_rows, session, world)
    update("tracked_entity", columns.ENTITY, [item.row for item, delta in entities if delta])
    update("enrollment", columns.ENROLLMENT, [item.row for item, delta in enrollments if delta])
    update("event", columns.EVENT, [item.row for item, delta in events if delta])
    combined = {item.row.uid: delta for item, delta in entities if delta}
    for uid, delta in values.items():
        combined[uid] = {**combined.get(uid, {}), **delta}
    pks = {uid: world.entities[uid].pk for uid in combined}
    return [
        *(Change("tracked_entity", pks[uid], "update", pks[uid], delta) for uid, delta in combined.items()),
        *(Change("enrollment", i.row.pk, "update", _subject(world, i), d) for i, d in enrollments if d),
        *(Change("event", i.row.pk, "update", _subject(world, i), d) for i, d in events if d),
    ]


def _enrolled_at(item: EnrollmentItem) -> tuple[int, int, int]:
    assert item.entity is not None
    assert item.program is not None
    assert item.unit is not None
    return item.entity.pk, item.program.pk, item.unit.pk


def _subject(world: World, item: AnyItem) -> int | None:
    """Return the pk of the tracked entity that an object belongs to; for a relationship, of its `from` side."""
    if isinstance(item, EntityItem):
        return item.row.pk
    if isinstance(item, EnrollmentItem):
        return item.entity.pk if item.entity else None
    if isinstance(item, EventItem):
        return world.entities[item.enrollment.entity].pk if item.enrollment else None
    return world.subject_of(*item.row.source)


def _touch_above(session: Session, world: World, changes: Sequence[Change], linked: Sequence[RelationshipItem]) -> None:
    """Move `updated` of entities that were not written themselves but something of theirs was."""
    written = {change.target for change in changes}
    above = {change.subject for change in changes} | {world.subject_of(*item.row.source) for item in linked}
    updating.touch_entities(session, world, {pk for pk in above if pk is not None and pk not in written})
