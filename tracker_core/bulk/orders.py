"""Bulk orders and the files that they make: what was asked, how far it has come, when it is thrown away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from tracker_core.database import Session
from tracker_core.uids import new_uid

Kind = Literal["export", "import"]
State = Literal["waiting", "running", "done", "failed", "cancelled"]
KEPT = "24 hours"


@dataclass(frozen=True, slots=True)
class Order:
    """One export or import. `position` is where to go on; `done` of about `total` records are behind it.

    `as_of` is the time whose records an export gives. `expires` is when an ended order is thrown away with its files.
    """

    uid: str
    kind: Kind
    owner: str
    request: str
    asked: dict[str, Any]
    state: State
    as_of: datetime | None
    position: dict[str, Any]
    total: int
    done: int
    error: str
    created: datetime
    finished: datetime | None
    expires: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class File:
    """One file of an order, with what it has so far. `kind` is output, deleted or error; `type` a resource type."""

    number: int
    kind: str
    type: str
    lines: int
    bytes: int
    ended: bool = False

    @property
    def name(self) -> str:
        """What it is called within its order."""
        return f"{self.number}.{self.type}.ndjson"


_COLUMNS = "uid, kind, owner, request, asked, state, as_of, position, total, done, error, created, finished, expires"


def place(session: Session, kind: Kind, owner: str, request: str, asked: dict[str, Any]) -> str:
    """Put an order in line; return its uid, which nobody can guess."""
    uid = new_uid() + new_uid()
    session.execute(
        "insert into bulk_order (uid, kind, owner, request, asked) values (%s, %s, %s, %s, %s::jsonb)",
        (uid, kind, owner, request, orjson.dumps(asked).decode()),
    )
    return uid


def find(session: Session, kind: Kind, uid: str) -> Order | None:
    """Return an order; one that was cancelled is gone."""
    row = session.execute(
        f"select {_COLUMNS} from bulk_order where uid = %s and kind = %s and state <> 'cancelled'", (uid, kind)
    ).fetchone()
    return Order(*row) if row else None


def files(session: Session, uid: str) -> list[File]:
    """Return the files of an order in the order they were begun."""
    rows = session.execute(
        "select number, kind, type, lines, bytes, ended from bulk_file where bulk = %s order by number", (uid,)
    )
    return [File(*row) for row in rows]


def count_open(session: Session, owner: str) -> int:
    """Return how many orders of a user have not ended."""
    row = session.execute(
        "select count(*) from bulk_order where owner = %s and state in ('waiting', 'running')", (owner,)
    ).fetchone()
    return int(row[0]) if row else 0


def take(session: Session, kind: Kind) -> Order | None:
    """Return the oldest open order that is due, locked for this transaction; None when there is none to be had.

    The lock ends with the transaction, and with the life of whoever holds it: the next one goes on at `position`.
    """
    row = session.execute(
        f"select {_COLUMNS} from bulk_order where kind = %s and state in ('waiting', 'running') and due <= now()"
        " order by due, created limit 1 for update skip locked",
        (kind,),
    ).fetchone()
    return Order(*row) if row else None


def begin(session: Session, uid: str, as_of: datetime | None, total: int, position: dict[str, Any]) -> None:
    """Note that work on an order begins."""
    session.execute(
        "update bulk_order set state = 'running', as_of = %s, total = %s, position = %s::jsonb where uid = %s",
        (as_of, total, orjson.dumps(position).decode(), uid),
    )


def advance(session: Session, uid: str, position: dict[str, Any], done: int, made: Sequence[File]) -> None:
    """Note how far an order has come: `done` more records, and its files as they are up to `position`.

    It goes to the end of the line: orders take turns.
    """
    session.execute(
        "update bulk_order set position = %s::jsonb, done = done + %s, due = now(), error = '' where uid = %s",
        (orjson.dumps(position).decode(), done, uid),
    )
    session.execute(
        "insert into bulk_file (bulk, number, kind, type, lines, bytes, ended)"
        " select %s, * from unnest(%b::int[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bool[])"
        " on conflict (bulk, number) do update set lines = excluded.lines, bytes = excluded.bytes,"
        " ended = excluded.ended",
        (
            uid,
            [one.number for one in made],
            [one.kind for one in made],
            [one.type for one in made],
            [one.lines for one in made],
            [one.bytes for one in made],
            [one.ended for one in made],
        ),
    )


def end(session: Session, uid: str, error: str = "") -> None:
    """End an order: done, or failed for this reason. Its files are kept for a day."""
    session.execute(
        "update bulk_order set state = case when %(error)s = '' then 'done' else 'failed' end, error = %(error)s,"
        f" finished = now(), expires = now() + interval '{KEPT}' where uid = %(uid)s",
        {"uid": uid, "error": error},
    )


def postpone(session: Session, uid: str, error: str, seconds: float) -> None:
    """Let an order wait, for a reason that may pass."""
    session.execute(
        "update bulk_order set error = %s, due = now() + make_interval(secs => %s) where uid = %s",
        (error, seconds, uid),
    )


def cancel(session: Session, uid: str) -> None:
    """Give an order up, ended or not; its files are thrown away at the next clearing."""
    session.execute("update bulk_order set state = 'cancelled', expires = now() where uid = %s", (uid,))


def clear(session: Session, at: datetime | None = None) -> int:
    """Forget the orders that have expired by now, or by `at`; return how many."""
    return session.execute(
        "delete from bulk_order where expires <= coalesce(%s, now()) and state in ('done', 'failed', 'cancelled')",
        (at,),
    ).rowcount


def known(session: Session, uids: Sequence[str]) -> set[str]:
    """Return those of the uids that are of an order still kept."""
    rows = session.execute("select uid from bulk_order where uid = any(%b::text[])", (list(uids),))
    return {row[0] for row in rows}
