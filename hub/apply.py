"""Apply what a mapping read: records first, then the program half, then what the bindings derive from both."""

from collections.abc import Iterable, Sequence

from hub import bound
from tracker_core import access, aggregates, packages, records, tracker
from tracker_core.changes import ChangeSet
from tracker_core.context import Context
from tracker_core.database import Apart, Session
from tracker_core.identity import acts
from tracker_core.identity.deciding import decide
from tracker_core.identity.replacing import follow_links
from tracker_core.issues import Issue, Outcome, Report
from tracker_core.records.judging import Judge


def apply(session: Session, context: Context, changes: ChangeSet, report: Report, judge: Judge | None = None) -> None:
    """Write `changes` under `context` and add to `report` what became of each and what was wrong.

    With `changes.atomic`, one error rejects the whole: `report.rejected` is set and the caller undoes the transaction.
    Else each item stands alone. What a mapping could not read is in the report already and rejects nothing here.
    Tracker rows that a document names are written with the rights of the user who sent it (`NotFound` when there is no
    such user any more); what bindings derive is the hub's own. `judge` looks at each record that the changes write.
    """
    read_before = len(report.issues)
    for package in changes.packages:
        brought = packages.bring_in(session, context, package, access.load(session, context.actor))
        _note(report, brought.outcomes, brought.issues)
        report.rejected = report.rejected or brought.rejected
    _identify(session, context, acts.before_records(session, context, changes), report)
    _write_records(session, context, changes, report, judge)
    _identify(session, context, acts.after_records(session, context, changes), report)
    for decision in changes.decisions:
        decided = decide(session, context, decision)
        _note(report, decided.outcomes, decided.issues)
        report.extra |= {"result": decided.survivor.doc.decode()} if decided.survivor else {}
    _write_rows(session, context, changes, report)
    if changes.aggregates:
        _note(report, *aggregates.apply_values(session, context, changes.aggregates))
    wrong = any(issue.severity == "error" for issue in report.issues[read_before:])
    report.rejected = report.rejected or (changes.atomic and wrong)


def apply_together(session: Session, parts: Sequence[tuple[Context, ChangeSet, Report]]) -> None:
    """Write several change sets of plain records (`records.fits`) as `apply` does, those of one person only in one.

    Raises `Apart` where one of them may not stand, or they have to do with each other: nothing of them is to be kept.
    """
    written = records.apply_together(session, [(context, changes.records) for context, changes, _ in parts])
    for (context, _, report), applied in zip(parts, written, strict=True):
        read_before = len(report.issues)
        _note(report, applied.outcomes, applied.issues)
        _follow_records(session, context, applied.touched, report)
        if any(issue.severity == "error" for issue in report.issues[read_before:]):
            raise Apart


def _identify(session: Session, context: Context, acted: acts.Acted, report: Report) -> None:
    """Take account of what was said about who is who; what moved is derived anew."""
    _note(report, acted.outcomes, acted.issues)
    if acted.touched:
        current = records.by_pk(session, [record.pk for record in acted.touched])
        bound.derive(session, context, list(current.values()), report)


def _write_records(session: Session, context: Context, changes: ChangeSet, report: Report, judge: Judge | None) -> None:
    if changes.records:
        written = records.apply(session, context, changes.records, atomic=changes.atomic, judge=judge)
        _note(report, written.outcomes, written.issues)
        _follow_records(session, context, written.touched, report)


def _follow_records(session: Session, context: Context, touched: Sequence[records.Stored], report: Report) -> None:
    bound.derive(session, context, touched, report)
    bound.take_values(session, context, touched, report)
    report.issues.extend(follow_links(session, context, touched))


def _write_rows(session: Session, context: Context, changes: ChangeSet, report: Report) -> None:
    if changes.entities or changes.enrollments or changes.events or changes.relationships:
        written = tracker.apply(session, context, changes, access.load(session, context.actor))
        _note(report, written.outcomes, written.issues)
        report.extra["seconds"] = written.seconds
        bound.express(session, context, written.touched, report)


def _note(report: Report, outcomes: Iterable[Outcome], issues: Iterable[Issue]) -> None:
    report.outcomes.extend(outcomes)
    report.issues.extend(issues)
