"""The audit trail as it is written: batches of a thread beside the requests, or each entry before its answer."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence

import structlog
from starlette.concurrency import run_in_threadpool

from tracker_core import audit
from tracker_core.audit import Entry
from tracker_core.database import Pool, transaction
from tracker_core.errors import Unavailable

log = structlog.get_logger()

WINDOW = 0.25  # seconds between batches: what a crash loses
MOST_WAITING = 20_000
PATIENCE = 10.0  # seconds that a request waits for room


class Trail:
    """Keeps entries: `off` none, `synchronous` each before its request is answered, `batched` each 0.25 s.

    Batched entries wait in memory: a process that is killed loses those of the last window and of the batch being
    written; one that is stopped writes all of them. With the database away, or slower than the requests, they pile up
    to 20,000; then requests wait for room, and after ten seconds are refused: nothing is dropped silently.
    """

    def __init__(self, pool: Pool, mode: str = "batched", most: int = MOST_WAITING, patience: float = PATIENCE) -> None:
        self._pool = pool
        self._mode = mode
        self._most = most
        self._patience = patience
        self._waiting: deque[Entry] = deque()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def on(self) -> bool:
        """Whether anything is kept."""
        return self._mode != "off"

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._waiting)

    async def note(self, entry: Entry) -> None:
        """Keep an entry. Raises `Unavailable` when it cannot be kept."""
        if self._mode == "synchronous":
            await run_in_threadpool(self._write, [entry])
            return
        if self._thread is None:
            self._start()
        if len(self._waiting) >= self._most:
            await self._room()
        self._waiting.append(entry)

    def stop(self) -> None:
        """Write what is waiting and end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._flush()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    async def _room(self) -> None:
        waited = 0.0
        while len(self._waiting) >= self._most:
            if waited >= self._patience:
                raise Unavailable("the audit trail cannot be written")
            await asyncio.sleep(0.02)
            waited += 0.02

    def _run(self) -> None:
        while not self._stopping.wait(WINDOW):
            self._flush()

    def _flush(self) -> None:
        """Write what waits now; what cannot be written waits on."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            self._write(batch)
        except Exception:
            log.exception("the audit trail waits", entries=len(batch))
            self._waiting.extendleft(reversed(batch))

    def _write(self, entries: Sequence[Entry]) -> None:
        with transaction(self._pool) as session:
            audit.write(session, entries)
