"""Jobs: inbound messages whose sender does not wait for their end, and asks for it by the job's uid.

A job is no second queue. It is a message like any other, kept with the job's uid as its control id; a worker processes
it in one transaction, and the answer that its sender would have got is kept beside it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from tracker_core.database import Session

State: TypeAlias = Literal["queued", "running", "done", "failed"]
_LISTED = 100


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `type` is the message's (`tracker`, `metadata`); `answer` what its sender is to read, when it has ended.

    `failed` is a job that needs a person or was refused as a whole; `done` may hold a report full of errors. `error`
    of a queued job is why it is tried again.
    """

    uid: str
    message: int
    type: str
    actor: str
    state: State
    attempts: int
    created: datetime
    finished: datetime | None
    error: str
    answer: bytes | None


_FIELDS = (
    "control_id, id, type, actor, state, attempts, created, finished, coalesce(error, ''), answer,"
    " coalesce(lease_until > now(), false)"
)


_STATE, _ERROR = 4, 8


def find(session: Session, format: str, uid: str) -> Job | None:
    """Return the job `uid` among the messages of a format."""
    rows = session.execute(
        f"select {_FIELDS} from message where control_id = %s and direction = 'in' and format = %s order by id limit 1",
        (uid, format),
    )
    return next(_jobs(rows), None)


def latest(session: Session, format: str, type: str) -> list[Job]:
    """Return the last hundred jobs of a type, newest first."""
    rows = session.execute(
        f"select {_FIELDS} from message where direction = 'in' and format = %s and type = %s"
        " and control_id is not null order by id desc limit %s",
        (format, type, _LISTED),
    )
    return list(_jobs(rows))


def _jobs(rows: Iterable[tuple[Any, ...]]) -> Iterator[Job]:
    for row in rows:
        *values, leased = row
        values[_STATE] = _state(values[_STATE], values[_ERROR], leased=leased)
        yield Job(*values)


def _state(message: str, error: str, *, leased: bool) -> State:
    if message == "waiting":
        return "running" if leased else "queued"
    return "failed" if error or message == "parked" else "done"
