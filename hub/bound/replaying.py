"""A binding made today, applied to the records of yesterday: page by page, so that each can be its own transaction."""

from dataclasses import dataclass

from hub.bound.deriving import derive
from hub.bound.loading import Bound
from tracker_core import records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Report


@dataclass(frozen=True, slots=True)
class Replayed:
    """One page: how many records were looked at, the key to go on after (None at the end), and what came of it."""

    seen: int
    after: int | None
    report: Report


def replay(session: Session, context: Context, bound: Bound, after: int = 0, limit: int = 500) -> Replayed:
    """Derive from up to `limit` records with keys above `after` that may be cases of `bound`, or are Patients.

    Cases enrol as if their records arrived now, oldest record first, and their encounters become events. Doing it
    again changes nothing. Call it with the returned `after` until that is None.
    """
    types = sorted({case.test.type for case in bound.binding.cases} | ({"Patient"} if bound.person else set()))
    page = records.walk(session, types, after, limit)
    report = Report()
    derive(session, context, page, report, only=[bound])
    return Replayed(len(page), page[-1].pk if len(page) == limit else None, report)
