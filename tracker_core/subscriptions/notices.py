"""Notices: events kept under their numbers, and the messages by which subscribers are told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from tracker_core import messages
from tracker_core.database import Session
from tracker_core.messages import Arrival
from tracker_core.records.definitions import type_names
from tracker_core.subscriptions import plans
from tracker_core.subscriptions.following import FORMAT
from tracker_core.subscriptions.plans import Plan, Trigger

KEPT = "30 days"
MOST_WAITING = 20  # notices of one subscription in the queue
HANDSHAKE, HEARTBEAT, EVENTS = "handshake", "heartbeat", "event-notification"


@dataclass(frozen=True, slots=True)
class Changed:
    """One new version of a record. `created` also after a deletion; `head` is the version that is current by now."""

    pk: int
    type: str
    id: str
    version: int
    deleted: bool
    created: bool
    head: int
    at: datetime

    @property
    def interaction(self) -> str:
        """What made it."""
        return "delete" if self.deleted else "create" if self.created else "update"


@dataclass(frozen=True, slots=True)
class Listener:
    """A subscription that notes what happens since it has `begun`. `events` is the number of its latest event."""

    record: int
    peer: int
    begun: datetime
    plan: Plan
    triggers: Sequence[Trigger]
    events: int


def keep(session: Session, noted: Sequence[tuple[Listener, Sequence[Changed]]]) -> int:
    """Number events and keep them; return how many there are."""
    if not noted:
        return 0
    rows = []
    for listener, changed in noted:
        numbers = range(listener.events + 1, listener.events + len(changed) + 1)
        rows += [(listener.record, n, one.pk, one.version, one.at) for n, one in zip(numbers, changed, strict=True)]
    session.execute(
        "insert into subscription_event (subscription, number, record, version, at)"
        " select * from unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::int[], %b::timestamptz[])",
        [list(column) for column in zip(*rows, strict=True)],
    )
    session.execute(
        "update subscription s set events = s.events + u.count, told = now()"
        " from unnest(%b::bigint[], %b::bigint[]) u (record, count) where s.record = u.record",
        ([listener.record for listener, _ in noted], [len(changed) for _, changed in noted]),
    )
    return len(rows)


def queue(session: Session) -> int:
    """Queue notices of events that none was queued for yet, as many as may wait at once; return how many.

    The queue looks at everything that waits each time it looks: of a subscriber who is away for long, the events wait
    under their numbers and not as messages.
    """
    rows = session.execute(
        "select s.record, s.peer, s.plan, e.number, r.type, r.id from subscription s"
        " cross join lateral (select count(*) as there from (select from message m where m.peer = s.peer"
        " and m.direction = 'out' and m.state = 'waiting' limit %(most)s) waiting) w"
        " cross join lateral (select * from subscription_event x where x.subscription = s.record"
        " and x.number > s.queued order by x.number limit (%(most)s - w.there) * (s.plan ->> 'most')::int) e"
        " join record r on r.pk = e.record where s.begun is not null and s.state <> 'off' and s.channel <> 'websocket'"
        " and s.queued < s.events order by s.record, e.number",
        {"most": MOST_WAITING},
    ).fetchall()
    names = type_names()
    arrivals = []
    for (record, peer), group in groupby(rows, key=lambda row: row[:2]):
        events = list(group)
        plan = plans.opened(events[0][2])
        for start in range(0, len(events), plan.most):
            cut = events[start : start + plan.most]
            type_ = EVENTS if plan.content else _interaction(plan, names[cut[0][4]], cut[0][5])
            arrivals.append(arrival(record, peer, type_, EVENTS, cut[0][3], cut[-1][3]))
    told = {record: number for record, _, _, number, *_ in rows}
    session.execute(
        "update subscription s set queued = u.number from unnest(%b::bigint[], %b::bigint[]) u (record, number)"
        " where s.record = u.record",
        (list(told), list(told.values())),
    )
    return messages.enqueue(session, arrivals)


def _interaction(plan: Plan, type_: str, id: str) -> str:
    """R4's own: a payload is put under its id below the endpoint, and without one the endpoint is just called."""
    return f"PUT {type_}/{id}" if plan.payload and plan.channel == "rest-hook" else "POST"


def arrival(record: int, peer: int, type_: str, kind: str, first: int, last: int) -> Arrival:
    """Return the message that tells of events `first` to `last`; one lane per subscription keeps them in order."""
    about = {"notification": {"subscription": record, "kind": kind, "first": first, "last": last}}
    return Arrival(peer, FORMAT, None, type_, about=about, lane=messages.lane_of(peer, FORMAT))


def load(session: Session, about: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a notice tells: the subscription as `statuses` has it, with the notice's `kind` and `events`.

    None when there is no such subscription.
    """
    found = _loaded(session, "s.record = any(%b::bigint[])", [about["subscription"]])
    if not found:
        return None
    told = events(session, about["subscription"], about["first"], about["last"])
    return {**found[0], "kind": about["kind"], "events": told}


def statuses(session: Session, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return subscriptions that are there, those with these ids or all, by id: what is told of them when asked.

    Each has record, id, state, error, topic, owner, channel, content, payload, most, heartbeat, `latest` (the number of
    its latest event), kind `query-status` and no events.
    """
    condition = "s.id = any(%b::text[])" if ids else "%b::text[] = '{}'"
    return _loaded(session, condition, list(ids))


def _loaded(session: Session, condition: str, values: list[Any]) -> list[dict[str, Any]]:
    rows = session.execute(
        "select s.record, s.id, s.state, s.error, s.topic, s.owner, s.channel, s.plan ->> 'content',"
        " s.plan ->> 'payload', (s.plan ->> 'most')::int, s.heartbeat, s.events from subscription s"
        f" join record r on r.pk = s.record where not r.deleted and {condition} order by s.id",
        (values,),
    )
    names = ("record", "id", "state", "error", "topic", "owner", "channel", "content", "payload", "most", "heartbeat")
    return [{**dict(zip((*names, "latest"), row, strict=True)), "kind": "query-status", "events": []} for row in rows]


def latest(session: Session) -> dict[int, int]:
    """Return the number of the latest event of each subscription by socket that is not off, by its key."""
    rows = session.execute("select record, events from subscription where channel = 'websocket' and state <> 'off'")
    return dict(rows.fetchall())


def events(session: Session, record: int, first: int, last: int) -> list[dict[str, Any]]:
    """Return events of a subscription by number, those that are still kept, at most a thousand.

    Each has number, at, type, id, deleted, created, and `doc`, the version as it was.
    """
    rows = session.execute(
        "select e.number, e.at, r.type, r.id, v.deleted, v.version = 1, v.doc from subscription_event e"
        " join record r on r.pk = e.record join record_version v on v.pk = e.record and v.version = e.version"
        " where e.subscription = %s and e.number between %s and %s order by e.number limit 1000",
        (record, first, last),
    )
    names = type_names()
    columns = ("number", "at", "type", "id", "deleted", "created", "doc")
    return [dict(zip(columns, (n, at, names[type_], *rest), strict=True)) for n, at, type_, *rest in rows]
