"""Replays of bindings over old records: which are ordered, how far each has come, and what came of it.

A page and its progress are one transaction: after a crash the next page is the first that was not done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.records.definitions import resource_types

State = Literal["waiting", "running", "done", "cancelled"]
MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay. Of `total` records `seen` were looked at, up to the key `after`.

    `counts` say what came of it (`enrollment created` -> how many), `issues` how many warnings, `examples` a few.
    """

    pk: int
    binding: str
    state: State
    total: int
    seen: int
    after: int
    counts: dict[str, int]
    issues: int
    examples: Sequence[str]
    actor: str
    ordered: datetime
    finished: datetime | None


_FIELDS = "pk, binding, state, total, seen, after, counts, issues, examples, actor, ordered, finished"


def order(session: Session, binding: str, types: Sequence[str], actor: str) -> Replay:
    """Put a replay in line over the live records of these types; one of the same binding not ended is cancelled."""
    session.execute(
        "update replay set state = 'cancelled', finished = now()"
        " where binding = %s and state in ('waiting', 'running')",
        (binding,),
    )
    row = session.execute(
        "insert into replay (binding, total, actor) select %s, count(*), %s from record"
        f" where not deleted and type = any(%b::smallint[]) returning {_FIELDS}",
        (binding, actor, [resource_types()[type] for type in types]),
    ).fetchone()
    assert row is not None
    return Replay(*row)


def claim(session: Session) -> Replay | None:
    """Return the oldest replay that is not ended, kept from others until this transaction ends; None without one."""
    row = session.execute(
        f"select {_FIELDS} from replay where state in ('waiting', 'running') order by pk limit 1 for update skip locked"
    ).fetchone()
    return Replay(*row) if row else None


def hold(session: Session, pk: int) -> bool:
    """Tell whether a replay has not ended and is now kept from others; waits for a page that is being done."""
    row = session.execute(
        "select from replay where pk = %s and state in ('waiting', 'running') for update", (pk,)
    ).fetchone()
    return row is not None


def advance(
    session: Session, replay: Replay, seen: int, after: int | None, counts: Mapping[str, int], examples: Sequence[str]
) -> None:
    """Note one page: how many records it had, the key to go on after (None at the end), and what came of it."""
    summed = {key: replay.counts.get(key, 0) + counts.get(key, 0) for key in replay.counts.keys() | counts.keys()}
    kept = [*replay.examples, *examples][:MOST_EXAMPLES]
    session.execute(
        "update replay set seen = seen + %(seen)s, after = %(after)s, counts = %(counts)s::jsonb,"
        " issues = issues + %(issues)s, examples = %(examples)b::text[], state = %(state)s,"
        " finished = case when %(state)s = 'done' then now() end where pk = %(pk)s",
        {
            "seen": seen,
            "after": replay.after if after is None else after,
            "counts": orjson.dumps(summed).decode(),
            "issues": len(examples),
            "examples": kept,
            "state": "done" if after is None else "running",
            "pk": replay.pk,
        },
    )


def cancel(session: Session, pk: int) -> None:
    """Let a replay go no further; what it did stays. Raises `NotFound`."""
    read(session, pk)
    session.execute(
        "update replay set state = 'cancelled', finished = now() where pk = %s and state in ('waiting', 'running')",
        (pk,),
    )


def read(session: Session, pk: int) -> Replay:
    """Return a replay. Raises `NotFound`."""
    row = session.execute(f"select {_FIELDS} from replay where pk = %s", (pk,)).fetchone()
    if row is None:
        raise NotFound(f"there is no replay {pk}")
    return Replay(*row)


def latest(session: Session) -> list[Replay]:
    """Return the last hundred replays, newest first."""
    rows: list[tuple[Any, ...]] = session.execute(f"select {_FIELDS} from replay order by pk desc limit 100").fetchall()
    return [Replay(*row) for row in rows]
