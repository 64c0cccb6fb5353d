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
RETRY = 1.0  # seconds between tries while the database is away
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
        if not self._flush():
            log.error("the audit trail ends with entries that could not be written", entries=self.waiting)

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
        """Write batches until told to stop, or until there is no database any more that they could be written to."""
        away = False
        while not self._stopping.wait(RETRY if away else WINDOW):
            written = self._flush()
            if not written and not away:
                log.warning("the audit trail waits", entries=self.waiting)
            away = not written
            if away and self._pool.closed:
                log.error("the audit trail ends with its database", entries=self.waiting)
                return

    def _flush(self) -> bool:
        """Write what waits now; tell whether it is written. What cannot be written waits on."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            if batch:
                self._write(batch)
        except Exception as error:
            self._waiting.extendleft(reversed(batch))
            if not isinstance(error, Unavailable):
                log.exception("the audit trail cannot be written", entries=len(batch))
            return False
        return True

    def _write(self, entries: Sequence[Entry]) -> None:
        with transaction(self._pool) as session:
            audit.write(session, entries)
