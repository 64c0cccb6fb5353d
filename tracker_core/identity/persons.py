"""Tracked entities as identity makes them: the type Person, and the org unit a new one belongs to."""

from typing import LiteralString

from tracker_core.context import Context, Peer
from tracker_core.database import Session
from tracker_core.history import Change, note_changes
from tracker_core.identity.keys import lock_keys
from tracker_core.metadata.bootstrapping import PERSON, bootstrap
from tracker_core.uids import new_uid


def by_uid(session: Session, uids: set[str]) -> dict[str, int]:
    """Return the pk of the person that each uid names now: of a merged one, the survivor."""
    if not uids:
        return {}
    found = session.execute("select uid, pk from tracked_entity where uid = any(%b)", (sorted(uids),)).fetchall()
    now = living(session, {pk for _, pk in found})
    return {uid: now[pk] for uid, pk in found}


def living(session: Session, persons: set[int]) -> dict[int, int]:
    """Return for each person the one it is now: itself, or the survivor of its merges."""
    if not persons:
        return {}
    found = session.execute(
        """with recursive chain (first, pk, next) as (
            select pk, pk, merged_into from tracked_entity where pk = any(%b)
            union all
            select chain.first, t.pk, t.merged_into from chain join tracked_entity t on t.pk = chain.next)
        select first, pk from chain where next is null""",
        (sorted(persons),),
    ).fetchall()
    return dict(found)


def create(session: Session, context: Context, new: list[tuple[int, int | None]]) -> None:
    """Insert one person per (pk, org unit); without an org unit it is the peer's, else the root."""
    if not new:
        return
    kind = person_type(session)
    home = home_unit(session, context)
    pks = [pk for pk, _ in new]
    units = [unit or home for _, unit in new]
    session.execute(
        """insert into tracked_entity (pk, uid, type, org_unit, created, updated, created_in, updated_in)
        select pk, uid, %(type)s, unit, %(at)s, %(at)s, %(set)s, %(set)s
        from unnest(%(pks)b::bigint[], %(uids)b::text[], %(units)b::bigint[]) as new (pk, uid, unit)""",
        {
            "type": kind,
            "at": context.at,
            "set": context.change_set,
            "pks": pks,
            "uids": [new_uid() for _ in pks],
            "units": units,
        },
    )
    note_changes(session, context, [Change("tracked_entity", pk, "create", pk) for pk in pks])


def person_type(session: Session) -> int:
    """Return the pk of the tracked entity type Person."""
    return _find(session, "select pk from metadata_object where type = 'trackedEntityTypes' and uid = %s", PERSON)


def home_unit(session: Session, context: Context) -> int:
    """Return the org unit for persons whose record names none: the peer's `org_unit` setting, else the root."""
    query = """select pk from org_unit cross join (select %s::text as wanted) peer
        where parent is null or wanted in (uid, code) order by (wanted in (uid, code)) is not true, pk limit 1"""
    return _find(session, query, _setting(context.peer))


def _find(session: Session, query: LiteralString, value: str) -> int:
    """Return the pk that `query` finds; a database without even the basic metadata gets it first."""
    row = session.execute(query, (value,)).fetchone()
    if row is None:
        lock_keys(session, {0})
        row = session.execute(query, (value,)).fetchone()
    if row is None:
        bootstrap(session)
        row = session.execute(query, (value,)).fetchone()
    assert row is not None
    return int(row[0])


def _setting(peer: Peer | None) -> str:
    return str(peer.settings.get("org_unit", "")) if peer else ""
