"""What happens by the clock: appointment reminders."""

from hub.runtime import Runtime
from tracker_core import messages, peers
from tracker_core.database import Session, transaction
from tracker_core.messages import Arrival
from tracker_core.tracker import reminders


def tick(runtime: Runtime) -> int:
    """Queue everything that has become due; safe to run from many processes. Returns how many messages are new."""
    with transaction(runtime.pool) as session:
        return queue_reminders(session)


def queue_reminders(session: Session) -> int:
    """Queue one reminder per due appointment to every active SMS peer; an appointment is never reminded of twice."""
    gateways = [peer for peer in peers.all_peers(session) if peer.format == "sms" and peer.active]
    if not gateways:
        return 0
    due = reminders.due(session)
    gateway = gateways[0]
    return messages.enqueue(
        session,
        [
            Arrival(
                peer=gateway.id,
                format=gateway.format,
                body=None,
                type="reminder",
                about={"reminder": event},
                dedup=f"reminder:{event}",
                lane=messages.lane_of(gateway.id, f"reminder:{event}"),
            )
            for event in due
        ],
    )
