"""From records to programs: attributes, case finding, events. Called after records were written."""

from collections.abc import Iterable, Sequence

from hub.bound import cases, circumstances, episodes_of_care, visits
from hub.bound.attributes import survive
from hub.bound.groups import gather, parse
from hub.bound.loading import Bound, current
from mappings.binding import find_case
from mappings.binding.definitions import GROUPED
from mappings.scope import Scope
from tracker_core import metadata, records, tracker
from tracker_core.changes import ChangeSet
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.records import Stored
from tracker_core.tracker import decisions, episodes


def derive(
    session: Session, context: Context, touched: Sequence[Stored], report: Report, only: Sequence[Bound] | None = None
) -> None:
    """Bring the program half of the touched records' persons up to date; add outcomes and issues to `report`.

    Attributes follow Patient records; a record that meets a case definition enrols, unless it joins an open episode;
    encounters of enrolled persons become events. What is the same already is not written. Whatever fails here is a
    warning: the records stand. `only` restricts it to some bindings.
    """
    bindings = current(session) if only is None else tuple(only)
    about = [record for record in touched if record.subject is not None]
    patients = {r.subject for r in about if r.subject is not None and r.type == "Patient"}
    clinical = [record for record in about if record.type in GROUPED]
    programs = [bound for bound in bindings if bound.program is not None]
    concerned = _concerned(session, programs, clinical) | _reconsidered(session, programs, patients)
    if not patients and not concerned and not any(record.type == "EpisodeOfCare" for record in about):
        return
    episodes.lock_holders(session, patients | concerned)
    people = episodes.holders(session, patients | concerned)
    scope = Scope()
    entities = survive(session, bindings, about, people, scope)
    groups = gather(session, concerned & people.keys())
    persons = circumstances.load(session, programs, {group.person for group in groups})
    work = cases.Work(metadata.load(session), people, groups, scope, persons)
    work.units = visits.units(session, work)
    ended, made = cases.find(session, programs, clinical, work)
    events = visits.find(programs, clinical, work)
    ended += episodes_of_care.read_back(programs, about, scope)
    first = _apply(session, context, ChangeSet(entities=entities, enrollments=ended, atomic=False), report)
    second = _apply(session, context, ChangeSet(enrollments=made, events=events, atomic=False), report)
    visits.note_origins(session, work)
    decisions.note_decisions(session, context, work.decisions)
    report.issues += scope.issues
    shown = {one.pk: one.subject for one in (*first, *second) if one.kind == "enrollment" and one.subject is not None}
    _express_enrollments(session, context, programs, shown | work.reclassified(), report)


def _concerned(session: Session, programs: Sequence[Bound], clinical: Iterable[Stored]) -> set[int]:
    """Return the persons for whom the touched records may matter: cases, and those already in a program."""
    subjects = {r.subject for r in clinical if r.subject is not None}
    if not subjects or not programs:
        return set()
    pks = [bound.program.pk for bound in programs if bound.program]
    enrolled = {episode.person for episode in episodes.episodes(session, subjects, pks)}
    types = {case.test.type for bound in programs for case in bound.binding.cases}
    for record in clinical:
        if record.subject in enrolled or record.subject is None or record.deleted or record.type not in types:
            continue
        document = parse(record)
        if any(find_case(bound.binding, document) for bound in programs):
            enrolled.add(record.subject)
    return enrolled


def _reconsidered(session: Session, programs: Sequence[Bound], patients: set[int]) -> set[int]:
    """Return the persons who may be cases now that more is known of them."""
    if not patients or not any(case.sex or case.ages for bound in programs for case in bound.binding.cases):
        return set()
    return decisions.refused_persons(session, patients)


def _apply(session: Session, context: Context, changes: ChangeSet, report: Report) -> list[tracker.Touched]:
    written = tracker.apply(session, context, changes)
    report.outcomes += [outcome for outcome in written.outcomes if outcome.action != "unchanged"]
    report.issues += [Issue(i.code, i.text, "warning", i.where, i.value) for i in written.issues]
    return written.touched


def _express_enrollments(
    session: Session, context: Context, programs: Sequence[Bound], found: dict[int, int], report: Report
) -> None:
    """Let these enrollments (pk -> pk of the person) show as EpisodeOfCare records."""
    if not found:
        return
    patients: dict[int, dict[str, str]] = {}
    for record in records.of_subject(session, sorted(set(found.values())), ["Patient"]):
        patients[record.subject or 0] = {"reference": record.reference}
    scope = Scope()
    changes = episodes_of_care.changes_of(session, programs, list(found), patients, scope)
    if changes:
        applied = records.apply(session, context, changes, atomic=False)
        report.outcomes += applied.outcomes
        report.issues += [Issue(i.code, i.text, "warning", i.where, i.value) for i in applied.issues]
    report.issues += scope.issues
