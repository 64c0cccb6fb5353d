"""Index old records anew: after a new search parameter, or an upgrade that indexes more. A worker walks by batches.

A walk begins when every transaction that may not know of its reason has ended, and goes by the keys of records;
after an interruption it goes on where it was. Records are locked for one batch at a time. What cannot be indexed is
counted and named; the walk then goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.copying import copy_packed
from tracker_core.database import Rollback, Session
from tracker_core.records import custom, references, vocabulary
from tracker_core.records.definitions import resource_types, type_names
from tracker_core.records.drafts import Draft
from tracker_core.records.extraction import extract
from tracker_core.records.writing import SIDES

MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a walk has come. `state` is waiting, running, done or replaced (by a newer one for the same record).

    `examples` name some of the records that could not be indexed, with the reason. `record` is the key of the
    SearchParameter, None for a walk over everything.
    """

    pk: int
    record: int | None
    types: tuple[str, ...]
    state: str
    total: int
    done: int
    errors: int
    examples: Sequence[str]
    started: datetime | None
    finished: datetime | None


def walks(session: Session, record: int | None = None) -> list[Walk]:
    """Return the walks, of one SearchParameter or all, the newest first, at most 100."""
    names = type_names()
    rows = session.execute(
        "select pk, record, types, state, total, done, errors, examples, started, finished from reindex"
        " where %(record)s::bigint is null or record = %(record)s order by pk desc limit 100",
        {"record": record},
    )
    return [Walk(pk, of, tuple(names[t] for t in types), *rest) for pk, of, types, *rest in rows]


def order(session: Session, record: int | None = None) -> int:
    """Put a walk in line: for one SearchParameter, else over all records; return its key. One not ended is replaced."""
    session.execute(
        "update reindex set state = 'replaced'"
        " where record is not distinct from %s and state in ('waiting', 'running')",
        (record,),
    )
    types = [row[0] for row in session.execute("select type from search_parameter where record = %s", (record,))]
    row = session.execute(
        "insert into reindex (record, types) values (%s, %b) returning pk",
        (record, types if record is not None else list(resource_types().values())),
    ).fetchone()
    assert row is not None
    return int(row[0])


def advance(session: Session, limit: int = 500) -> int:
    """Do the next piece of the oldest walk; return how many records that were, or 1 for its beginning or end.

    One caller at a time does it.
    """
    row = session.execute(
        "select pk, record, types, position, state, started is not null,"
        " began < pg_snapshot_xmin(pg_current_snapshot()) from reindex"
        " where state in ('waiting', 'running') order by pk limit 1 for update skip locked"
    ).fetchone()
    if row is None:
        return 0
    pk, record, types, position, state, started, settled = row
    if state == "waiting":
        # Whoever writes after this transaction began knows the parameter; who began before must end first.
        session.execute("update reindex set state = 'running', began = pg_current_xact_id() where pk = %s", (pk,))
        return 1
    if not started:
        return _start(session, pk, types) if settled else 0
    custom.refresh(session)
    pks = [
        one[0]
        for one in session.execute(
            "select pk from record where pk > %s and type = any(%b::smallint[]) order by pk limit %s",
            (position, types, limit),
        )
    ]
    if not pks:
        return _end(session, pk, record)
    errors = _reindex(session, pks, _numbers(session, record))
    session.execute(
        "update reindex set position = %s, done = done + %s, errors = errors + %s, examples = (examples || %s)[1:%s]"
        " where pk = %s",
        (pks[-1], len(pks), len(errors), errors[:MOST_EXAMPLES], MOST_EXAMPLES, pk),
    )
    return len(pks)


def _start(session: Session, pk: int, types: Sequence[int]) -> int:
    session.execute(
        "update reindex set started = now(), total = (select count(*) from record where type = any(%b::smallint[]))"
        " where pk = %s",
        (types, pk),
    )
    return 1


def _end(session: Session, pk: int, record: int | None) -> int:
    session.execute("update reindex set state = 'done', finished = now() where pk = %s", (pk,))
    if record is not None:
        session.execute(
            "update search_parameter set state = 'ready' where record = %s and state = 'indexing'", (record,)
        )
        custom.note_change(session)
    return 1


