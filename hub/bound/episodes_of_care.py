"""Enrollments as EpisodeOfCare records, and back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.bound.groups import ENROLLMENT_SYSTEM, marked, parse
from hub.bound.loading import Bound
from hub.bound.units import place_of
from mappings.binding import read_person, write_person
from mappings.binding.codecs import to_moment
from mappings.scope import Scope
from tracker_core import metadata, records
from tracker_core.changes import EnrollmentChange, RecordChange
from tracker_core.database import Session
from tracker_core.metadata import Metadata, Program
from tracker_core.records import Stored
from tracker_core.tracker import decisions, episodes
from tracker_core.tracker.episodes import Episode, Holder
from tracker_core.uids import new_uid

PROGRAM_SYSTEM = "urn:tracker-hub:program"


def changes_of(
    session: Session,
    programs: Sequence[Bound],
    enrollments: Iterable[int],
    patients: dict[int, dict[str, str]],
    scope: Scope,
) -> list[RecordChange]:
    """Return the EpisodeOfCare records that these enrollments (pks) make or change; `patients` are their references."""
    bounds = {bound.program.uid: bound for bound in programs if bound.program and bound.binding.enrolment}
    found = [one for one in episodes.episodes_by_pk(session, enrollments) if one.program in bounds]
    if not found:
        return []
    known = metadata.load(session)
    classes = decisions.classifications(session, [one.pk for one in found])
    stored: dict[str | int, tuple[Stored, dict[str, Any]]] = {}
    for record in records.of_subject(session, sorted({one.person for one in found}), ["EpisodeOfCare"]):
        document = parse(record)
        stored[marked(document, ENROLLMENT_SYSTEM) or record.pk] = (record, document)
    changes = []
    for one in found:
        bound, where = bounds[one.program], f"enrollment {one.uid}"
        held = stored.get(one.uid) or stored.get(one.origin or 0)
        if held is not None:
            record, before = held
            after = _after(bound, one, classes.get(one.pk, ""), before, scope)
            if after != before:
                changes.append(
                    RecordChange("EpisodeOfCare", after, "patch", record.id, version=record.version, where=where)
                )
        elif not one.deleted and one.person in patients:
            made = _new(known, bound, one, patients[one.person])
            after = _after(bound, one, classes.get(one.pk, ""), made, scope)
            changes.append(RecordChange("EpisodeOfCare", after, where=where))
    return changes


def read_back(
    session: Session,
    known: Metadata,
    programs: Sequence[Bound],
    touched: Iterable[Stored],
    people: Mapping[int, Holder],
    scope: Scope,
) -> list[EnrollmentChange]:
    """Return what touched EpisodeOfCare records of programs say.

    An edited one speaks of the status and beginning that differ from its version before; one that shows no enrollment
    yet enrols its person.
    """
    mine = [record for record in touched if record.type == "EpisodeOfCare" and not record.deleted]
    if not mine:
        return []
    earlier = records.earlier(session, [record for record in mine if record.version > 1])
    persons = {record.subject for record in mine if record.subject is not None}
    pks = [bound.program.pk for bound in programs if bound.program]
    made = {one.origin: one.uid for one in episodes.episodes(session, persons, pks) if one.origin is not None}
    changes = []
    for record in mine:
        document, old = parse(record), earlier.get(record.pk)
        bound = _bound_of(programs, document)
        if bound is None or bound.program is None:
            continue
        rows = [row for row in bound.binding.enrolment if row.key in ("status", "enrolledAt")]
        said = read_person(rows, [parse(old)], Scope(quiet=True)) if old is not None and not old.deleted else {}
        fields = {key: text for key, text in read_person(rows, [document], scope).items() if text != said.get(key)}
        day = fields.pop("enrolledAt", "")
        uid = marked(document, ENROLLMENT_SYSTEM) or made.get(record.pk, "")
        holder = people.get(record.subject or 0)
        if uid and (fields or day):
            changes.append(EnrollmentChange(uid=uid, enrolled_at=day, fields=dict(fields), where=record.reference))
        elif not uid and holder is not None and fields.get("status") == "ACTIVE":
            day = day or record.updated.date().isoformat()
            unit = _unit_of(known, document) or holder.org_unit
            fields |= {"occurredAt": day}
            changes.append(
                EnrollmentChange(
                    new_uid(),
                    holder.uid,
                    bound.program.uid,
                    unit,
                    day,
                    {},
                    dict(fields),
                    record.pk,
                    where=record.reference,
                )
            )
    return changes


def _enrolled(
    known: Metadata, program: Program, record: Stored, document: dict[str, Any], holder: Holder, day: str
) -> EnrollmentChange:
    """Return the enrollment that a new episode is."""
    return EnrollmentChange(
        uid=new_uid(),
        entity=holder.uid,
        program=program.uid,
        org_unit=_unit_of(known, document) or holder.org_unit,
        enrolled_at=day,
        fields={"occurredAt": day, "status": "ACTIVE"},
        origin=record.pk,
        where=record.reference,
    )


def _bound_of(programs: Sequence[Bound], document: dict[str, Any]) -> Bound | None:
    """Return the binding of the program that an episode is of, by its `type`."""
    codings = [coding for kind in document.get("type") or () for coding in kind.get("coding") or ()]
    named = {str(one.get("code")) for one in codings if one.get("system") == PROGRAM_SYSTEM}
    found = (
        bound
        for bound in programs
        if bound.program
        and bound.binding.enrolment
        and not named.isdisjoint((bound.program.uid, bound.program.code or ""))
    )
    return next(found, None)


def _unit_of(known: Metadata, document: dict[str, Any]) -> str:
    managing = document.get("managingOrganization") or {}
    keys = (str(managing.get("reference") or "").rpartition("/")[2], (managing.get("identifier") or {}).get("value"))
    return next((uid for key in keys if key and (uid := known.uid_of("organisationUnits", str(key)))), "")


def _new(known: Metadata, bound: Bound, one: Episode, patient: dict[str, str]) -> dict[str, Any]:
    assert bound.program is not None
    coding = {"system": PROGRAM_SYSTEM, "code": bound.program.code or bound.program.uid, "display": bound.program.name}
    place = place_of(known, one.org_unit)
    return {
        "resourceType": "EpisodeOfCare",
        "identifier": [{"system": ENROLLMENT_SYSTEM, "value": one.uid}],
        "type": [{"coding": [coding]}],
        "patient": patient,
        **({"managingOrganization": place} if place else {}),
    }


def _after(bound: Bound, one: Episode, classification: str, before: dict[str, Any], scope: Scope) -> dict[str, Any]:
    if one.deleted:
        return {**before, "status": "entered-in-error"}
    wanted: dict[str, str | None] = {"status": one.status, "enrolledAt": to_moment(one.enrolled_at.isoformat())}
    wanted["completedAt"] = one.completed_at.date().isoformat() if one.completed_at else None
    if classification:
        wanted["classification"] = classification
    return write_person(bound.binding.enrolment, wanted, before, scope) or before
