"""From programs to records: persons, enrollments and events that were captured here, as FHIR. Called after tracker
rows were written."""

from collections.abc import Iterable, Sequence
from typing import Any

from hub.bound import deriving, episodes_of_care
from hub.bound.groups import EVENT_SYSTEM, Group, gather, marked, parse
from hub.bound.loading import Bound, BoundStage, current
from hub.bound.patients import express_persons
from hub.bound.units import place_of
from mappings.binding import Edit, write_event
from mappings.binding.codecs import to_moment
from mappings.binding.events import retract
from mappings.scope import Scope
from tracker_core import metadata, records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.tracker import Touched, episodes
from tracker_core.tracker.episodes import Visit

_HELD = ("ACTIVE", "COMPLETED", "VISITED")


def express(session: Session, context: Context, touched: Sequence[Touched], report: Report) -> None:
    """Bring the records of the touched tracker objects up to date; add outcomes and issues to `report`.

    Only persons have records: entities of the hub's own person type, of the types of bound programs, and of types with
    an attribute that a binding takes from a Patient. Only places that read differently are written. A record of another
    peer is amended where an event shows its value; deleting the event retracts what was made from it and leaves the
    others. What fails here is a warning.
    """
    bindings = current(session)
    programs = [bound for bound in bindings if bound.program is not None]
    subjects = {one.subject for one in touched if one.subject is not None}
    persons = episodes.of_types(session, subjects, _person_types(metadata.load(session), bindings))
    people = episodes.holders(session, persons) if persons else {}
    if not people:
        return
    episodes.lock_holders(session, people)
    scope = Scope()
    captured = {one.pk for one in touched if one.kind == "tracked_entity"} & people.keys()
    patients = express_persons(session, context, bindings, people, captured, scope)
    enrollments = [one.pk for one in touched if one.kind == "enrollment"]
    changes = [
        *patients.changes,
        *episodes_of_care.changes_of(session, programs, enrollments, patients.references, scope),
        *_events(session, programs, touched, patients.references, scope),
    ]
    report.issues += scope.issues
    written = _apply(session, context, changes, report)
    made = {uid: record.pk for record, document in _parsed(written) if (uid := marked(document, EVENT_SYSTEM))}
    episodes.set_origins(session, made)
    deriving.derive(session, context, written, report)


def _person_types(known: Metadata, bindings: Iterable[Bound]) -> set[int]:
    mapped = {attribute.uid for bound in bindings for attribute in bound.attributes.values()}
    bound_types = {b.program.entity_type.uid for b in bindings if b.program and b.program.entity_type}
    return {
        type.pk
        for type in known.entity_types.values()
        if type.uid == metadata.PERSON or type.uid in bound_types or not mapped.isdisjoint(type.attributes)
    }


def _apply(session: Session, context: Context, changes: list[RecordChange], report: Report) -> list[Stored]:
    if not changes:
        return []
    applied = records.apply(session, context, changes, atomic=False)
    report.outcomes += [outcome for outcome in applied.outcomes if outcome.action != "unchanged"]
    report.issues += [Issue(i.code, i.text, "warning", i.where, i.value) for i in applied.issues]
    return applied.touched


def _parsed(written: Iterable[Stored]) -> Iterable[tuple[Stored, dict[str, Any]]]:
    """Yield the records with their documents, encounters last: of one event's records, they are its origin."""
    live = sorted((one for one in written if not one.deleted), key=lambda one: one.type == "Encounter")
    return ((one, parse(one)) for one in live)


def _events(
    session: Session,
    programs: Sequence[Bound],
    touched: Sequence[Touched],
    patients: dict[int, dict[str, str]],
    scope: Scope,
) -> list[RecordChange]:
    bounds = {bound.program.uid: bound for bound in programs if bound.program}
    pks = [one.pk for one in touched if one.kind == "event"]
    visits = [one for one in episodes.visits_by_pk(session, pks) if one.program in bounds] if pks else []
    groups = gather(session, {visit.person for visit in visits})
    known = metadata.load(session)
    changes: list[RecordChange] = []
    for visit in visits:
        stage = bounds[visit.program].stage_of(visit.stage)
        if stage is None or visit.person not in patients:
            continue
        group = _group_of(visit, groups)
        edits = _edits(known, stage, visit, group, patients[visit.person], scope)
        changes += [_change(visit, group, edit) for edit in edits]
    return changes


def _group_of(visit: Visit, groups: Iterable[Group]) -> Group:
    mine = (group for group in groups if visit.origin in group.pks or group.event == visit.uid)
    return next(mine, Group(0, visit.person))


def _edits(
    known: Metadata, stage: BoundStage, visit: Visit, group: Group, patient: dict[str, str], scope: Scope
) -> list[Edit]:
    if visit.deleted:
        made = [d["id"] for ds in group.documents.values() for d in ds if marked(d, EVENT_SYSTEM) == visit.uid]
        return retract(group.documents, made)
    if visit.status not in _HELD and not group.stored:
        return []
    scope.where = visit.uid
    wanted: dict[tuple[str, str], str | None] = {
        ("dataValues", key): visit.data.get(uid) for key, uid in stage.elements.items()
    }
    occurred = to_moment(visit.occurred_at.isoformat()) if visit.occurred_at else None
    wanted["", "status"] = visit.status
    if occurred:
        wanted["", "occurredAt"] = occurred
    links: dict[str, Any] = {"person": patient, "occurredAt": occurred, "place": place_of(known, visit.org_unit)}
    if group.encounter is not None:
        links["Encounter"] = {"reference": group.encounter.reference}
    elif any(row.type == "Encounter" and row.row.writes for row in stage.rules.rows):
        links["Encounter"] = {"reference": f"{EVENT_SYSTEM}:{visit.uid}"}
    return write_event(stage.rules, wanted, group.documents, links, scope)


def _change(visit: Visit, group: Group, edit: Edit) -> RecordChange:
    where = f"event {visit.uid}"
    if edit.before is not None:
        record = group.stored[id(edit.before)]
        return RecordChange(edit.type, edit.after, "patch", id=record.id, version=record.version, where=where)
    mark = {"system": EVENT_SYSTEM, "value": visit.uid}
    document = {**edit.after, "identifier": [*(edit.after.get("identifier") or ()), mark]}
    name = f"{EVENT_SYSTEM}:{visit.uid}" if edit.type == "Encounter" else ""
    return RecordChange(edit.type, document, name=name, where=where)
