"""Change sets: who changed what, when, from which message. The log is history, audit, outbox and lineage at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tracker_core.context import Context, Peer
from tracker_core.database import Session
from tracker_core.horizon import announce

Action = Literal["create", "update", "delete", "merge", "unmerge"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a change set did to one object.

    `kind` is `tracked_entity`, `enrollment`, `event`, `relationship`, `aggregate_value`, `metadata` …; `subject` is the
    person it belongs to; `delta` is `{field: [old, new]}`, empty where the action says all.
    """

    kind: str
    target: int
    action: Action
    subject: int | None = None
    delta: dict[str, list[Any]] | None = None


def open_change_set(
    session: Session, actor: str, peer: Peer | None = None, message: int | None = None, mapping: str = ""
) -> Context:
    """Open the change set under which everything that follows in this transaction is written.

    Its time has millisecond precision, because that is what every protocol emits, and is announced to readers by time
    (`tracker_core.horizon`). `mapping` is the edition of the tables that read the message.
    """
    return open_change_sets(session, [(actor, peer, message, mapping)])[0]


def open_change_sets(session: Session, opened: Sequence[tuple[str, Peer | None, int | None, str]]) -> list[Context]:
    """Open a change set for each (actor, peer, message, mapping), all at one time; see `open_change_set`."""
    announce(session)
    rows = session.execute(
        "insert into change_set (actor, peer, message, mapping, at)"
        " select o.actor, o.peer, o.message, nullif(o.mapping, ''), t.at"
        " from (select date_trunc('milliseconds', clock_timestamp()) as at) t,"
        " unnest(%b::text[], %b::int[], %b::bigint[], %b::text[]) with ordinality o (actor, peer, message, mapping, n)"
        " order by o.n returning id, at",
        (
            [actor for actor, *_ in opened],
            [peer.id if peer else None for _, peer, *_ in opened],
            [message for *_, message, _ in opened],
            [mapping for *_, mapping in opened],
        ),
    )
    return [
        Context(change_set=id, at=at, actor=actor, peer=peer, message=message)
        for (id, at), (actor, peer, message, _) in zip(rows, opened, strict=True)
    ]


def note_changes(session: Session, context: Context, changes: Sequence[Change]) -> None:
    """Append `changes` to the log, in order, with one statement."""
    note_changes_of(session, [(context.change_set, change) for change in changes])


def note_changes_of(session: Session, noted: Sequence[tuple[int, Change]]) -> None:
    """Append changes of several change sets, each with its set, as `note_changes` does."""
    if not noted:
        return
    session.execute(
        "insert into change (change_set, kind, target, subject, action, delta)"
        " select c.change_set, c.kind, c.target, c.subject, c.action, c.delta::jsonb"
        " from unnest(%b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::text[])"
        " with ordinality as c (change_set, kind, target, subject, action, delta, n) order by c.n",
        (
            [change_set for change_set, _ in noted],
            [c.kind for _, c in noted],
            [c.target for _, c in noted],
            [c.subject for _, c in noted],
            [c.action for _, c in noted],
            [orjson.dumps(c.delta).decode() if c.delta is not None else None for _, c in noted],
        ),
    )


@dataclass(frozen=True, slots=True)
class Touched:
    """One object that an undispatched change set touched. `type` is the record type's number, 0 for other kinds.

    `absorbed` is the person that became part of this one, on the survivor's side of a merge.
    """

    change_set: int
    peer: int | None
    kind: str
    type: int
    target: int
    subject: int | None
    action: Action
    absorbed: int | None = None


def take_undispatched(session: Session, limit: int, *, in_turn: bool = False) -> list[Touched]:
    """Mark up to `limit` change sets as dispatched and return every object they touched.

    Change sets become visible when they commit, not in the order of their ids, so the feed goes by a flag on each of
    them and never by the highest id seen. Concurrent callers take different sets. Callers who take turns get no
    version of a record before the versions that came before it, and may get some sets more for that.
    """
    taken = pass_over(session, limit)
    if taken and in_turn:
        taken = take_earlier(session, taken)
    return touched(session, taken) if taken else []


def pass_over(session: Session, limit: int) -> list[int]:
    """Mark up to `limit` undispatched change sets as dispatched without asking what they touched; return their ids."""
    rows = session.execute(
        "update change_set set dispatched = true where id in (select id from change_set where not dispatched"
        " order by id limit %s for no key update skip locked) returning id",
        (limit,),
    )
    return [row[0] for row in rows]


def take_earlier(session: Session, taken: Sequence[int]) -> list[int]:
    """Mark as dispatched, too, what made the versions before those of `taken`; return the ids of all, in their order.

    A change set that waited for a later one to write the same record has the later version under the lower id. Only
    for callers who take turns: others would wait for each other.
    """
    rows = session.execute(
        "with recursive needed (id) as (select unnest(%b::bigint[]) union select s.id from needed n"
        " join record_version v on v.change_set = n.id"
        " join record_version e on e.pk = v.pk and e.version = v.version - 1"
        " join change_set s on s.id = e.change_set and not s.dispatched)"
        " update change_set set dispatched = true where not dispatched and id in (select id from needed) returning id",
        (list(taken),),
    )
    return sorted([*taken, *(row[0] for row in rows)])


def touched(session: Session, change_sets: Sequence[int]) -> list[Touched]:
    """Return every object that these change sets touched, in their order."""
    rows = session.execute(
        "select s.id, s.peer, 'record', r.type, r.pk, r.subject,"
        " case when v.deleted then 'delete' when v.version = 1 then 'create' else 'update' end, null from change_set s"
        " join record_version v on v.change_set = s.id join record r on r.pk = v.pk where s.id = any(%b)"
        " union all"
        " select s.id, s.peer, c.kind, 0, c.target, c.subject, c.action,"
        " case c.action when 'merge' then (c.delta -> 'merged' ->> 0)::bigint end from change_set s"
        " join change c on c.change_set = s.id where s.id = any(%b) order by 1",
        (list(change_sets), list(change_sets)),
    ).fetchall()
    return [Touched(*row) for row in rows]
