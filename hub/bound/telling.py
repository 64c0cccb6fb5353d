"""What is captured in a program, edited as FHIR: told to the program, and shown again as the program then has it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hub.bound import encounters, episodes_of_care, responses, visit_plans
from hub.bound.loading import Bound
from hub.bound.responses import Stated
from hub.bound.writing import apply_views, note_encounters
from mappings.scope import Scope
from tracker_core import metadata, records, tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EventChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.tracker import Finding, Touched, episodes


@dataclass(slots=True)
class Told:
    """What came of it: rows that were written, uids of what the program refused, responses (pks) refused with it."""

    touched: list[Touched] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    homeless: set[int] = field(default_factory=set)


def tell(session: Session, context: Context, stated: Stated, report: Report) -> Told:
    """Write what edited and new records state; what the program refuses is an error at the place of the record."""
    told = Told()
    if stated.enrollments:
        _write(session, context, ChangeSet(enrollments=stated.enrollments, atomic=False), told, report)
    if stated.events:
        _write(session, context, ChangeSet(events=stated.events, atomic=False), told, report)
        gone = {one.uid: one.origin for one in stated.events if one.uid in told.refused}
        told.homeless = {origin for origin in gone.values() if origin is not None}
    fulfilled = {uid: pk for uid, pk in stated.origins.items() if uid not in told.refused}
    if fulfilled:
        episodes.set_origins(session, fulfilled)
    return told


def _write(session: Session, context: Context, changes: ChangeSet, told: Told, report: Report) -> None:
    places = {f"{outcome.kind}/{outcome.id}": outcome.where for outcome in report.outcomes}
    items: Sequence[EnrollmentChange | EventChange] = [*changes.enrollments, *changes.events]
    sources = {one.uid: one.where for one in items}
    written = tracker.apply(session, context, changes)
    report.outcomes += [outcome for outcome in written.outcomes if outcome.action != "unchanged"]
    for issue in written.issues:
        uid = issue.uid if isinstance(issue, Finding) else ""
        source = sources.get(uid, "")
        report.issues.append(
            Issue(issue.code, issue.text, issue.severity, places.get(source) or source or issue.where, issue.value)
        )
        if issue.severity == "error":
            told.refused.add(uid)
    told.touched += written.touched


def show(
    session: Session,
    context: Context,
    programs: Sequence[Bound],
    done: Iterable[Touched],
    told: Told,
    reclassified: dict[int, int],
    report: Report,
) -> None:
    """Let rows that were written because of records show as records.

    `done` are those that clinical records made: their events show as responses. Those that were `told`, and what was
    refused, show in every way. `reclassified` are further enrollments (pk -> pk of the person).
    """
    followers = [*done, *told.touched]
    enrollments = {one.pk: one.subject for one in followers if one.kind == "enrollment" and one.subject} | reclassified
    whole = {one.pk for one in told.touched if one.kind == "event"}
    pks = whole | {one.pk for one in followers if one.kind == "event"}
    visits = episodes.visits_by_pk(session, sorted(pks)) if pks else []
    visits += episodes.visits_behind(session, sorted(told.refused), ()) if told.refused else []
    if not enrollments and not visits and not told.homeless:
        return
    scope, known = Scope(), metadata.load(session)
    persons = {*enrollments.values(), *(one.person for one in visits if one.person)}
    patients: dict[int, dict[str, str]] = {}
    for record in records.of_subject(session, sorted(persons), ["Patient"]):
        patients[record.subject or 0] = {"reference": record.reference}
    captured = [one for one in visits if one.pk in whole or one.uid in told.refused]
    shown = encounters.changes_of(session, programs, captured, patients, scope)
    changes = [
        *episodes_of_care.changes_of(session, programs, list(enrollments), patients, scope),
        *shown.changes,
        *responses.changes_of(session, known, visits, patients, shown.encounters, scope),
        *visit_plans.changes_of(session, known, visits, patients),
        *visit_plans.tasks_of(session, list(enrollments), patients),
        *_withdrawn(session, told),
    ]
    report.issues += scope.issues
    note_encounters(session, apply_views(session, context, changes, report))


def _withdrawn(session: Session, told: Told) -> list[RecordChange]:
    """Return the deletion of new responses that the program refused: they show nothing."""
    found = records.by_pk(session, told.homeless) if told.homeless else {}
    return [RecordChange(one.type, b"", "delete", one.id) for one in found.values() if one.type == responses.TYPE]
