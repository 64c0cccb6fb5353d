"""Imports of large files: which messages a file was cut into, how far they are, and their answers in order.

A chunk is a message like any other; what is special is only that many of them are one file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from tracker_core.database import Session
from tracker_core.errors import NotFound

State: TypeAlias = Literal["cutting", "running", "stopped", "done"]
_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class Import:
    """One file, or set of files, on its way in. `cut` is when all of it was in messages; `parts` how many lanes it has.

    `chunks` and `rows` count what was cut so far.
    """

    id: int
    peer: int
    name: str
    parts: int
    cut: datetime | None
    rows: int
    chunks: int
    created: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: rows in messages that have ended, of all rows cut; messages by what became of them.

    `stopped` means that a chunk is parked: a fault of ours, for a person to look at; its part waits behind it.
    """

    state: State
    rows: int
    ended: int
    waiting: int
    parked: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A chunk: its number within its part, which file of a set it is of (`file`, counted from 0), its rows."""

    part: int
    number: int
    file: int
    rows: int
    message: int


_FIELDS = "id, peer, name, parts, cut, rows, chunks, created, actor"


def begin(session: Session, peer: int, name: str, digest: bytes, parts: int, actor: str) -> Import:
    """Return the import of this content by this peer, made when it is new: the same file again goes on where it was."""
    session.execute(
        "insert into file_import (peer, name, digest, parts, actor) values (%s, %s, %s, %s, %s)"
        " on conflict (peer, digest) do nothing",
        (peer, name, digest, parts, actor),
    )
    row = session.execute(
        f"select {_FIELDS} from file_import where peer = %s and digest = %s", (peer, digest)
    ).fetchone()
    assert row is not None
    return Import(*row)


def read(session: Session, id: int) -> Import:
    """Return one import. Raises `NotFound`."""
    row = session.execute(f"select {_FIELDS} from file_import where id = %s", (id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no import {id}")
    return Import(*row)


def lock(session: Session, id: int) -> Import:
    """Return one import, kept from changing until the end of the transaction."""
    row = session.execute(f"select {_FIELDS} from file_import where id = %s for update", (id,)).fetchone()
    assert row is not None
    return Import(*row)


def latest(session: Session, peer: int, limit: int = 100) -> list[Import]:
    """Return a peer's imports, newest first."""
    rows = session.execute(
        f"select {_FIELDS} from file_import where peer = %s order by id desc limit %s", (peer, limit)
    )
    return [Import(*row) for row in rows]


def counts(session: Session, id: int) -> dict[int, int]:
    """Return how many chunks each part has so far."""
    return dict(
        session.execute("select part, count(*)::int from file_chunk where import = %s group by 1", (id,)).fetchall()
    )


def add(session: Session, id: int, slices: Sequence[Slice]) -> None:
    """Note the messages that the next chunks went into."""
    session.execute(
        "insert into file_chunk (import, part, number, file, rows, message) select %s, s.* from"
        " unnest(%b::int[], %b::int[], %b::int[], %b::int[], %b::bigint[]) s (part, number, file, rows, message)",
        (
            id,
            [one.part for one in slices],
            [one.number for one in slices],
            [one.file for one in slices],
            [one.rows for one in slices],
            [one.message for one in slices],
        ),
    )
    session.execute(
        "update file_import set rows = rows + %s, chunks = chunks + %s where id = %s",
        (sum(one.rows for one in slices), len(slices), id),
    )


def finish_cutting(session: Session, id: int) -> None:
    """Note that all of the file is in messages."""
    session.execute("update file_import set cut = now() where id = %s and cut is null", (id,))


def progress(session: Session, id: int) -> Progress:
    """Return how far an import is. Raises `NotFound`."""
    found = read(session, id)
    row = session.execute(
        "select coalesce(sum(c.rows) filter (where m.state in ('done', 'rejected')), 0)::bigint,"
        " count(*) filter (where m.state = 'waiting'), count(*) filter (where m.state = 'parked'),"
        " count(*) filter (where m.state = 'rejected')"
        " from file_chunk c join message m on m.id = c.message where c.import = %s",
        (id,),
    ).fetchone()
    assert row is not None
    ended, waiting, parked, rejected = row
    state: State = "cutting" if not found.cut else "stopped" if parked else "running" if waiting else "done"
    return Progress(state, found.rows, ended, waiting, parked, rejected)


def next_message(session: Session, id: int, part: int, after: int = -1) -> tuple[int, int] | None:
    """Return (number, message) of the first chunk of a part, behind the number `after`, that has not ended.

    None when all have, or when that one is parked: what is behind it waits.
    """
    row = session.execute(
        "select c.number, m.id, m.state from file_chunk c join message m on m.id = c.message where c.import = %s"
        " and c.part = %s and c.number > %s and m.state in ('waiting', 'parked') order by c.number limit 1",
        (id, part, after),
    ).fetchone()
    return (row[0], row[1]) if row and row[2] == "waiting" else None


def answers(session: Session, id: int, part: int) -> Iterator[tuple[int, bytes]]:
    """Yield (file, answer) of a part's chunks in order, as far as they have ended; a few are read at a time."""
    number = -1
    while True:
        rows = session.execute(
            "select c.number, c.file, m.answer from file_chunk c join message m on m.id = c.message"
            " where c.import = %s and c.part = %s and c.number > %s and m.answer is not null"
            " order by c.number limit %s",
            (id, part, number, _ANSWERS),
        ).fetchall()
        yield from ((file, answer) for _, file, answer in rows)
        if len(rows) < _ANSWERS:
            return
        number = rows[-1][0]
