"""Asking peers for what is new: how far each was read, when it is asked again, and what went wrong.

The cursor moves in the transaction that keeps the bytes: what was read is a message, or is read again.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tracker_core.context import Context, Peer
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.records.definitions import resource_types, type_names

LEASE_SECONDS = 600
RETRY_SECONDS = 900
# A peer is not asked for more while this many of its messages wait to be applied.
BACKLOG = 2_000


@dataclass(frozen=True, slots=True)
class Pull:
    """One peer's state: `cursor` is its adapter's own, `pages` how many answers were kept, `error` of the last try."""

    peer: int
    cursor: dict[str, Any]
    due: datetime
    pages: int
    failures: int
    error: str | None
    succeeded: datetime | None


_FIELDS = "peer, cursor, due, pages, failures, error, succeeded"


def claim(session: Session) -> Pull | None:
    """Take the turn of one peer with the setting `pull` that is due and whose messages are not piling up, or None.

    Nobody else gets the turn until it is over, or its holder has been silent for ten minutes.
    """
    session.execute(
        "insert into pull (peer) select id from peer p where p.settings ? 'pull'"
        " and not exists (select from pull where pull.peer = p.id) on conflict do nothing"
    )
    row = session.execute(
        "update pull set lease_until = now() + make_interval(secs => %s) where peer = (select u.peer from pull u"
        " join peer p on p.id = u.peer and p.active and p.settings ? 'pull' where u.due <= now()"
        " and (u.lease_until is null or u.lease_until < now())"
        " and (select count(*) from (select from message m where m.peer = u.peer and m.direction = 'in'"
        " and m.state = 'waiting' limit %s) waiting) < %s"
        f" order by u.due limit 1 for update of u skip locked) returning {_FIELDS}",
        (LEASE_SECONDS, BACKLOG, BACKLOG),
    ).fetchone()
    return Pull(*row) if row else None


def advance(session: Session, peer: int, cursor: dict[str, Any], kept: bool) -> None:
    """Go on to `cursor`, in the transaction that keeps what lies before it, and hold the turn for longer."""
    session.execute(
        "update pull set cursor = %s::jsonb, pages = pages + %s, lease_until = now() + make_interval(secs => %s)"
        " where peer = %s",
        (orjson.dumps(cursor).decode(), int(kept), LEASE_SECONDS, peer),
    )


def rest(session: Session, peer: int, seconds: float) -> None:
    """End a turn that went well; the next is in so many seconds."""
    session.execute(
        "update pull set lease_until = null, failures = 0, error = null, succeeded = now(),"
        " due = now() + make_interval(secs => %s) where peer = %s",
        (seconds, peer),
    )


def fail(session: Session, peer: int, error: str, at_least: float = 0) -> None:
    """End a turn that went wrong; waits double from two seconds to fifteen minutes, with jitter, or `at_least`."""
    session.execute(
        "update pull set lease_until = null, failures = failures + 1, error = %s, due = now()"
        " + make_interval(secs => greatest(%s, least(%s, 2.0 ^ least(failures + 1, 12)) * %s)) where peer = %s",
        (error, at_least, RETRY_SECONDS, random.uniform(0.5, 1.0), peer),  # noqa: S311 - jitter
    )


def listed(session: Session) -> list[tuple[str, Pull]]:
    """Return the state of every peer that is asked, with its code."""
    rows = session.execute(
        "select p.code, u.peer, u.cursor, u.due, u.pages, u.failures, u.error, u.succeeded from pull u"
        " join peer p on p.id = u.peer where p.settings ? 'pull' order by p.code"
    )
    return [(code, Pull(*row)) for code, *row in rows]


def hurry(session: Session, peer: Peer, *, again: bool = False) -> None:
    """Let the peer's turn come now; `again` reads it from the beginning. Raises `NotFound` when it is never asked."""
    if "pull" not in peer.settings:
        raise NotFound(f"{peer.code} is not asked: its settings have no `pull`")
    session.execute("insert into pull (peer) values (%s) on conflict do nothing", (peer.id,))
    session.execute(
        "update pull set due = now(), cursor = case when %s then '{}' else cursor end where peer = %s", (again, peer.id)
    )


def note_names(session: Session, context: Context, peer: int, names: dict[str, int]) -> None:
    """Remember what a peer calls records of ours: its name (`Patient/7f…`) -> pk."""
    session.execute(
        "insert into link (peer, kind, external_id, target, created_in)"
        " select %s, 'record', n.name, n.target, %s from unnest(%b::text[], %b::bigint[]) as n (name, target)"
        " on conflict (peer, kind, external_id) do update set target = excluded.target",
        (peer, context.change_set, list(names), list(names.values())),
    )


def names_of(session: Session, peer: int, references: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return what a peer calls these records (type, id), as far as it has them from us: our reference -> its name.

    A receiver may rename what it changes: the newest name counts.
    """
    numbers, names = resource_types(), type_names()
    known = [(numbers[type], id) for type, id in references if type in numbers]
    rows = session.execute(
        "select distinct on (r.pk) r.type, r.id, l.external_id from unnest(%b::smallint[], %b::text[]) w (type, id)"
        " join record r on r.type = w.type and r.id = w.id"
        " join link l on l.target = r.pk and l.peer = %s and l.kind = 'record' order by r.pk, l.created_in desc",
        ([type for type, _ in known], [id for _, id in known], peer),
    )
    return {f"{names[type]}/{id}": name for type, id, name in rows}


def known_names(session: Session, peer: int, names: Iterable[str]) -> set[str]:
    """Return those of a peer's names that stand for records it has from us."""
    rows = session.execute(
        "select external_id from link where peer = %s and kind = 'record' and external_id = any(%b::text[])",
        (peer, list(names)),
    )
    return {row[0] for row in rows}
