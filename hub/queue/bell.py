"""From this process to the workers: there is work. Rung at most a few times a second, and never waited for."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog

from hub.runtime import Runtime

log = structlog.get_logger()

PAUSE_SECONDS = 0.1
EXPIRES_SECONDS = 60


@contextmanager
def ringing(runtime: Runtime, redis_url: str) -> Iterator[None]:
    """Pass every `runtime.wake` on to the Celery workers while the block lasts."""
    stopping = Event()
    ringer = Thread(target=_ring, args=(runtime.wake, redis_url, stopping), name="bell", daemon=True)
    ringer.start()
    try:
        yield
    finally:
        stopping.set()
        runtime.wake.set()
        ringer.join()


def _ring(wake: Event, redis_url: str, stopping: Event) -> None:
    from kombu.exceptions import OperationalError

    from hub.queue.celery_app import WOKEN, make_app

    app = make_app(redis_url)
    while wake.wait() and not stopping.is_set():
        wake.clear()
        try:
            for task in WOKEN:
                app.send_task(task, retry=False, expires=EXPIRES_SECONDS)
        except OperationalError as error:
            log.warning("redis is away; workers find the work at their next look", reason=str(error))
        stopping.wait(PAUSE_SECONDS)
