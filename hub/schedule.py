"""What happens by the clock: reminders, corrections of what was reported, files of exports that are thrown away."""

from datetime import UTC, datetime, timedelta

from hub import bulk, notifying
from hub.runtime import Runtime
from tracker_core import aggregates, audit, history, messages, peers
from tracker_core.aggregates.following import behind
from tracker_core.aggregates.submissions import receivers
from tracker_core.database import Session, transaction
from tracker_core.messages import Arrival
from tracker_core.tracker import reminders
from tracker_core.traffic import retention

ACTOR = "schedule"


def tick(runtime: Runtime, at: datetime | None = None) -> int:
    """Queue everything that has become due by now, or by `at`; safe to run from many processes.

    Returns how many messages are new. Exports that have expired, old entries of the audit trail and the
    bytes of old messages go, as rules say.
    """
    bulk.clear(runtime, at)
    notifying.clear(runtime, at)
    with transaction(runtime.pool) as session:
        audit.sweep(session, (at or datetime.now(UTC)) - timedelta(days=runtime.audit_days))
    with transaction(runtime.pool) as session:
        retention.sweep(session)
    with transaction(runtime.pool) as session:
        queued = queue_reminders(session, at)
    with transaction(runtime.pool) as session:
        return queued + queue_corrections(session)


def queue_reminders(session: Session, at: datetime | None = None) -> int:
    """Queue one reminder per due appointment to the first active SMS peer; no appointment is reminded of twice."""
    gateways = [peer for peer in peers.all_peers(session) if peer.format == "sms" and peer.active]
    if not gateways:
        return 0
    gateway = gateways[0]
    arrivals = [
        Arrival(
            peer=gateway.id,
            format=gateway.format,
            body=None,
            type="reminder",
            about={"reminder": event},
            dedup=f"reminder:{event}",
            lane=messages.lane_of(gateway.id, f"reminder:{event}"),
        )
        for event in reminders.due(session, at)
    ]
    return messages.enqueue(session, arrivals)


def queue_corrections(session: Session) -> int:
    """Bring computed reports up to date with what changed, and queue the difference to everyone who was sent them."""
    if not behind(session, ACTOR):
        return 0
    context = history.open_change_set(session, ACTOR)
    changed = [result for result in aggregates.follow(session, context) if result.changed]
    queued = 0
    for result in changed:
        known = peers.by_ids(session, receivers(session, result.report, result.period))
        for peer in known.values():
            submission = aggregates.submit(session, context, peer, result.report, result.period)
            if submission is not None:
                aggregates.queue(session, peer, submission)
                queued += 1
    return queued
