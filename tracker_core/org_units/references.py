"""What refers to org units, moved from units that go to those that take their place: metadata, users, captured data."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata import org_units, schema
from tracker_core.metadata.compiling import reference

UNITS = org_units.TYPE
Heirs = Mapping[str, Sequence[str]]


def move_metadata(session: Session, context: Context, heirs: Heirs) -> list[Issue]:
    """Let every metadata object and user that refers to a unit of `heirs` refer to its heirs instead.

    Where one unit is meant, the first heir is. Objects are written as an import does: versions rise, changes are noted.
    """
    names = frozenset(
        found.name
        for type in schema.TYPES.values()
        for found in type.properties.values()
        if found.owner and found.target == UNITS
    )
    payload: dict[str, list[dict[str, Any]]] = {}
    for type, uid, doc in session.execute(
        "select type, uid, doc from metadata_object where doc::text ~ %s", (_any_of(heirs),)
    ):
        changed = _inherited(doc, names, heirs)
        if changed != doc:
            payload.setdefault(type, []).append({**changed, "id": uid})
    issues = list(metadata.import_objects(session, context, payload).errors) if payload else []
    _move_users(session, context, names, heirs)
    return issues


def _move_users(session: Session, context: Context, names: frozenset[str], heirs: Heirs) -> None:
    rows = session.execute("select pk, doc from user_account where doc::text ~ %s", (_any_of(heirs),)).fetchall()
    session.execute(
        "update user_account u set doc = a.doc::jsonb, updated = %s, updated_by = %s"
        " from unnest(%b::bigint[], %b::text[]) as a (pk, doc) where u.pk = a.pk",
        (
            context.at,
            context.actor,
            [pk for pk, _ in rows],
            [orjson.dumps(_inherited(doc, names, heirs)).decode() for _, doc in rows],
        ),
    )


def _any_of(heirs: Heirs) -> str:
    return f'"({"|".join(heirs)})"'


def _inherited(value: Any, names: frozenset[str], heirs: Heirs) -> Any:
    """Return a document in which the properties `names` lead to the heirs; a list names each once."""
    if isinstance(value, list):
        return [_inherited(item, names, heirs) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _led(item, heirs) if key in names else _inherited(item, names, heirs) for key, item in value.items()}


def _led(value: Any, heirs: Heirs) -> Any:
    if not isinstance(value, list):
        return {"id": heirs[reference(value)][0]} if reference(value) in heirs else value
    led: dict[str, Any] = {}
    for item in value:
        uid = reference(item)
        for heir in heirs.get(uid, (uid,)):
            led.setdefault(heir, item if heir == uid else {"id": heir})
    return list(led.values())


def move_children(session: Session, context: Context, heirs: Heirs) -> list[Issue]:
    """Put the units below those of `heirs` below the first heir."""
    rows = session.execute(
        "select c.uid, p.uid from org_unit c join org_unit p on p.pk = c.parent where p.uid = any(%b)", (list(heirs),)
    ).fetchall()
    parents = {uid: heirs[parent][0] for uid, parent in rows if uid != heirs[parent][0]}
    docs = [{**doc, "parent": {"id": parents[doc["id"]]}} for doc in org_units.documents(session, parents)]
    made = org_units.plan(session, docs)
    if not made.issues:
        org_units.write(session, context, made)
    return made.issues


def move_captured(session: Session, context: Context, gone: Sequence[int], heir: int) -> None:
    """Move what was captured at the units `gone` (pks) to `heir`: persons, enrollments, events, ownership, diagnoses.

    What clients synchronise shows as changed.
    """
    for table in ("tracked_entity", "enrollment", "event", "program_owner"):
        session.execute(
            f"update {table} set org_unit = %s, updated = %s, updated_in = %s where org_unit = any(%b)",
            (heir, context.at, context.change_set, list(gone)),
        )
    session.execute("update diagnosis set org_unit = %s where org_unit = any(%b)", (heir, list(gone)))


def move_aggregates(session: Session, context: Context, gone: Sequence[int], heir: int, *, discard: bool) -> None:
    """Move aggregate values to `heir`. Of several values of one cell the latest stays, what was sent being its history.

    With `discard` the values of the units that go are dropped instead.
    """
    cell = "data_element, period, category_option_combo, attribute_option_combo"
    rows = session.execute(
        f"select pk, first_value(pk) over (partition by {cell} order by deleted, updated desc, pk desc)"
        " from aggregate_value where org_unit = any(%b)",
        ([*gone, heir] if not discard else list(gone),),
    ).fetchall()
    losers = [(pk, None if discard else winner) for pk, winner in rows if discard or pk != winner]
    pks, winners = [pk for pk, _ in losers], [winner for _, winner in losers]
    session.execute(
        "update submission_value s set value = a.winner from unnest(%b::bigint[], %b::bigint[]) as a (pk, winner)"
        " where s.value = a.pk and a.winner is not null and not exists"
        " (select from submission_value o where o.submission = s.submission and o.value = a.winner)",
        (pks, winners),
    )
    for table in ("submission_value", "aggregate_fact"):
        session.execute(f"delete from {table} where value = any(%b)", (pks,))
    session.execute("delete from aggregate_value where pk = any(%b)", (pks,))
    session.execute(
        "update aggregate_value set org_unit = %s, updated = %s, updated_in = %s where org_unit = any(%b)",
        (heir, context.at, context.change_set, list(gone)),
    )
