"""A binding made today, applied to the records of yesterday: page by page, so that each can be its own transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.bound.deriving import derive
from hub.bound.loading import Bound
from mappings.binding.definitions import GROUPED
from tracker_core import history, records
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.tracker import episodes

PAGE = 500
MOST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """One page: how many records were looked at, the key to go on after (None at the end), and what came of it."""

    seen: int
    after: int | None
    report: Report


@dataclass(slots=True)
class Trial:
    """What a binding would do to the records that are here: `seen` of them, all unless `complete` is false.

    `counts` are by what and action (`event updated`); `samples` say of some enrollments and events what would differ;
    `issues` are the values that do not fit, each with its row.
    """

    seen: int = 0
    complete: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def types_of(bound: Bound) -> list[str]:
    """Return the types of records that a replay of the binding walks."""
    cases = {case.test.type for case in bound.binding.cases}
    return sorted({*cases, *(GROUPED if bound.stages else ()), *(("Patient",) if bound.person else ())})


def replay(session: Session, context: Context, bound: Bound, after: int = 0, limit: int = PAGE) -> Replayed:
    """Derive from up to `limit` records with keys above `after` that `bound` may read.

    Cases enrol as if their records arrived now, oldest record first, and encounters become events. Doing it again
    changes nothing. Call it with the returned `after` until that is None.
    """
    page = records.walk(session, types_of(bound), after, limit)
    report = Report()
    derive(session, context, page, report, only=[bound])
    return Replayed(len(page), page[-1].pk if len(page) == limit else None, report)


def rehearse(session: Session, bound: Bound, actor: str, most: int = 20_000) -> Trial:
    """Return what `bound` would do to the first `most` records that it may read; nothing is stored."""
    trial = Trial()
    with session.transaction(force_rollback=True):
        context = history.open_change_set(session, actor)
        after: int | None = 0
        while after is not None and trial.seen < most:
            page = replay(session, context, bound, after)
            after, trial.seen = page.after, trial.seen + page.seen
            trial.counts.update(counted(page.report))
            trial.issues += page.report.issues
        trial.complete = after is None
        trial.samples = episodes.differences(session, context.change_set, MOST_SAMPLES)
    return trial


def counted(report: Report) -> Counter[str]:
    """Count what a report says was done, by what and action."""
    done: Sequence[str] = [f"{one.kind} {one.action}" for one in report.outcomes if one.action != "unchanged"]
    return Counter(done)
