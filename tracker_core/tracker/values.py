"""Writing attribute values. An entity's values come from its own change and from those of its enrollments."""

from collections.abc import Mapping, Sequence

from tracker_core.copying import copy_rows
from tracker_core.database import Session
from tracker_core.tracker import holding, reserving
from tracker_core.tracker.deltas import Delta, values_delta
from tracker_core.tracker.resolving import present
from tracker_core.tracker.rows import EnrollmentItem, Entity, EntityItem
from tracker_core.tracker.unique import folded, unique_key
from tracker_core.tracker.world import World

_COLUMNS = {
    "entity": "int8",
    "attribute": "int8",
    "value": "text",
    "folded": "text",
    "unique_key": "text",
    "created": "timestamptz",
    "updated": "timestamptz",
    "updated_in": "int8",
}


def write_values(
    session: Session, world: World, entities: Sequence[EntityItem], enrollments: Sequence[EnrollmentItem]
) -> dict[str, Delta]:
    """Write the attribute values of all items; return what changed on stored entities, by entity uid."""
    before = {item.row.uid: item.old for item in entities}
    after = {item.row.uid: item.row.attributes for item in entities}
    for enrolled in enrollments:
        if enrolled.entity is not None and enrolled.change.attributes:
            uid = enrolled.entity.uid
            known = after.get(uid, enrolled.entity.attributes)
            after[uid] = present({**known, **enrolled.change.attributes})
    fresh = {uid: values for uid, values in after.items() if ("trackedEntity", uid) not in world.stored}
    _insert(session, world, fresh)
    deltas: dict[str, Delta] = {}
    for uid in after.keys() - fresh.keys():
        old = before.get(uid) or world.entities[uid]
        if delta := values_delta("attributes", old.attributes, after[uid]):
            deltas[uid] = delta
    _settle(session, world, fresh, deltas)
    _change(session, world, deltas, [uid for uid, old in before.items() if old and _moved(world.entities[uid], old)])
    return deltas


def _settle(
    session: Session, world: World, fresh: Mapping[str, Mapping[str, str]], deltas: Mapping[str, Delta]
) -> None:
    """End the reservations of generated values that are in use now, and hold the files that values name."""
    changed = [(entity, uid, None, value) for entity, values in fresh.items() for uid, value in values.items()]
    changed += [
        (entity, name.removeprefix("attributes."), old, new)
        for entity, delta in deltas.items()
        for name, (old, new) in delta.items()
    ]
    known = world.metadata.attributes
    used = {(known[uid].pk, new) for _, uid, _, new in changed if new and known[uid].pattern}
    reserving.use(session, sorted(used))
    holding.hold_attributes(session, world, changed)


def _moved(entity: Entity, old: Entity) -> bool:
    return entity.org_unit != old.org_unit


def _insert(session: Session, world: World, values: Mapping[str, Mapping[str, str]]) -> None:
    known, at, change_set = world.metadata.attributes, world.context.at, world.context.change_set
    rows = []
    for uid, given in values.items():
        entity = world.entities[uid]
        for name, value in given.items():
            attribute = known[name]
            key = unique_key(attribute, value, entity.org_unit) if attribute.unique else None
            rows.append((entity.pk, attribute.pk, value, folded(value), key, at, at, change_set))
    copy_rows(session, "attribute_value", _COLUMNS, rows)


def _change(session: Session, world: World, deltas: Mapping[str, Delta], moved: Sequence[str]) -> None:
    """Write what differs on stored entities; a moved entity's org-unit-scoped unique values get their new key."""
    known = world.metadata.attributes
    wanted = {
        (uid, name.removeprefix("attributes.")): new
        for uid, delta in deltas.items()
        for name, (_, new) in delta.items()
    }
    for uid in moved:
        for name, value in world.entities[uid].attributes.items():
            if known[name].org_unit_scope:
                wanted.setdefault((uid, name), value)
    cleared = [(world.entities[uid].pk, known[name].pk) for (uid, name), value in wanted.items() if not value]
    if cleared:
        session.execute(
            "delete from attribute_value v using unnest(%b::bigint[], %b::bigint[]) as a (entity, attribute)"
            " where v.entity = a.entity and v.attribute = a.attribute",
            ([entity for entity, _ in cleared], [attribute for _, attribute in cleared]),
        )
    kept = [(world.entities[uid], known[name], value) for (uid, name), value in wanted.items() if value]
    if kept:
        session.execute(
            "insert into attribute_value (entity, attribute, value, folded, unique_key, created, updated, updated_in)"
            " select a.entity, a.attribute, a.value, a.folded, a.unique_key, %s, %s, %s"
            " from unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[])"
            " as a (entity, attribute, value, folded, unique_key) on conflict (entity, attribute) do update set"
            " value = excluded.value, folded = excluded.folded, unique_key = excluded.unique_key,"
            " updated = excluded.updated, updated_in = excluded.updated_in",
            (
                world.context.at,
                world.context.at,
                world.context.change_set,
                [entity.pk for entity, _, _ in kept],
                [attribute.pk for _, attribute, _ in kept],
                [value for _, _, value in kept],
                [folded(value) for _, _, value in kept],
                [unique_key(attribute, value, entity.org_unit) for entity, attribute, value in kept],
            ),
        )
