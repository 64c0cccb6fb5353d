"""A small world for identity: one program, and rows hung on persons without the machinery that usually makes them."""

from typing import Any

from tracker_core.context import Context
from tracker_core.database import Session, next_pks
from tracker_core.uids import new_uid

PERSONAL = (
    ("tracked_entity", "pk, inactive, deleted, merged_into"),
    ("record", "pk, subject"),
    ("enrollment", "pk, entity"),
    ("event", "pk, entity"),
    ("program_owner", "entity, program, org_unit"),
    ("relationship", "pk, from_pk, to_pk, deleted"),
    ("attribute_value", "entity, attribute, value, unique_key"),
    ("person_facts", "record, person"),
    ("potential_duplicate", "pk, original, duplicate, status"),
)


def snapshot(session: Session) -> dict[str, list[Any]]:
    """Everything that says what belongs to whom."""
    return {
        table: session.execute(f"select {columns} from {table} order by 1, 2").fetchall() for table, columns in PERSONAL
    }


def add_metadata(session: Session, context: Context, type: str) -> int:
    """A metadata object to refer to."""
    (pk,) = next_pks(session, 1)
    session.execute(
        "insert into metadata_object (pk, type, uid, doc, created_in, updated_in) values (%s, %s, %s, '{}', %s, %s)",
        (pk, type, new_uid(), context.change_set, context.change_set),
    )
    return pk


def add_record(session: Session, context: Context, pk: int, subject: int, refers: int | None = None) -> int:
    """A record of the person; `refers` is the pk of the Patient record that it names."""
    session.execute(
        "insert into record (pk, type, id, version, updated, subject, created, created_in, updated_in, tokens)"
        " values (%s, 1, %s, 1, now(), %s, now(), %s, %s, %s)",
        (pk, str(pk), subject, context.change_set, context.change_set, [(3 << 44) | refers] if refers else []),
    )
    return pk


def add_enrollment(
    session: Session, context: Context, person: int, program: int, origin: int | None = None
) -> tuple[int, int]:
    """An enrollment with one event, both of the person."""
    enrollment, event = next_pks(session, 2)
    (unit,) = session.execute("select org_unit from tracked_entity where pk = %s", (person,)).fetchall()[0]
    session.execute(
        "insert into enrollment (pk, uid, entity, program, org_unit, enrolled_at, origin, created, updated,"
        " created_in, updated_in) values (%s, %s, %s, %s, %s, now(), %s, now(), now(), %s, %s)",
        (enrollment, new_uid(), person, program, unit, origin, context.change_set, context.change_set),
    )
    session.execute(
        "insert into program_owner (entity, program, org_unit, created, updated, updated_in)"
        " values (%s, %s, %s, now(), now(), %s) on conflict do nothing",
        (person, program, unit, context.change_set),
    )
    session.execute(
        "insert into event (pk, uid, enrollment, entity, program, stage, org_unit, created, updated,"
        " created_in, updated_in) values (%s, %s, %s, %s, %s, %s, %s, now(), now(), %s, %s)",
        (event, new_uid(), enrollment, person, program, program, unit, context.change_set, context.change_set),
    )
    return enrollment, event


def add_relationship(session: Session, context: Context, type: int, source: int, target: int) -> None:
    """A relationship between two persons."""
    session.execute(
        "insert into relationship (pk, uid, type, from_kind, from_pk, to_kind, to_pk, created, updated, created_in,"
        " updated_in) values (%s, %s, %s, 'trackedEntity', %s, 'trackedEntity', %s, now(), now(), %s, %s)",
        (next_pks(session, 1)[0], new_uid(), type, source, target, context.change_set, context.change_set),
    )


def add_attribute(
    session: Session, context: Context, person: int, attribute: int, value: str, key: str | None = None
) -> None:
    """An attribute value of the person; with `key` it is a unique one."""
    session.execute(
        "insert into attribute_value (entity, attribute, value, folded, unique_key, created, updated, updated_in)"
        " values (%s, %s, %s, %s, %s, now(), now(), %s)",
        (person, attribute, value, value, key, context.change_set),
    )
