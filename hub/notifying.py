"""Subscriptions by the clock: their states, handshakes and heartbeats, and what is noted of that in their records."""

from datetime import datetime

import orjson

from hub.runtime import Runtime
from tracker_core import history, records
from tracker_core.changes import RecordChange
from tracker_core.database import transaction
from tracker_core.records import documents
from tracker_core.subscriptions import states
from tracker_core.subscriptions.following import ACTOR
from tracker_core.subscriptions.states import Turned


def turn(runtime: Runtime, at: datetime | None = None) -> int:
    """Bring subscriptions to the state they are in by now, or by `at`, and say so in their records; count those."""
    with transaction(runtime.pool) as session:
        turned = states.turn(session, at)
        if turned:
            context = history.open_change_set(session, ACTOR)
            records.apply(session, context, [_noted(one) for one in turned], atomic=False)
    if turned:
        runtime.wake.set()
    return len(turned)


def _noted(one: Turned) -> RecordChange:
    said = orjson.dumps({"status": one.state, "error": one.error or None})
    return RecordChange("Subscription", b"", "patch", id=one.id, edit=lambda doc: documents.merge(doc, said))


def clear(runtime: Runtime, at: datetime | None = None) -> None:
    """Forget events that are old and were sent."""
    with transaction(runtime.pool) as session:
        states.forget(session, at)
