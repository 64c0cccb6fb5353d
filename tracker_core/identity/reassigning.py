"""A sender that puts a visit, an account or everything of a patient elsewhere (HL7v2 ADT^A41 to A45)."""

from collections.abc import Sequence
from typing import Any

from tracker_core import records
from tracker_core.changes import MergeChange, MoveChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.history import Change, note_changes
from tracker_core.identity import moving, own
from tracker_core.identity.own import Acted
from tracker_core.issues import Issue
from tracker_core.records import Stored, documents

_ROUNDS = 4  # an account, its visits, their reports, the results of these


def reassign(session: Session, context: Context, moves: Sequence[MoveChange]) -> Acted:
    """Let what `moves` name, with everything that hangs on it, be about another patient of the sender.

    The records name that patient from now on. Enrollments that they caused go along with their events; an event that
    they caused in an enrollment that stays is deleted, and derived anew where it belongs. Moving it back undoes it.
    """
    acted = Acted()
    for wanted in moves:
        patient = own.find(session, context, "Patient", wanted.patient)
        found = own.find(session, context, wanted.type, wanted.query)
        wrong = _wrong(wanted, patient, found)
        if wrong is not None:
            acted.issues.append(wrong)
            continue
        root = found[0]
        gone = _around(session, [root])
        old = {root.reference} if wanted.type == "Patient" else _patients_of(root)
        moved = gone[1:] if wanted.type == "Patient" else gone
        named = dict.fromkeys(old - {patient[0].reference}, patient[0].reference)
        acted.note("move", root, wanted.where, _rewrite(session, context, moved, named))
        _carry(session, context, moved, patient[0])
    return acted


def absorb(session: Session, context: Context, merges: Sequence[MergeChange]) -> Acted:
    """Make one visit or account of two: the loser becomes `entered-in-error`, what hung on it hangs on the survivor.

    Its identifiers stand on the survivor as `use=old`, so that later messages under them go on there.
    """
    acted = Acted()
    for wanted in merges:
        survivor, loser = (own.find(session, context, wanted.type, query) for query in (wanted.survivor, wanted.loser))
        wrong = _not_two(wanted, survivor, loser)
        if wrong is not None:
            acted.issues.append(wrong)
        else:
            _absorb(session, context, survivor[0], loser[0], wanted.where, acted)
    return acted


def _not_two(wanted: MergeChange, survivor: Sequence[Stored], loser: Sequence[Stored]) -> Issue | None:
    if not loser:
        text = f"no {wanted.type} has the number that ends; there was nothing to merge"
        return Issue("merge-not-found", text, "warning", wanted.where)
    if len(survivor) != 1 or len(loser) != 1:
        return Issue("merge-not-found", f"one known {wanted.type} that stays is needed", where=wanted.where)
    if survivor[0].pk == loser[0].pk:
        return Issue("merge-same", "both numbers are on one record already", "information", wanted.where)
    return None


def _absorb(session: Session, context: Context, survivor: Stored, loser: Stored, where: str, acted: Acted) -> None:
    stays, ends = documents.decode(survivor.doc), documents.decode(loser.doc)
    old = [{**one, "use": "old"} for one in ends.pop("identifier", [])]
    known = {(one.get("system"), one.get("value")) for one in stays.get("identifier") or ()}
    old = [one for one in old if (one.get("system"), one.get("value")) not in known]
    stays["identifier"] = [*(stays.get("identifier") or ()), *old]
    gone = _around(session, [loser])[1:]
    named = {loser.reference: survivor.reference}
    patient = next(iter(sorted(_patients_of(survivor))), "")
    named |= {name: patient for name in _patients_of(loser) - {patient} if patient}
    changes = [
        RecordChange(loser.type, {**ends, "status": "entered-in-error"}, "patch", id=loser.id, version=loser.version),
        RecordChange(survivor.type, stays, "patch", id=survivor.id, version=survivor.version),
    ]
    written = records.apply(session, context, changes)
    acted.note("merge", loser, where, written)
    follows = _rewrite(session, context, gone, named)
    acted.issues += follows.issues
    acted.touched += follows.touched
    _drop_events(session, context, [loser.pk], [])


def _wrong(wanted: MoveChange, patient: Sequence[Stored], found: Sequence[Stored]) -> Issue | None:
    if len(patient) != 1:
        return Issue("move-not-found", "the patient that takes it is not known", where=wanted.where)
    if len(found) > 1:
        return Issue("move-ambiguous", f"several records of type {wanted.type} have the number", where=wanted.where)
    if not found:
        text = f"no {wanted.type} has the number; there was nothing to move"
        return Issue("move-not-found", text, "warning", wanted.where)
    return None


def _around(session: Session, roots: list[Stored]) -> list[Stored]:
    """Return `roots` and every live record that hangs on them, directly or not; other Patients are not among them."""
    person = roots[0].subject or 0
    known = {record.pk for record in roots}
    for _ in range(_ROUNDS):
        more = set(moving.following(session, person, sorted(known))["record"]) - known
        if not more:
            break
        known |= more
    found = records.by_pk(session, sorted(known - {record.pk for record in roots}))
    return [*roots, *(record for record in found.values() if not record.deleted)]


def _patients_of(record: Stored) -> set[str]:
    """Return the Patient records that a record names."""
    return {text for _, _, text in documents.references(record.doc) if text.startswith("Patient/")}


def _rewrite(session: Session, context: Context, found: Sequence[Stored], named: dict[str, str]) -> records.Applied:
    """Let these records name others than they do."""
    changes = []
    for record in found:
        spans = [span for span in documents.references(record.doc) if span[2] in named]
        if spans:
            body = documents.rewrite(record.doc, spans, named)
            changes.append(RecordChange(record.type, body, "patch", id=record.id, version=record.version))
    return records.apply(session, context, changes)


def _carry(session: Session, context: Context, moved: Sequence[Stored], patient: Stored) -> None:
    """Let the tracker rows that came from moved records follow them to the person of `patient`."""
    origins = [record.pk for record in moved]
    for person in {record.subject for record in moved if record.subject not in (None, patient.subject)}:
        assert person is not None
        assert patient.subject is not None
        rows: dict[str, Any] = moving.caused_by(session, person, origins)
        moving.share_owners(session, context, patient.subject, person, rows["enrollment"])
        moving.move(session, context, {**rows, "record": [], "sides": []}, person, patient.subject)
        _drop_events(session, context, origins, rows["event"])


def _drop_events(session: Session, context: Context, origins: list[int], kept: list[int]) -> None:
    """Delete the events that came from these records, but for those that moved with their enrollment."""
    rows = session.execute(
        "update event set deleted = true, updated = %s, updated_in = %s"
        " where origin = any(%b) and not deleted and not pk = any(%b) returning pk, entity",
        (context.at, context.change_set, origins, kept),
    ).fetchall()
    note_changes(session, context, [Change("event", pk, "delete", person) for pk, person in sorted(rows)])
