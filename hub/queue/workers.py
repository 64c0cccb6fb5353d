"""Worker and beat processes: Celery's when there is a Redis, else threads that look into the queue themselves."""

import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread

import structlog

from hub import logs
from hub.database import database
from hub.queue import pulse
from hub.queue.celery_app import SWEEP_SECONDS, TASKS, make_app
from hub.registry import runtime_of
from hub.runtime import Runtime
from hub.settings import Settings
from hub.worker import Round, Worker, rounds, take_turn
from tracker_core.database import open_pool
from tracker_core.errors import Malformed

log = structlog.get_logger()

PATIENCE_SECONDS = 3 * SWEEP_SECONDS


@dataclass(slots=True)
class Heard:
    """When this process last got a task (monotonic seconds)."""

    last: float

    def noting(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return `work`, noting when it is called."""

        def noted() -> None:
            self.last = time.monotonic()
            work()

        return noted


def run_worker(settings: Settings, concurrency: int) -> None:
    """Work until SIGINT or SIGTERM: as a Celery worker when a Redis is set, else looking into the queue ourselves.

    Raises `Malformed` without an external database: an embedded one has its worker in `serve`.
    """
    if not settings.database_url:
        raise Malformed("a worker process needs --database-url; a hub with a data folder is its own worker")
    logs.configure(settings.log)
    with database(settings) as url:
        pool = open_pool(url, settings.database_pool)
        try:
            runtime = runtime_of(settings, pool)
            if settings.redis_url:
                run_celery(runtime, settings.redis_url, concurrency)
            else:
                run_threads(runtime, concurrency)
        finally:
            pool.close()


def run_beat(settings: Settings) -> None:
    """Send the periodic tasks until SIGTERM. Raises `Malformed` without a Redis."""
    if not settings.redis_url:
        raise Malformed("beat is the clock of Celery workers and needs --redis-url; other workers keep their own time")
    logs.configure(settings.log)
    make_app(settings.redis_url).Beat(loglevel="WARNING").run()


def run_threads(runtime: Runtime, concurrency: int) -> None:
    """Work until SIGINT or SIGTERM, without a broker."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    worker = Worker(runtime, concurrency)
    worker.start()
    while worker.alive and not stop.wait(SWEEP_SECONDS):
        pulse.show("worker")
    worker.stop()


def run_celery(runtime: Runtime, redis_url: str, concurrency: int) -> None:
    """Work as a Celery worker until SIGTERM; while Redis is silent, look into the queue all the same."""
    app = make_app(redis_url)
    heard = Heard(time.monotonic())
    with ThreadPoolExecutor(concurrency, thread_name_prefix="sender") as senders:
        work = {f"tracker_hub.{round_.name}": drain(round_) for round_ in rounds(runtime, senders)}
        for name in TASKS:
            app.task(name=name)(heard.noting(work[name]))
        stopping = Event()
        substitute = Thread(target=stand_in, args=(work, heard, stopping), name="stand-in", daemon=True)
        substitute.start()
        try:
            options = {"pool": "threads", "concurrency": concurrency, "loglevel": "WARNING"}
            app.Worker(**options, without_gossip=True, without_mingle=True).start()
        finally:
            stopping.set()
            substitute.join()


def drain(round_: Round) -> Callable[[], None]:
    """Return what a task does: turns of the round until one finds nothing to do."""

    def work() -> None:
        while take_turn(round_):
            pass

    return work


def stand_in(work: Mapping[str, Callable[[], None]], heard: Heard, stopping: Event) -> None:
    """Do the rounds ourselves for as long as no task has come for a while: Redis is away, or the clock is."""
    while not stopping.wait(SWEEP_SECONDS):
        pulse.show("worker")
        if time.monotonic() - heard.last > PATIENCE_SECONDS:
            for drained in work.values():
                drained()