def _numbers(session: Session, record: int | None) -> list[int] | None:
    """Return the parameters to index by; None for all."""
    if record is None:
        return None
    rows = session.execute("select distinct number from search_parameter where record = %s", (record,))
    return [row[0] for row in rows]


@contextmanager
def as_at(session: Session, versions: Mapping[int, int]) -> Iterator[None]:
    """Let searches within the block find these records, by key, as they were in these versions; then undo that.

    So what a record was is judged by the same search as what it is. The block must not write.
    """
    with session.transaction() as undone:
        rows = session.execute(
            "select r.pk, r.type, r.id, r.subject, v.doc from unnest(%b::bigint[], %b::int[]) w (pk, version)"
            " join record r on r.pk = w.pk join record_version v on v.pk = w.pk and v.version = w.version"
            " where not v.deleted order by r.type, r.id for update of r",
            (list(versions), list(versions.values())),
        ).fetchall()
        session.execute("update record set deleted = false where pk = any(%b::bigint[])", ([row[0] for row in rows],))
        _write(session, _extracted(rows)[0], None)
        yield
        raise Rollback(undone)


def _reindex(session: Session, pks: Sequence[int], numbers: list[int] | None) -> list[str]:
    """Write the entries of these records anew; return what could not be indexed, and why."""
    rows = session.execute(
        "select r.pk, r.type, r.id, r.subject, v.doc from record r join record_version v"
        " on v.pk = r.pk and v.version = r.version where r.pk = any(%b::bigint[]) and not r.deleted"
        " order by r.type, r.id for update of r",
        (list(pks),),
    ).fetchall()
    drafts, errors = _extracted(rows)
    _write(session, drafts, numbers)
    return errors


def _extracted(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Draft], list[str]]:
    drafts: list[Draft] = []
    errors: list[str] = []
    names = type_names()
    context = Context(0, datetime.now(UTC), "reindex", None, None)
    for pk, type_, id, subject, doc in rows:
        change = RecordChange(names[type_], doc, "put", id=id)
        draft = Draft(change, type_, doc, {}, context, id=id, pk=pk, subject=subject)
        try:
            draft.view = orjson.loads(doc)
            draft.entries = extract(names[type_], draft.view)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            errors.append(f"{draft.reference}: {type(error).__name__}: {error}")
        else:
            drafts.append(draft)
    return drafts, errors


def _write(session: Session, drafts: Sequence[Draft], numbers: list[int] | None) -> None:
    found = references.targets(session, drafts, {}, references.own_targets(drafts))
    for draft in drafts:
        references.index(draft, found)
    orphans = [d for d in drafts if d.subject is None and d.change.type != "Patient"]
    references.give_subjects(orphans, found)
    vocabulary.remember(session, (term for d in drafts for term in d.entries.terms))
    session.execute(
        "update record r set tokens = u.tokens::bigint[], subject = u.subject"
        " from unnest(%b::bigint[], %b::text[], %b::bigint[]) u (pk, tokens, subject)"
        " where r.pk = u.pk and (r.tokens <> u.tokens::bigint[] or r.subject is distinct from u.subject)",
        (
            [d.pk for d in drafts],
            ["{" + ",".join(map(str, sorted(set(d.entries.tokens)))) + "}" for d in drafts],
            [d.subject for d in drafts],
        ),
        prepare=False,
    )
    _write_sides(session, drafts, numbers)


def _write_sides(session: Session, drafts: Sequence[Draft], numbers: list[int] | None) -> None:
    wanted: Any = None if numbers is None else set(numbers)
    pks = [d.pk for d in drafts]
    for table, columns, pack in SIDES:
        if wanted is not None and columns[0] != "param":
            continue
        session.execute(
            f"delete from {table} where pk = any(%b::bigint[])" + ("" if wanted is None else " and param = any(%b)"),
            (pks,) if wanted is None else (pks, sorted(wanted)),
        )
        for draft in drafts if wanted is not None else ():
            entries = draft.entries
            for name in ("strings", "dates", "numbers"):
                setattr(entries, name, [one for one in getattr(entries, name) if one[0] in wanted])
        copy_packed(session, table, columns, [pack(d.entries, d) for d in drafts])
