"""Writing what changed or goes: one UPDATE per kind, and the cascade of soft deletions."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import orjson

from tracker_core.database import Session
from tracker_core.history import Change
from tracker_core.tracker.rows import Enrollment, Entity, Event
from tracker_core.tracker.world import World

# Types that are sent as texts, because an array of them is none of the driver's.
_AS_TEXT = ("jsonb", "text[]")


def update_rows(
    session: Session,
    world: World,
    table: str,
    state: Mapping[str, str],
    rows: Sequence[Entity] | Sequence[Enrollment] | Sequence[Event],
) -> None:
    """Write the new `state` (see `columns`) and org unit of stored objects of one kind, with one statement."""
    if not rows:
        return
    units, state_of = world.metadata.org_units, attrgetter(*state)
    typed = {"pk": "int8", "org_unit": "int8", **state}
    lines = [(row.pk, units[row.org_unit].pk, *state_of(row)) for row in rows]
    sent = {name: "text" if type in _AS_TEXT else type for name, type in typed.items()}
    changes = ", ".join(f"{name} = a.{name}::{type}" for name, type in typed.items() if name != "pk")
    session.execute(
        f"update {table} t set {changes}, updated = %s, updated_in = %s"
        f" from unnest({', '.join(f'%b::{type}[]' for type in sent.values())}) as a ({', '.join(typed)})"
        " where t.pk = a.pk",
        (
            world.context.at,
            world.context.change_set,
            *([_sent(type, line[place]) for line in lines] for place, type in enumerate(typed.values())),
        ),
    )


def _sent(type: str, value: Any) -> Any:
    if value is None:
        return None
    if type == "jsonb":
        return orjson.dumps(value).decode()
    return "{" + ",".join(value) + "}" if type == "text[]" else value


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
