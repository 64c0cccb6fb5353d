"""The worker: threads that process what arrived, dispatch what changed and deliver what is queued."""

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from hub import bulk, catalogue, indexing, notifying, pulling, replays, schedule, work
from hub.runtime import Runtime
from tracker_core.errors import Unavailable

log = structlog.get_logger()
IDLE_SECONDS = 0.5
GATHER_SECONDS = 0.02  # what comes within so long after the bell is one round's work, not several
TICK_SECONDS = 4.0
INDEX_SECONDS = 1.0
PULL_SECONDS = 1.0
BATCH = 50


def worker_name() -> str:
    """Return the name under which this process leases messages."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_inbound(runtime: Runtime, name: str) -> int:
    """Process one batch of waiting inbound messages; return how many there were."""
    claimed = work.claim(runtime, "in", name, BATCH)
    work.settle_claimed(runtime, claimed)
    return len(claimed)


def run_outbound(runtime: Runtime, name: str, senders: ThreadPoolExecutor) -> int:
    """Dispatch what changed and deliver one batch of due messages; return how many pieces of work there were."""
    queued = work.dispatch(runtime)
    claimed = work.claim(runtime, "out", name, BATCH)
    list(senders.map(lambda message: work.send(runtime, message), claimed))
    return queued + len(claimed)


@dataclass(frozen=True, slots=True)
class Round:
    """A piece of background work: `turn()` does some of it and returns how much; `idle` seconds after it found none."""

    name: str
    turn: Callable[[], int]
    idle: float
    woken: bool = True


def rounds(runtime: Runtime, senders: ThreadPoolExecutor) -> tuple[Round, ...]:
    """Return all background work there is; threads of a hub and Celery's tasks alike run these."""
    name = worker_name()
    return (
        Round("inbound", lambda: run_inbound(runtime, name), IDLE_SECONDS),
        Round("outbound", lambda: run_outbound(runtime, name, senders), IDLE_SECONDS),
        Round("schedule", lambda: schedule.tick(runtime), TICK_SECONDS, woken=False),
        Round("indexing", lambda: indexing.turn(runtime), INDEX_SECONDS, woken=False),
        Round("replays", lambda: replays.turn(runtime), INDEX_SECONDS, woken=False),
        Round("catalogue", lambda: catalogue.turn(runtime), INDEX_SECONDS, woken=False),
        Round("subscriptions", lambda: notifying.turn(runtime), INDEX_SECONDS, woken=False),
        Round("bulk", lambda: bulk.turn(runtime), INDEX_SECONDS, woken=False),
        Round("pulling", lambda: pulling.turn(runtime), PULL_SECONDS, woken=False),
    )


class Worker:
    """Runs the flow's background half in threads of this process: no broker needed.

    Several workers on several machines share the work: PostgreSQL's leases keep them apart.
    """

    def __init__(self, runtime: Runtime, senders: int = 4) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._senders = ThreadPoolExecutor(senders, thread_name_prefix="sender")
        self._threads = [
            threading.Thread(target=self._loop, args=(round_,), name=round_.name, daemon=True)
            for round_ in rounds(runtime, self._senders)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every thread end its present piece of work, then return."""
        self._stop.set()
        self._runtime.wake.set()
        for thread in self._threads:
            thread.join()
        self._senders.shutdown()

    @property
    def alive(self) -> bool:
        """Whether every thread is running."""
        return all(thread.is_alive() for thread in self._threads)

    def _loop(self, round_: Round) -> None:
        while not self._stop.is_set():
            if take_turn(round_):
                continue
            if not round_.woken:
                self._stop.wait(round_.idle)
                continue
            if self._runtime.wake.wait(round_.idle):
                self._stop.wait(GATHER_SECONDS)
            self._runtime.wake.clear()


def take_turn(round_: Round) -> int:
    """Do some of the work, return how much; what goes wrong is logged and counts as none."""
    try:
        return round_.turn()
    except Unavailable as error:
        log.warning("worker waits", round=round_.name, reason=error.detail)
    except Exception:
        log.exception("worker round failed", round=round_.name)
    return 0
