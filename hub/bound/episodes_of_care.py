"""Enrollments as EpisodeOfCare records, and back."""

from collections.abc import Iterable, Sequence
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
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.tracker import decisions, episodes
from tracker_core.tracker.episodes import Episode

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
    stored = {}
    for record in records.of_subject(session, sorted({one.person for one in found}), ["EpisodeOfCare"]):
        document = parse(record)
        stored[marked(document, ENROLLMENT_SYSTEM)] = (record, document)
    changes = []
    for one in found:
        bound, where = bounds[one.program], f"enrollment {one.uid}"
        if one.uid in stored:
            record, before = stored[one.uid]
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


def read_back(programs: Sequence[Bound], touched: Iterable[Stored], scope: Scope) -> list[EnrollmentChange]:
    """Return what touched EpisodeOfCare records that stand for enrollments say of their status and beginning."""
    changes = []
    for record in touched:
        document = parse(record) if record.type == "EpisodeOfCare" and not record.deleted else {}
        uid = marked(document, ENROLLMENT_SYSTEM)
        for bound in programs if uid else ():
            code = bound.program.code or bound.program.uid if bound.program else ""
            codings = [coding for kind in document.get("type") or () for coding in kind.get("coding") or ()]
            if any(one.get("system") == PROGRAM_SYSTEM and one.get("code") == code for one in codings):
                rows = [row for row in bound.binding.enrolment if row.key in ("status", "enrolledAt")]
                fields = read_person(rows, [document], scope)
                day = fields.pop("enrolledAt", "")
                changes.append(EnrollmentChange(uid=uid, enrolled_at=day, fields=dict(fields), where=record.reference))
    return [change for change in changes if change.fields or change.enrolled_at]


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
