"""Following the change log: derived facts kept in step, and the cells that a change may have touched computed anew."""

from collections import defaultdict
from collections.abc import Sequence

from tracker_core import metadata, periods
from tracker_core.aggregates import cases, facts, frames, reports, runs
from tracker_core.aggregates.reports import Stored
from tracker_core.aggregates.runs import RunResult
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict

_KINDS = ["tracked_entity", "enrollment", "event", "record"]


def follow(session: Session, context: Context) -> list[RunResult]:
    """Compute anew what changed since the last call, in every period that a report was computed for before.

    Cells are found from both ends: those that counted a touched person or object so far, and those where the person's
    facts lie now. Returns one result per report and period. A report whose metadata is gone is passed over.
    """
    subjects, targets = _touched(session)
    facts.refresh(session, subjects)
    if not subjects and not targets:
        return []
    results = []
    for report in reports.active(session):
        for period, units in sorted(_slices(session, report, subjects, targets).items()):
            results.append(runs.compute(session, context, report, runs.parse_period(period), sorted(units)))
    return results


def run(
    session: Session, context: Context, code: str, period: str, org_units: Sequence[int] | None = None
) -> RunResult:
    """Compute the case report `code` for `period` (`202403`), at these org units (pks) or at all of them.

    Everything committed so far is taken in first, in the other reports and periods too; `changed` of the result holds
    what that changed in this one as well. From the first run on, `follow`
    keeps the period up to date. Raises `NotFound` for an unknown report, `Conflict` for a period it cannot have.
    """
    report = reports.load(session, code)
    wanted = runs.parse_period(period)
    followed = [r for r in follow(session, context) if (r.report, r.period) == (code, wanted.id)]
    result = runs.compute(session, context, report, wanted, org_units)
    result.changed = sorted({*result.changed, *(pk for before in followed for pk in before.changed)})
    return result


def _touched(session: Session) -> tuple[list[int], list[int]]:
    """Return the persons and the objects that change sets not yet followed touched, and move the horizon.

    Change sets become visible out of order: the horizon is the oldest transaction still running, and what is visible
    beyond it is looked at again next time.
    """
    row = session.execute("select horizon from report_progress for update").fetchone()
    assert row is not None
    touched = session.execute(
        "with fresh as (select id from change_set"
        " where xid >= least(%(horizon)s, pg_snapshot_xmin(pg_current_snapshot())))"
        " select c.subject, c.target, c.kind = 'tracked_entity' from change c join fresh f on f.id = c.change_set"
        " where c.kind = any(%(kinds)s)"
        " union select r.subject, r.pk, false from record_version v join fresh f on f.id = v.change_set"
        " join record r on r.pk = v.pk",
        {"horizon": row[0], "kinds": _KINDS},
    ).fetchall()
    session.execute("update report_progress set horizon = pg_snapshot_xmin(pg_current_snapshot())")
    subjects = {subject for subject, _, _ in touched if subject is not None}
    subjects |= {target for _, target, is_person in touched if is_person}
    targets = {target for _, target, is_person in touched if not is_person}
    return sorted(subjects), sorted(targets)


def _slices(session: Session, report: Stored, subjects: Sequence[int], targets: Sequence[int]) -> dict[str, set[int]]:
    """Return period -> org units where the report may count otherwise now, of the periods it was computed for."""
    try:
        frame = frames.bind(metadata.load(session), report.definition)
    except Conflict:
        return {}
    counted = session.execute(
        "with f as (select value from aggregate_fact where subject = any(%b)"
        " union select value from aggregate_fact where target = any(%b))"
        " select distinct v.period, v.org_unit from f join aggregate_value v on v.pk = f.value where v.definition = %s",
        (list(subjects), list(targets), report.pk),
    ).fetchall()
    found = cases.places(session, report.definition, frame, subjects)
    now = [(periods.containing(report.definition.period_type, day).id, unit) for unit, day in found]
    runs_so_far = session.execute("select distinct period from report_run where definition = %s", (report.pk,))
    computed = {row[0] for row in runs_so_far}
    slices: dict[str, set[int]] = defaultdict(set)
    for period, unit in [*counted, *now]:
        if period in computed:
            slices[period].add(unit)
    return slices


def behind(session: Session, actor: str) -> bool:
    """Tell whether change sets that `follow` has not looked at are there, those of `actor` left out."""
    row = session.execute(
        "select exists (select from change_set s, report_progress p where s.xid >= p.horizon and s.actor <> %s)",
        (actor,),
    ).fetchone()
    return row is not None and bool(row[0])
