"""From records to programs: attributes, case finding, events. Called after records were written."""

from collections.abc import Iterable, Sequence

from hub.bound import cases, circumstances, episodes_of_care, responses, telling, visit_plans, visits
from hub.bound.attributes import survive
from hub.bound.groups import EVENT_SYSTEM, gather, parse
from hub.bound.loading import Bound, current
from hub.bound.patients import link_sources
from hub.bound.writing import apply_views
from mappings.binding import find_case
from mappings.binding.definitions import GROUPED
from mappings.scope import Scope
from tracker_core import metadata, tracker
from tracker_core.changes import ChangeSet
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.records import Stored
from tracker_core.tracker import decisions, episodes

_MARK = EVENT_SYSTEM.encode()
_VIEWS = ("EpisodeOfCare", responses.TYPE, visit_plans.APPOINTMENT, visit_plans.TASK)


def derive(
    session: Session, context: Context, touched: Sequence[Stored], report: Report, only: Sequence[Bound] | None = None
) -> None:
    """Bring the program half of the touched records' persons up to date; add outcomes and issues to `report`.

    Attributes follow Patient records; a record that meets a case definition enrols, unless it joins an open episode;
    encounters of enrolled persons become events; responses and episodes of care say what they show. What is the same
    already is not written. What fails is a warning, and the records stand; but a record that shows what was captured in
    a program must not say what the program refuses: that is an error, and the record is brought back to what is stored.
    `only` restricts it to some bindings.
    """
    bindings = current(session) if only is None else tuple(only)
    about = [record for record in touched if record.subject is not None]
    views = [record for record in touched if record.type in _VIEWS]
    patients = {r.subject for r in about if r.subject is not None and r.type == "Patient"}
    clinical = [record for record in about if record.type in GROUPED]
    programs = [bound for bound in bindings if bound.program is not None]
    concerned = _concerned(session, programs, clinical) | _reconsidered(session, programs, patients)
    if not patients and not concerned and not views:
        return
    known = metadata.load(session)
    subjects = {record.subject for record in views if record.subject is not None}
    episodes.lock_holders(session, patients | concerned | subjects)
    people = episodes.holders(session, patients | concerned | subjects)
    scope = Scope()
    entities = survive(session, bindings, about, people, scope)
    groups = gather(session, concerned & people.keys())
    persons = circumstances.load(session, programs, {group.person for group in groups})
    work = cases.Work(known, people, groups, scope, persons)
    work.units = visits.units(session, work)
    ended, made = cases.find(session, programs, clinical, work)
    events = visits.find(programs, clinical, work)
    stated = responses.read_back(session, known, views, people, scope)
    visit_plans.read_back(session, known, views, people, stated, scope)
    stated.enrollments += episodes_of_care.read_back(session, known, programs, about, people, scope)
    stated.events += [one for one in events if one.uid in work.captured]
    followed = [one for one in events if one.uid not in work.captured]
    apply_views(session, context, link_sources(session, _joined(about)), report)
    done = [
        *_apply(session, context, ChangeSet(entities=entities, enrollments=ended, atomic=False), report),
        *_apply(session, context, ChangeSet(enrollments=made, events=followed, atomic=False), report),
    ]
    visits.note_origins(session, work)
    decisions.note_decisions(session, context, work.decisions)
    report.issues += scope.issues
    told = telling.tell(session, context, stated, report)
    showing = programs if only is None else [*_others(session, programs), *programs]
    telling.show(session, context, showing, done, told, work.reclassified(), report)


def _joined(about: Iterable[Stored]) -> set[int]:
    """Return the persons of whom a Patient record is new, or gone."""
    patients = [record for record in about if record.type == "Patient" and (record.version == 1 or record.deleted)]
    return {record.subject for record in patients if record.subject is not None}


def _others(session: Session, programs: Sequence[Bound]) -> list[Bound]:
    """Return the bindings that are here beside these: what they say of a program is shown, too."""
    names = {bound.binding.name for bound in programs}
    return [bound for bound in current(session) if bound.program is not None and bound.binding.name not in names]


def _concerned(session: Session, programs: Sequence[Bound], clinical: Iterable[Stored]) -> set[int]:
    """Return the persons for whom the touched records may matter: cases, and those already in a program.

    To a program that no file binds only the records that were made from its events matter.
    """
    subjects = {r.subject for r in clinical if r.subject is not None}
    if not subjects or not programs:
        return set()
    pks = [bound.program.pk for bound in programs if bound.program and not bound.derived]
    enrolled = {episode.person for episode in episodes.episodes(session, subjects, pks)}
    types = {case.test.type for bound in programs for case in bound.binding.cases}
    for record in clinical:
        if record.subject in enrolled or record.subject is None:
            continue
        if record.type == "Encounter" and (record.deleted or _MARK in record.doc):
            enrolled.add(record.subject)
            continue
        if record.deleted or record.type not in types:
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
