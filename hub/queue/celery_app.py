"""The Celery application: one task per round of background work, their clock, nothing that Redis must remember."""

from typing import Any

from celery import Celery
from celery.beat import Scheduler

from hub.queue import pulse

SWEEP_SECONDS = 5.0
WOKEN = ("tracker_hub.inbound", "tracker_hub.outbound")
_CLOCKED = ("schedule", "indexing", "replays", "catalogue", "subscriptions", "bulk", "pulling")
TASKS = (*WOKEN, *(f"tracker_hub.{name}" for name in _CLOCKED))


class Clock(Scheduler):  # type: ignore[misc]  # celery has no types
    """Celery's scheduler, kept in memory; each tick shows that the process lives."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; return the seconds until more is."""
        pulse.show("beat")
        return super().tick(*args, **kwargs)


def make_app(redis_url: str) -> Celery:
    """Return an application on this Redis. Its clock sends every task now and then: for retries and for what is due."""
    app = Celery("tracker-hub", broker=redis_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2},
        beat_scheduler="hub.queue.celery_app:Clock",
        beat_schedule={
            task: {"task": task, "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}} for task in TASKS
        },
    )
    return app
