"""From programs to records: persons, enrollments and events that were captured here, as FHIR. Called after tracker
rows were written."""

from collections.abc import Iterable, Sequence

from hub.bound import deriving, encounters, episodes_of_care, relatives, responses, visit_plans
from hub.bound.loading import Bound, current
from hub.bound.patients import express_persons
from hub.bound.writing import VIEWS, apply_views, note_encounters
from mappings.scope import Scope
from tracker_core import metadata
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Report
from tracker_core.metadata import Metadata
from tracker_core.tracker import Touched, episodes

_HELD = ("ACTIVE", "COMPLETED", "VISITED")


def express(session: Session, context: Context, touched: Sequence[Touched], report: Report) -> None:
    """Bring the records of the touched tracker objects up to date; add outcomes and issues to `report`.

    Only persons have records: entities of the hub's own person type, of the types of bound programs, and of types with
    an attribute that a binding takes from a Patient. Only places that read differently are written. A record of another
    peer is amended where an event shows its value; deleting the event retracts what was made from it and leaves the
    others. What fails here is a warning.
    """
    bindings, known = current(session), metadata.load(session)
    programs = [bound for bound in bindings if bound.program is not None]
    subjects = {one.subject for one in touched if one.subject is not None}
    persons = episodes.of_types(session, subjects, _person_types(known, bindings))
    people = episodes.holders(session, persons) if persons else {}
    pks = [one.pk for one in touched if one.kind == "event" and (one.subject is None or one.subject in people)]
    if not people and not pks and not any(one.kind == "relationship" for one in touched):
        return
    episodes.lock_holders(session, people)
    scope = Scope()
    captured = {one.pk for one in touched if one.kind == "tracked_entity"} & people.keys()
    patients = express_persons(session, context, bindings, people, captured, scope)
    enrollments = [one.pk for one in touched if one.kind == "enrollment"]
    visits = episodes.visits_by_pk(session, pks) if pks else []
    shown = encounters.changes_of(session, programs, visits, patients.references, scope)
    changes = [
        *patients.changes,
        *episodes_of_care.changes_of(session, programs, enrollments, patients.references, scope),
        *shown.changes,
        *responses.changes_of(session, known, visits, patients.references, shown.encounters, scope),
        *visit_plans.changes_of(session, known, visits, patients.references),
        *visit_plans.tasks_of(session, enrollments, patients.references),
        *relatives.changes_of(session, known, bindings, touched, patients.references),
    ]
    report.issues += scope.issues
    written = apply_views(session, context, changes, report)
    note_encounters(session, written)
    deriving.derive(session, context, [one for one in written if one.type not in (*VIEWS, "Encounter")], report)


def _person_types(known: Metadata, bindings: Iterable[Bound]) -> set[int]:
    mapped = {attribute.uid for bound in bindings for attribute in bound.attributes.values()}
    bound_types = {
        bound.program.entity_type.uid
        for bound in bindings
        if bound.program and bound.program.entity_type and not bound.derived
    }
    return {
        type.pk
        for type in known.entity_types.values()
        if type.uid == metadata.PERSON or type.uid in bound_types or not mapped.isdisjoint(type.attributes)
    }
