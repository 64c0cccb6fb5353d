"""What becomes of subscriptions by themselves: begun, in trouble, well again, off; and who is told that all is well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker_core import messages
from tracker_core.access import MACHINES
from tracker_core.database import Session
from tracker_core.subscriptions import notices
from tracker_core.subscriptions.following import switch_off

_LOCK = 0x7375_6274  # "subt": one worker at a time


@dataclass(frozen=True, slots=True)
class Turned:
    """A subscription whose state may be another one than its record says, with the reason if it is a bad one."""

    id: str
    state: str
    error: str


def turn(session: Session, at: datetime | None = None) -> list[Turned]:
    """Bring every subscription to the state it is in by now, or by `at`; return those whose records do not say so yet.

    Topic subscriptions with a channel of the queue are active once their handshake was taken; others at once. One whose
    next notice cannot be delivered is in error, and active again when that has gone out; one that the queue gave up on
    is off, and keeps what it has for when it is requested again.
    """
    row = session.execute("select pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
    if row is None or not row[0]:
        return []
    _end(session, at)
    _shake_hands(session)
    _look_at_queue(session)
    _begin(session)
    _beat(session, at)
    return _turned(session)


def _turned(session: Session) -> list[Turned]:
    rows = session.execute(
        "update subscription s set noted = s.state || ' ' || s.error from record r where r.pk = s.record"
        " and not r.deleted and s.state <> 'requested' and s.noted is distinct from s.state || ' ' || s.error"
        " returning s.id, s.state, s.error"
    )
    return [Turned(*row) for row in rows]


def _end(session: Session, at: datetime | None) -> None:
    """Switch off those whose time is over, whose topic is gone, and whose owners may not log in any more."""
    over = session.execute(
        "select record from subscription where state <> 'off' and until <= coalesce(%s, now())", (at,)
    ).fetchall()
    switch_off(session, [row[0] for row in over], "its time is over")
    stray = session.execute(
        "select record from subscription s where state <> 'off' and topic <> '' and not exists"
        " (select from subscription_topic t where t.url = s.topic)"
    ).fetchall()
    switch_off(session, [row[0] for row in stray], "its topic is gone", give_up=False)
    orphans = session.execute(
        "select record from subscription s where state <> 'off' and not s.owner = any(%b::text[]) and not exists"
        " (select from user_account u where u.username = s.owner and not u.disabled)",
        (sorted(MACHINES),),
    ).fetchall()
    switch_off(session, [row[0] for row in orphans], "whoever asked for it may not log in any more")


def _shake_hands(session: Session) -> None:
    """Queue a handshake for each topic subscription that was requested and has none on its way."""
    rows = session.execute(
        "update subscription set shaken = now() where state = 'requested' and begun is null and topic <> ''"
        " and channel <> 'websocket' and shaken is null returning record, peer"
    ).fetchall()
    _queue(session, rows, notices.HANDSHAKE)


def _begin(session: Session) -> None:
    session.execute(
        "update subscription s set state = 'active', begun = coalesce(begun,"
        " date_trunc('milliseconds', now())) where state = 'requested' and (begun is not null or topic = ''"
        " or channel = 'websocket' or exists (select from message m where m.peer = s.peer and m.direction = 'out'"
        " and m.type = %s and m.state = 'done' and m.created >= s.shaken))",
        (notices.HANDSHAKE,),
    )


def _look_at_queue(session: Session) -> None:
    """Read from the messages how delivery goes: only the first of a lane is ever tried."""
    session.execute(
        "update subscription s set state = 'error', error = m.error from message m where m.peer = s.peer"
        " and m.direction = 'out' and m.state = 'waiting' and m.error is not null"
        " and s.state in ('requested', 'active')"
    )
    session.execute(
        "update subscription s set error = '', state = case when begun is not null or topic = '' then 'active'"
        " else 'requested' end where state = 'error' and not exists (select from message m where m.peer = s.peer"
        " and m.direction = 'out' and m.state in ('waiting', 'parked') and m.error is not null)"
    )
    for record, error in session.execute(
        "select s.record, m.error from subscription s join message m on m.peer = s.peer and m.direction = 'out'"
        " and m.state = 'parked' where s.state <> 'off'"
    ).fetchall():
        switch_off(session, [record], error or "it could not be delivered", give_up=False)


def _beat(session: Session, at: datetime | None) -> None:
    """Tell subscribers who asked for it that nothing has happened for a while."""
    rows = session.execute(
        "update subscription s set told = now() where state = 'active' and heartbeat is not null"
        " and channel <> 'websocket' and told + make_interval(secs => heartbeat) <= coalesce(%s, now()) and not exists"
        " (select from message m where m.peer = s.peer and m.direction = 'out' and m.state in ('waiting', 'parked'))"
        " returning record, peer, events",
        (at,),
    ).fetchall()
    _queue(session, [(record, peer) for record, peer, _ in rows], notices.HEARTBEAT)


def _queue(session: Session, subscriptions: Sequence[tuple[int, int]], kind: str) -> None:
    # No event has the number 0: such notices tell of none.
    messages.enqueue(session, [notices.arrival(record, peer, kind, kind, 1, 0) for record, peer in subscriptions])


def forget(session: Session, at: datetime | None = None) -> None:
    """Forget events that are older than a month and were sent, and tokens that are over."""
    session.execute(
        f"delete from subscription_event e using subscription s where e.at < coalesce(%s, now()) - interval"
        f" '{notices.KEPT}' and s.record = e.subscription and (s.channel = 'websocket' or"
        " e.number <= s.queued) and not exists (select from message m where m.peer = s.peer"
        " and m.direction = 'out' and m.state in ('waiting', 'parked'))",
        (at,),
    )
    session.execute("delete from subscription_token where expires < coalesce(%s, now())", (at,))
