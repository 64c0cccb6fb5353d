"""Writing what changed or goes: one UPDATE per kind, and the cascade of soft deletions."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from tracker_core.database import Session
from tracker_core.history import Change
from tracker_core.tracker.rows import EnrollmentItem, EntityItem, EventItem
from tracker_core.tracker.world import World


def update_entities(session: Session, world: World, items: Sequence[EntityItem]) -> None:
    """Write the new state of stored tracked entities."""
    if not items:
        return
    units = world.metadata.org_units
    rows = [item.row for item in items]
    session.execute(
        "update tracked_entity t set org_unit = a.org_unit, inactive = a.inactive,"
        " potential_duplicate = a.potential_duplicate, geometry = a.geometry::jsonb,"
        " created_at_client = a.created_at_client, updated_at_client = a.updated_at_client, updated = %s,"
        " updated_in = %s from unnest(%b::bigint[], %b::bigint[], %b::bool[], %b::bool[], %b::text[],"
        " %b::timestamptz[], %b::timestamptz[]) as a (pk, org_unit, inactive, potential_duplicate, geometry,"
        " created_at_client, updated_at_client) where t.pk = a.pk",
        (
            world.context.at,
            world.context.change_set,
            [row.pk for row in rows],
            [units[row.org_unit].pk for row in rows],
            [row.inactive for row in rows],
            [row.potential_duplicate for row in rows],
            [_json(row.geometry) for row in rows],
            [row.created_at_client for row in rows],
            [row.updated_at_client for row in rows],
        ),
    )


def update_enrollments(session: Session, world: World, items: Sequence[EnrollmentItem]) -> None:
    """Write the new state of stored enrollments."""
    if not items:
        return
    units = world.metadata.org_units
    rows = [item.row for item in items]
    session.execute(
        "update enrollment n set org_unit = a.org_unit, status = a.status, enrolled_at = a.enrolled_at,"
        " occurred_at = a.occurred_at, completed_at = a.completed_at, completed_by = a.completed_by,"
        " follow_up = a.follow_up, geometry = a.geometry::jsonb, notes = a.notes::jsonb,"
        " created_at_client = a.created_at_client, updated_at_client = a.updated_at_client, updated = %s,"
        " updated_in = %s from unnest(%b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[],"
        " %b::timestamptz[], %b::text[], %b::bool[], %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[])"
        " as a (pk, org_unit, status, enrolled_at, occurred_at, completed_at, completed_by, follow_up, geometry, notes,"
        " created_at_client, updated_at_client) where n.pk = a.pk",
        (
            world.context.at,
            world.context.change_set,
            [row.pk for row in rows],
            [units[row.org_unit].pk for row in rows],
            [row.status for row in rows],
            [row.enrolled_at for row in rows],
            [row.occurred_at for row in rows],
            [row.completed_at for row in rows],
            [row.completed_by for row in rows],
            [row.follow_up for row in rows],
            [_json(row.geometry) for row in rows],
            [_json(row.notes) for row in rows],
            [row.created_at_client for row in rows],
            [row.updated_at_client for row in rows],
        ),
    )


def update_events(session: Session, world: World, items: Sequence[EventItem]) -> None:
    """Write the new state of stored events."""
    if not items:
        return
    units = world.metadata.org_units
    rows = [item.row for item in items]
    session.execute(
        "update event v set org_unit = a.org_unit, status = a.status, occurred_at = a.occurred_at,"
        " scheduled_at = a.scheduled_at, completed_at = a.completed_at, completed_by = a.completed_by,"
        " attribute_option_combo = a.attribute_option_combo, assigned_user = a.assigned_user,"
        " geometry = a.geometry::jsonb, data = a.data::jsonb, provided_elsewhere = a.provided_elsewhere::text[],"
        " notes = a.notes::jsonb, created_at_client = a.created_at_client, updated_at_client = a.updated_at_client,"
        " updated = %s, updated_in = %s from unnest(%b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[],"
        " %b::timestamptz[], %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
        " %b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[]) as a (pk, org_unit, status, occurred_at,"
        " scheduled_at, completed_at, completed_by, attribute_option_combo, assigned_user, geometry, data,"
        " provided_elsewhere, notes, created_at_client, updated_at_client) where v.pk = a.pk",
        (
            world.context.at,
            world.context.change_set,
            [row.pk for row in rows],
            [units[row.org_unit].pk for row in rows],
            [row.status for row in rows],
            [row.occurred_at for row in rows],
            [row.scheduled_at for row in rows],
            [row.completed_at for row in rows],
            [row.completed_by for row in rows],
            [row.attribute_option_combo for row in rows],
            [row.assigned_user for row in rows],
            [_json(row.geometry) for row in rows],
            [_json(row.data) for row in rows],
            ["{" + ",".join(row.provided_elsewhere) + "}" if row.provided_elsewhere else None for row in rows],
            [_json(row.notes) for row in rows],
            [row.created_at_client for row in rows],
            [row.updated_at_client for row in rows],
        ),
    )


def touch_entities(session: Session, world: World, pks: Iterable[int]) -> None:
    """Move `updated` of tracked entities of which something below changed."""
    if listed := sorted(pks):
        session.execute(
            "update tracked_entity set updated = %s, updated_in = %s where pk = any(%b)",
            (world.context.at, world.context.change_set, listed),
        )


def delete(
    session: Session,
    world: World,
    entities: Sequence[int],
    enrollments: Sequence[int],
    events: Sequence[int],
    relationships: Sequence[int],
) -> list[Change]:
    """Softly delete objects (by pk) and everything below them; return a change per object that went.

    Unique values of deleted entities may be given out again.
    """
    if not (entities or enrollments or events or relationships):
        return []
    stamp = (world.context.at, world.context.change_set)
    mark = "set deleted = true, updated = %s, updated_in = %s where not deleted and"
    persons = session.execute(
        f"update tracked_entity {mark} pk = any(%b) returning 'tracked_entity', pk, pk", (*stamp, list(entities))
    ).fetchall()
    enrolled = session.execute(
        f"update enrollment {mark} (pk = any(%b) or entity = any(%b)) returning 'enrollment', pk, entity",
        (*stamp, list(enrollments), list(entities)),
    ).fetchall()
    happened = session.execute(
        f"update event {mark} (pk = any(%b) or entity = any(%b) or enrollment = any(%b)) returning 'event', pk, entity",
        (*stamp, list(events), list(entities), [row[1] for row in enrolled]),
    ).fetchall()
    gone = [row[1] for row in (*persons, *enrolled, *happened)]
    linked = session.execute(
        f"update relationship {mark} (pk = any(%b) or from_pk = any(%b) or to_pk = any(%b))"
        " returning 'relationship', pk, null::bigint",
        (*stamp, list(relationships), gone, gone),
    ).fetchall()
    session.execute(
        "update attribute_value set unique_key = null where entity = any(%b) and unique_key is not null",
        (list(entities),),
    )
    return [Change(kind, pk, "delete", subject) for kind, pk, subject in (*persons, *enrolled, *happened, *linked)]


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
