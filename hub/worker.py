"""The worker: threads that process what arrived, dispatch what changed and deliver what is queued."""

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from hub import work
from hub.runtime import Runtime
from tracker_core.errors import Unavailable

log = structlog.get_logger()
IDLE_SECONDS = 0.5
BATCH = 50


def worker_name() -> str:
    """Return the name under which this process leases messages."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_inbound(runtime: Runtime, name: str) -> int:
    """Process one batch of waiting inbound messages; return how many there were."""
    claimed = work.claim(runtime, "in", name, BATCH)
    for message in claimed:
        work.settle(runtime, message)
    return len(claimed)


def run_outbound(runtime: Runtime, name: str, senders: ThreadPoolExecutor) -> int:
    """Dispatch what changed and deliver one batch of due messages; return how many pieces of work there were."""
    queued = work.dispatch(runtime)
    claimed = work.claim(runtime, "out", name, BATCH)
    list(senders.map(lambda message: work.send(runtime, message), claimed))
    return queued + len(claimed)


class Worker:
    """Runs the flow's background half in threads of this process: no broker needed.

    Several workers on several machines share the work: PostgreSQL's leases keep them apart.
    """

    def __init__(self, runtime: Runtime, senders: int = 4) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._senders = ThreadPoolExecutor(senders, thread_name_prefix="sender")
        name = worker_name()
        rounds: tuple[tuple[str, Callable[[], int], float], ...] = (
            ("inbound", lambda: run_inbound(runtime, name), IDLE_SECONDS),
            ("outbound", lambda: run_outbound(runtime, name, self._senders), IDLE_SECONDS),
        )
        self._threads = [
            threading.Thread(target=self._loop, args=(label, turn, idle), name=label, daemon=True)
            for label, turn, idle in rounds
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

    def _loop(self, label: str, turn: Callable[[], int], idle: float) -> None:
        while not self._stop.is_set():
            if self._turn(label, turn):
                continue
            self._runtime.wake.wait(idle)
            self._runtime.wake.clear()

    @staticmethod
    def _turn(label: str, turn: Callable[[], int]) -> int:
        try:
            return turn()
        except Unavailable as error:
            log.warning("worker waits", loop=label, reason=error.detail)
        except Exception:
            log.exception("worker round failed", loop=label)
        return 0
