"""Messages: what came in and what goes out, one table, one lifecycle, one retry rule.

waiting -> done      applied, or acknowledged by the receiver
        -> rejected  wrong data or a refusal: asking again would not help
        -> parked    a fault of ours, or a receiver away for too long: kept for a person to replay
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import orjson

from tracker_core.database import Session
from tracker_core.errors import NotFound

State = Literal["waiting", "done", "rejected", "parked"]
LEASE_SECONDS = 60
RETRY_SECONDS = 300.0
PATIENCE = "3 days"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes to keep. `about` is the envelope of an inbound message, the thing to send of an outbound one.

    `lane` orders messages of one person, `patient` is that person in the sender's words; `leased` keeps workers away
    for as long as the caller processes it itself.
    """

    peer: int
    format: str
    body: bytes | None
    type: str = ""
    control_id: str = ""
    dedup: str = ""
    content_type: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    lane: int | None = None
    actor: str = "system"
    leased: bool = False
    replay_of: int | None = None
    patient: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message. `repeated` is true when the bytes were already here and nothing was stored."""

    id: int
    direction: str
    peer: int
    format: str
    type: str
    control_id: str
    dedup: str
    content_type: str
    body: bytes | None
    digest: bytes | None
    lane: int | None
    about: dict[str, Any]
    state: State
    attempts: int
    actor: str
    answer: bytes | None
    report: dict[str, Any] | None
    error: str
    created: datetime
    repeated: bool = False


_FIELDS = (
    "id, direction, peer, format, type, coalesce(control_id, '') as control_id, coalesce(dedup, '') as dedup,"
    " content_type, body, digest, lane, coalesce(about, '{}') as about, state, attempts, actor, answer, report,"
    " coalesce(error, '') as error, created"
)


def lane_of(peer: int, key: str) -> int:
    """Return the lane of a person as `peer` knows them: equal keys give equal lanes."""
    return int.from_bytes(hashlib.blake2b(f"{peer}|{key}".encode(), digest_size=8).digest(), signed=True)


def digest_of(body: bytes) -> bytes:
    """Return the fingerprint under which bytes are recognised (SHA-256)."""
    return hashlib.sha256(body).digest()


def store(session: Session, arrivals: Sequence[Arrival]) -> list[Message]:
    """Keep inbound bytes; return their messages in the order given.

    A repeat (same peer, same dedup key) gives the message that is already there, with `repeated` set; whether its
    bytes are the same is for the caller to compare by `digest`. A repeat within `arrivals` counts as one too.
    """
    ids = [r[0] for r in session.execute("select nextval('message_id') from generate_series(1, %s)", (len(arrivals),))]
    digests = [digest_of(a.body) if a.body is not None else None for a in arrivals]
    abouts = [orjson.dumps(a.about) for a in arrivals]
    rows = session.execute(
        "insert into message (id, direction, peer, format, type, control_id, dedup, content_type, body, digest, lane,"
        " about, actor, replay_of, patient, lease_until, leased_by) select a.id, 'in', a.peer, a.format, a.type,"
        " nullif(a.control_id, ''), nullif(a.dedup, ''), a.content_type, a.body, a.digest, a.lane, a.about::jsonb,"
        " a.actor, a.replay_of, nullif(a.patient, ''), case when a.leased then now() + make_interval(secs => %s) end,"
        " case when a.leased then 'caller' end"
        " from unnest(%b::bigint[], %b::int[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
        " %b::bytea[], %b::bytea[], %b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::bool[])"
        " as a (id, peer, format, type, control_id, dedup, content_type, body, digest, lane, about, actor, replay_of,"
        " patient, leased) on conflict (peer, direction, dedup) where dedup is not null do nothing"
        " returning id, created",
        (
            LEASE_SECONDS,
            ids,
            [a.peer for a in arrivals],
            [a.format for a in arrivals],
            [a.type for a in arrivals],
            [a.control_id for a in arrivals],
            [a.dedup for a in arrivals],
            [a.content_type for a in arrivals],
            [a.body for a in arrivals],
            digests,
            [a.lane for a in arrivals],
            [about.decode() for about in abouts],
            [a.actor for a in arrivals],
            [a.replay_of for a in arrivals],
            [a.patient for a in arrivals],
            [a.leased for a in arrivals],
        ),
    )
    created: dict[int, datetime] = dict(rows.fetchall())
    firsts = _first_arrivals(session, [a for a, id in zip(arrivals, ids, strict=True) if id not in created])
    # The bytes are at hand: they are not fetched back.
    return [
        _arrived(id, arrival, digest, orjson.loads(about), created[id])
        if id in created
        else firsts[(arrival.peer, arrival.dedup)]
        for id, arrival, digest, about in zip(ids, arrivals, digests, abouts, strict=True)
    ]


def _arrived(id: int, arrival: Arrival, digest: bytes | None, about: dict[str, Any], created: datetime) -> Message:
    return Message(
        id=id,
        direction="in",
        peer=arrival.peer,
        format=arrival.format,
        type=arrival.type,
        control_id=arrival.control_id,
        dedup=arrival.dedup,
        content_type=arrival.content_type,
        body=arrival.body,
        digest=digest,
        lane=arrival.lane,
        about=about,
        state="waiting",
        attempts=0,
        actor=arrival.actor,
        answer=None,
        report=None,
        error="",
        created=created,
    )


def _first_arrivals(session: Session, repeats: Sequence[Arrival]) -> dict[tuple[int, str], Message]:
    if not repeats:
        return {}
    rows = session.execute(
        f"select {_FIELDS} from message where direction = 'in' and (peer, dedup) in"
        " (select * from unnest(%b::int[], %b::text[]))",
        ([a.peer for a in repeats], [a.dedup for a in repeats]),
    )
    return {(row[2], row[6]): replace(Message(*row), repeated=True) for row in rows}


def by_ids(session: Session, ids: Sequence[int]) -> dict[int, Message]:
    """Return the messages with these ids, by id; missing ones are left out."""
    rows = session.execute(f"select {_FIELDS} from message where id = any(%b)", (list(ids),))
    return {row[0]: Message(*row) for row in rows}


def sent(session: Session, peer: int, control_ids: Sequence[str]) -> dict[str, Message]:
    """Return the outbound messages to `peer` with these control ids, by control id, locked for this transaction."""
    rows = session.execute(
        f"select {_FIELDS} from message where direction = 'out' and peer = %s and control_id = any(%b) order by id"
        " for update",
        (peer, list(control_ids)),
    )
    return {row[5]: Message(*row) for row in rows}


def read(session: Session, id: int) -> Message:
    """Return one message. Raises `NotFound`."""
    found = by_ids(session, [id])
    if id not in found:
        raise NotFound(f"there is no message {id}")
    return found[id]


def lock_waiting(session: Session, id: int) -> bool:
    """Lock message `id` for this transaction; tell whether it is still waiting."""
    row = session.execute("select state from message where id = %s for update", (id,)).fetchone()
    return row is not None and row[0] == "waiting"


def lock_all_waiting(session: Session, ids: Sequence[int]) -> set[int]:
    """Lock these messages for this transaction; return those that are still waiting."""
    rows = session.execute("select id, state from message where id = any(%b) order by id for update", (list(ids),))
    return {row[0] for row in rows if row[1] == "waiting"}


def enqueue(session: Session, arrivals: Sequence[Arrival], cause: int | None = None) -> int:
    """Queue outbound messages; return how many are new.

    A thing that already waits, unsent, for the same peer is not queued twice: what is sent is its state at send time.
    """
    if not arrivals:
        return 0
    return session.execute(
        "insert into message (direction, peer, format, type, lane, about, dedup, actor, cause)"
        " select 'out', a.peer, a.format, a.type, a.lane, a.about::jsonb, nullif(a.dedup, ''), a.actor, %s"
        " from unnest(%b::int[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[])"
        " as a (peer, format, type, lane, about, dedup, actor) on conflict do nothing",
        (
            cause,
            [a.peer for a in arrivals],
            [a.format for a in arrivals],
            [a.type for a in arrivals],
            [a.lane for a in arrivals],
            [orjson.dumps(a.about).decode() for a in arrivals],
            [a.dedup for a in arrivals],
            [a.actor for a in arrivals],
        ),
    ).rowcount


def note_causes(session: Session, causes: Sequence[tuple[Arrival, int]]) -> None:
    """Remember which change sets the waiting messages for these arrivals carry: (arrival, change set)."""
    session.execute(
        "insert into message_cause (change_set, message) select c.change_set, m.id"
        " from unnest(%b::int[], %b::text[], %b::text[], %b::bigint[]) as c (peer, type, about, change_set)"
        " join message m on m.peer = c.peer and m.type = c.type and m.about = c.about::jsonb and m.direction = 'out'"
        " and m.state = 'waiting' and m.attempts = 0 on conflict do nothing",
        (
            [arrival.peer for arrival, _ in causes],
            [arrival.type for arrival, _ in causes],
            [orjson.dumps(arrival.about).decode() for arrival, _ in causes],
            [change_set for _, change_set in causes],
        ),
    )


def claim(session: Session, direction: str, worker: str, limit: int) -> list[Message]:
    """Lease up to `limit` due messages to `worker` and return them.

    A message is due when nothing before it in its lane still waits or is parked: order holds per person, and a poison
    message holds up its own lane only. A lease that runs out (its worker died) makes the message due again. What goes
    out to a paused peer waits.
    """
    rows = session.execute(
        "with due as (select m.id from message m where m.direction = %s and m.state = 'waiting' and m.due <= now()"
        " and (m.direction = 'in' or m.peer not in (select id from peer where paused is not null))"
        " and (m.lease_until is null or m.lease_until < now()) and (m.lane is null or not exists (select from message e"
        " where e.lane = m.lane and e.direction = m.direction and e.id < m.id and e.state in ('waiting', 'parked')))"
        " order by m.due, m.id limit %s for update skip locked)"
        " update message m set lease_until = now() + make_interval(secs => %s), leased_by = %s,"
        f" attempts = attempts + 1 from due where m.id = due.id returning {_qualified()}",
        (direction, limit, LEASE_SECONDS, worker),
    ).fetchall()
    return sorted((Message(*row) for row in rows), key=lambda message: message.id)


def _qualified() -> str:
    return _FIELDS.replace("id,", "m.id,", 1)


def renew(session: Session, message: Message) -> bool:
    """Lease a claimed message anew, now that its turn has come; tell whether it is still the claimer's.

    A message that waited in a batch for longer than its lease may have been claimed by another worker since.
    """
    return bool(
        session.execute(
            "update message set lease_until = now() + make_interval(secs => %s)"
            " where id = %s and state = 'waiting' and attempts = %s",
            (LEASE_SECONDS, message.id, message.attempts),
        ).rowcount
    )


def keep_rendering(session: Session, id: int, body: bytes, content_type: str, control_id: str) -> None:
    """Keep the bytes of an outbound message before they are sent: a retry sends the very same ones."""
    session.execute(
        "update message set body = %s, digest = %s, content_type = %s, control_id = %s where id = %s",
        (body, digest_of(body), content_type, control_id, id),
    )


def finish(
    session: Session,
    id: int,
    state: State,
    report: dict[str, Any] | None = None,
    answer: bytes | None = None,
    error: str = "",
) -> None:
    """End the work on a message: its state, what came of it, and the answer that was (or is to be) given."""
    session.execute(
        "update message set state = %s, report = %s::jsonb, answer = coalesce(%s, answer), error = nullif(%s, ''),"
        " finished = clock_timestamp(), lease_until = null, leased_by = null where id = %s",
        (state, orjson.dumps(report).decode() if report is not None else None, answer, error, id),
    )


def finish_all(session: Session, ended: Sequence[tuple[int, dict[str, Any], bytes]]) -> None:
    """End the work on messages that were applied: (id, report, answer) each, as `finish` does."""
    session.execute(
        "update message m set state = 'done', report = e.report::jsonb, answer = e.answer, error = null,"
        " finished = clock_timestamp(), lease_until = null, leased_by = null"
        " from unnest(%b::bigint[], %b::text[], %b::bytea[]) as e (id, report, answer) where m.id = e.id",
        (
            [id for id, _, _ in ended],
            [orjson.dumps(report).decode() for _, report, _ in ended],
            [answer for _, _, answer in ended],
        ),
    )


def postpone(session: Session, message: Message, error: str) -> None:
    """Try `message` again later: waits double from one second to five minutes, with jitter; parked after three days.

    One that has ended in the meantime (its receiver answered on a line of its own) stays as it is.
    """
    wait = min(RETRY_SECONDS, 2.0 ** min(message.attempts, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    session.execute(
        "update message set error = %s, lease_until = null, leased_by = null, due = now() + make_interval(secs => %s),"
        f" state = case when created < now() - interval '{PATIENCE}' then 'parked' else 'waiting' end"
        " where id = %s and state = 'waiting'",
        (error, wait, message.id),
    )


def replay(session: Session, ids: Sequence[int]) -> int:
    """Make parked or rejected messages wait again, from the same bytes; return how many were."""
    return session.execute(
        "update message set state = 'waiting', attempts = 0, due = now(), error = null, lease_until = null,"
        " finished = null, discarded = null where id = any(%b) and state in ('parked', 'rejected')",
        (list(ids),),
    ).rowcount


def balance(session: Session) -> list[tuple[str, str, str, int]]:
    """Return (direction, format, state, count) for all messages: received always equals the sum of the states."""
    return session.execute(
        "select direction, format, state, count(*) from message group by 1, 2, 3 order by 1, 2, 3"
    ).fetchall()


def oldest_waiting(session: Session) -> dict[str, datetime]:
    """Return direction -> since when its oldest message is due; directions without due messages are left out."""
    rows = session.execute(
        "select direction, min(due) from message where state = 'waiting' and due <= now() group by direction"
    )
    return dict(rows.fetchall())
