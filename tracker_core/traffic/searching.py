"""Finding messages: by indexed columns, and by text within a bounded number of bodies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.tracker.clauses import Clause, all_of, clause

# A search by text reads at most this many bodies; it says where it stopped, and the next page goes on there.
READS = 20_000
# Messages that are stored at the same time may have their ids and their times in another order, by this much at most.
SLACK = 20_000
LISTED = (
    "m.id, m.direction, p.code as peer, m.format, m.type, m.control_id, m.patient, m.state, m.attempts,"
    " octet_length(m.body) as size, m.error, m.note, m.created, m.finished, m.due, m.replay_of, m.actor, m.pruned,"
    " m.discarded"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for; empty values say nothing.

    `type` is a message type or, ended by `*`, the beginning of one (`ADT*`). `patient` is an identifier as the sender
    wrote it, whole or its beginning (`P-1001`, `P-1001^KIVU-HC`); `person` the uid of a tracked entity. `since` and
    `until` bound the time of arrival, the second not included. `text` is looked for in the bodies, case and all.
    """

    peer: str = ""
    direction: str = ""
    state: str = ""
    format: str = ""
    type: str = ""
    control_id: str = ""
    patient: str = ""
    person: str = ""
    lane: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, newest first, without their bytes. `next` is the id to page on from, None at the end."""

    messages: list[dict[str, Any]]
    next: int | None = None


def search(session: Session, wanted: Wanted, before: int | None = None, limit: int = 50, reads: int = READS) -> Page:
    """Return up to `limit` messages older than `before` (an id); a search by text reads at most `reads` bodies.

    A page of a search by text may hold fewer messages than `limit`, even none, and still have a `next`.
    Raises `Malformed` for a lane that is no number.
    """
    condition = _condition(wanted)
    if before is not None:
        condition = all_of(condition, clause("m.id < %s", before))
    if wanted.text:
        return _search_text(session, condition, wanted.text, limit, reads)
    found = _list(session, condition, limit + 1)
    return Page(found[:limit], found[limit - 1]["id"] if len(found) > limit else None)


def ids(session: Session, wanted: Wanted, limit: int) -> list[int]:
    """Return the ids of up to `limit` messages, oldest first, of those that a search finds."""
    if wanted.text:
        page = search(session, wanted, limit=limit)
        return sorted(message["id"] for message in page.messages)
    condition = _condition(wanted)
    rows = session.execute(
        f"select m.id from message m join peer p on p.id = m.peer where {condition.text} order by m.id limit %s",
        (*condition.arguments, limit),
    )
    return [row[0] for row in rows]


def _condition(wanted: Wanted) -> Clause:
    plain = {name: getattr(wanted, name) for name in ("direction", "state", "format", "control_id")}
    parts = [clause(f"m.{name} = %s", value) for name, value in plain.items() if value]
    if wanted.peer:
        parts.append(clause("m.peer = (select id from peer where code = %s)", wanted.peer))
    if wanted.lane:
        if not wanted.lane.lstrip("-").isdigit():
            raise Malformed("a lane is a number", "lane")
        parts.append(clause("m.lane = %s", int(wanted.lane)))
    if wanted.type.endswith("*"):
        parts.append(begins('m.type collate "C"', wanted.type[:-1]))
    elif wanted.type:
        parts.append(clause('m.type collate "C" = %s', wanted.type))
    if wanted.patient:
        parts.append(begins("m.patient", wanted.patient))
    if wanted.person:
        parts.append(_of_person(wanted.person))
    return all_of(*parts, *_within(wanted.since, wanted.until))


def _within(since: datetime | None, until: datetime | None) -> Iterator[Clause]:
    """Yield the bounds of the time of arrival, with those of the id beside them: pages go by id, and nearly by time."""
    if since:
        first = "select id from message where created >= %s order by created limit 1"
        yield clause(f"m.created >= %s and m.id >= coalesce(({first}), 0) - {SLACK}", since, since)
    if until:
        last = "select id from message where created < %s order by created desc limit 1"
        yield clause(f"m.created < %s and m.id <= coalesce(({last}), 0) + {SLACK}", until, until)


def begins(column: str, start: str) -> Clause:
    """Return that a column begins with `start`, as a range that an index in byte order answers."""
    return clause(f"{column} >= %s and {column} < %s", start, start + "\U0010ffff")


def _of_person(uid: str) -> Clause:
    """Return that a message changed something of a person, or told a peer about it: found by what was changed."""
    return clause(
        "m.id in (with one as (select pk from tracked_entity where uid = %s),"
        " sets as (select v.change_set from record r join record_version v on v.pk = r.pk"
        " where r.subject = (select pk from one)"
        " union select c.change_set from change c where c.target in (select pk from one"
        " union select pk from enrollment where entity = (select pk from one)"
        " union select pk from event where entity = (select pk from one)))"
        " select s.message from change_set s join sets on sets.change_set = s.id where s.message is not null"
        " union select c.message from message_cause c join sets using (change_set))",
        uid,
    )


def _list(session: Session, condition: Clause, limit: int) -> list[dict[str, Any]]:
    rows = session.execute(
        f"select {LISTED} from message m join peer p on p.id = m.peer where {condition.text}"
        " order by m.id desc limit %s",
        (*condition.arguments, limit),
    )
    names = [column.name for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _search_text(session: Session, condition: Clause, text: str, limit: int, reads: int) -> Page:
    """Look into the bodies of the newest `reads` messages that meet `condition`."""
    looked = session.execute(
        "with looked as materialized (select m.id, m.body from message m join peer p on p.id = m.peer"
        f" where {condition.text} order by m.id desc limit %s)"
        " select (array_agg(id order by id desc) filter (where body is not null and"
        " exists (select from unnest(%b::bytea[]) t where position(t in body) > 0)))[:%s], min(id), count(*)"
        " from looked",
        (*condition.arguments, reads, encodings(text), limit + 1),
    ).fetchone()
    assert looked is not None
    found, last, count = looked[0] or [], looked[1], looked[2]
    page = _list(session, clause("m.id = any(%b::bigint[])", found[:limit]), limit)
    if len(found) > limit:
        return Page(page, found[limit - 1])
    return Page(page, last if count == reads else None)


def encodings(text: str) -> Sequence[bytes]:
    """Return a text as bodies may hold it: in UTF-8, and in Windows-1252 where that differs."""
    forms = {text.encode()}
    try:
        forms.add(text.encode("cp1252"))
    except UnicodeEncodeError:
        return sorted(forms)
    return sorted(forms)
