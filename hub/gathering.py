"""Work that many threads bring one piece at a time, done for all who wait at once: one round trip, one commit.

While one batch is being done the next one gathers: a thread alone works alone, and does not wait for company.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from time import monotonic, sleep
from typing import Generic, TypeVar

from tracker_core.errors import Unavailable

Asked = TypeVar("Asked")
Given = TypeVar("Given")

MOST = 64
STEP = 0.0005
QUIET = 4  # looks, a step apart


@dataclass(slots=True, eq=False)
class Piece(Generic[Asked, Given]):
    """One piece of work. Its thread is woken when the piece is done, or when it is its turn to do a batch."""

    asked: Asked
    woken: Event = field(default_factory=Event)
    given: list[Given] = field(default_factory=list)
    error: Exception | None = None

    @property
    def done(self) -> bool:
        """Whether there is a result, or an error instead."""
        return bool(self.given) or self.error is not None


@dataclass(slots=True, eq=False)
class Gathering(Generic[Asked, Given]):
    """Where pieces of one kind wait; `busy` while a batch is being done.

    Who was served is often back right after it: until as many wait as were there when the last batch ended (`known`,
    served and waiting), the next one is put off, for `patience` seconds at most.
    """

    lock: Lock = field(default_factory=Lock)
    waiting: list[Piece[Asked, Given]] = field(default_factory=list)
    busy: bool = False
    patience: float = 0.0
    known: int = 0


def gather(
    gathering: Gathering[Asked, Given], asked: Asked, work: Callable[[Sequence[Asked]], Sequence[Given]]
) -> Given:
    """Return what `work` gives for `asked`, done together with what other threads ask for at the same time.

    `work` takes a batch and returns one result for each piece, in order; whoever does a batch does it with its own.
    When a batch fails, each of its pieces is tried alone, so that one that is wrong fails alone; when the database is
    away they all fail. Raises what `work` raises.
    """
    piece: Piece[Asked, Given] = Piece(asked)
    with gathering.lock:
        gathering.waiting.append(piece)
        leads, gathering.busy = not gathering.busy, True
    if not leads:
        piece.woken.wait()
    if not piece.done:
        _lead(gathering, work)
    if piece.error is not None:
        raise piece.error
    return piece.given[0]


def _lead(gathering: Gathering[Asked, Given], work: Callable[[Sequence[Asked]], Sequence[Given]]) -> None:
    """Do one batch, which begins with the caller's own piece, and hand the lead on to the first that came since."""
    _await_company(gathering)
    with gathering.lock:
        batch, gathering.waiting = gathering.waiting[:MOST], gathering.waiting[MOST:]
    try:
        _do(batch, work)
    finally:
        with gathering.lock:
            gathering.busy = bool(gathering.waiting)
            gathering.known = len(batch) + len(gathering.waiting)
            if gathering.waiting:
                gathering.waiting[0].woken.set()
        for piece in batch:
            piece.woken.set()


def give_way(gathering: Gathering[Asked, Given], seconds: float) -> None:
    """Return when nothing has been done there for a moment, or after so many seconds."""
    end, quiet = monotonic() + seconds, 0
    while quiet < QUIET and monotonic() < end:
        quiet = 0 if gathering.busy else quiet + 1
        sleep(STEP)


def _await_company(gathering: Gathering[Asked, Given]) -> None:
    end = monotonic() + gathering.patience
    while len(gathering.waiting) < min(gathering.known, MOST) and monotonic() < end:
        sleep(STEP)


def _do(batch: Sequence[Piece[Asked, Given]], work: Callable[[Sequence[Asked]], Sequence[Given]]) -> None:
    try:
        for piece, given in zip(batch, work([piece.asked for piece in batch]), strict=True):
            piece.given.append(given)
    except Exception as error:
        if len(batch) > 1 and not isinstance(error, Unavailable):
            for piece in batch:
                _do([piece], work)
            return
        for piece in batch:
            piece.error = error
