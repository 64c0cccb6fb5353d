"""A sender that deletes one of its Patient records (HL7v2 ADT^A29)."""

from collections.abc import Sequence

from tracker_core import records
from tracker_core.changes import RecordChange, RemovalChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.history import Change, note_changes
from tracker_core.identity import moving, own
from tracker_core.identity.own import Acted
from tracker_core.issues import Issue
from tracker_core.records import Stored

# What describes a person without being a fact of their care: it goes with them.
WITH_THE_PERSON = frozenset({"RelatedPerson", "Coverage", "Account"})


def remove_patients(session: Session, context: Context, changes: Sequence[RemovalChange]) -> Acted:
    """Delete the Patient records, their history kept, and with the last one of a person the tracked entity.

    A record on which live data hangs (a visit, a result, an enrollment) is refused: that data would be nobody's.
    A record that nobody has sent is a warning.
    """
    acted = Acted()
    for wanted in changes:
        found = own.find(session, context, "Patient", wanted.query)
        if len(found) != 1:
            acted.issues.append(
                Issue("removal-ambiguous", "several patients have the identifier", where=wanted.where)
                if found
                else Issue("removal-not-found", "the patient is not known", "warning", wanted.where)
            )
            continue
        hanging = _hanging(session, found[0])
        used = sorted({record.type for record in hanging} - WITH_THE_PERSON)
        used += ["enrollment"] if _enrolled(session, found[0]) else []
        if used:
            text = f"the patient cannot be deleted: {', '.join(used)} would be left without one"
            acted.issues.append(Issue("removal-in-use", text, where=wanted.where))
            continue
        _remove(session, context, found[0], hanging, wanted.where, acted)
    return acted


def _hanging(session: Session, patient: Stored) -> list[Stored]:
    """Return the live records that refer to a Patient record, other Patients left out."""
    pks = moving.following(session, patient.subject or 0, [patient.pk])["record"]
    found = records.by_pk(session, [pk for pk in pks if pk != patient.pk])
    return [record for record in found.values() if not record.deleted]


def _alone(session: Session, patient: Stored) -> bool:
    known = records.of_subject(session, [patient.subject or 0], ["Patient"])
    return all(record.pk == patient.pk for record in known)


def _enrolled(session: Session, patient: Stored) -> bool:
    """Tell whether deleting the record would leave an enrollment or event without any Patient behind it."""
    if not _alone(session, patient):
        return False
    row = session.execute(
        "select exists (select from enrollment where entity = %(pk)s and not deleted)"
        " or exists (select from event where entity = %(pk)s and not deleted)",
        {"pk": patient.subject},
    ).fetchone()
    return bool(row and row[0])


def _remove(
    session: Session, context: Context, patient: Stored, hanging: list[Stored], where: str, acted: Acted
) -> None:
    alone = _alone(session, patient)
    gone = [*hanging, patient]
    changes = [RecordChange(record.type, {}, "delete", id=record.id, where=where) for record in gone]
    acted.note("removal", patient, where, records.apply(session, context, changes))
    if alone and patient.subject is not None:
        session.execute(
            "update tracked_entity set deleted = true, updated = %s, updated_in = %s where pk = %s",
            (context.at, context.change_set, patient.subject),
        )
        note_changes(session, context, [Change("tracked_entity", patient.subject, "delete", patient.subject)])
