"""Messages that run again: those that failed, copies of those that are done, and edited ones."""

from collections.abc import Sequence

import orjson

from tracker_core import messages
from tracker_core.database import Session
from tracker_core.messages import Message
from tracker_core.traffic.dead import discard


def copy(session: Session, ids: Sequence[int], actor: str, note: str = "") -> list[int]:
    """Store copies of messages that are done, to run again, and return their ids.

    A message in runs from the same bytes; a message out is rendered anew from what is there now. The copies name the
    originals (`replay_of`), which stay as they are. What has no bytes any more cannot be copied and is left out.
    """
    rows = session.execute(
        "insert into message (direction, peer, format, type, control_id, content_type, body, digest, lane, about,"
        " patient, actor, replay_of, note)"
        " select direction, peer, format, type, case when direction = 'in' then control_id end, content_type,"
        " case when direction = 'in' then body end, case when direction = 'in' then digest end, lane, about, patient,"
        " %s, id, nullif(%s, '') from message"
        " where id = any(%b) and state = 'done' and (direction = 'out' or body is not null) order by id"
        " on conflict do nothing returning id",
        (actor, note, list(ids)),
    )
    return [row[0] for row in rows]


def edit(
    session: Session, old: Message, body: bytes, *, control_id: str, type: str, actor: str, note: str, leased: bool
) -> int:
    """Store edited bytes as a message of their own and return its id; the old one keeps its bytes.

    An old message that was parked is given up, so that the new one has its place in the lane. `leased` keeps workers
    away from it, as `messages.store` does.
    """
    row = session.execute(
        "insert into message (direction, peer, format, type, control_id, content_type, body, digest, lane, about,"
        " patient, actor, replay_of, note, lease_until, leased_by)"
        " select direction, peer, format, %s, nullif(%s, ''), content_type, %s, %s, lane, %s::jsonb, patient, %s, id,"
        " %s, case when %s then now() + make_interval(secs => %s) end, case when %s then 'caller' end"
        " from message where id = %s returning id",
        (
            type,
            control_id,
            body,
            messages.digest_of(body),
            orjson.dumps(old.about).decode(),
            actor,
            note,
            leased,
            messages.LEASE_SECONDS,
            leased,
            old.id,
        ),
    ).fetchone()
    assert row is not None
    discard(session, [old.id], f"replaced by message {row[0]}: {note} ({actor})")
    return int(row[0])
