"""Tracked entities as identity makes them: the type Person, and the org unit a new one belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from tracker_core.context import Context, Peer
from tracker_core.database import Session
from tracker_core.history import Change, note_changes_of
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


@dataclass(frozen=True, slots=True)
class New:
    """A person to make under `context`: its pk, and the pk of its org unit where that is known."""

    pk: int
    org_unit: int | None
    context: Context


def create(session: Session, new: Sequence[New]) -> None:
    """Insert these persons; without an org unit it is the peer's, else the root."""
    if not new:
        return
    kind = person_type(session)
    senders = {one.context.peer.id if one.context.peer else 0: one.context for one in new}
    homes = {peer: home_unit(session, context) for peer, context in senders.items()}
    session.execute(
        """insert into tracked_entity (pk, uid, type, org_unit, created, updated, created_in, updated_in)
        select pk, uid, %(type)s, unit, at, at, change_set, change_set
        from unnest(%(pks)b::bigint[], %(uids)b::text[], %(units)b::bigint[], %(sets)b::bigint[],
            %(ats)b::timestamptz[]) as new (pk, uid, unit, change_set, at)""",
        {
            "type": kind,
            "pks": [one.pk for one in new],
            "uids": [new_uid() for _ in new],
            "units": [one.org_unit or homes[one.context.peer.id if one.context.peer else 0] for one in new],
            "sets": [one.context.change_set for one in new],
            "ats": [one.context.at for one in new],
        },
    )
    made = [(one.context.change_set, Change("tracked_entity", one.pk, "create", one.pk)) for one in new]
    note_changes_of(session, made)


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
