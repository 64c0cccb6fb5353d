"""What a person decides of two Patient records of any source: one person, with all that follows, or apart again.

The records link to each other, what referred to the loser refers to the survivor, the persons become one. All of it is
one change set, and taking it back is: the versions of that change set give way to those before them.
"""

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from tracker_core import records
from tracker_core.changes import DecisionChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity import moving
from tracker_core.identity.merging import merge, unmerge
from tracker_core.identity.patients import linked, linking, unlinking
from tracker_core.issues import Issue, Outcome
from tracker_core.records import Stored, documents
from tracker_core.records.documents import decode

# A person with more records than this that refer to one Patient is merged by its sources, not by one request.
MOST_REFERRING = 10_000
# What tells what once happened goes on naming whom it happened to.
_HISTORICAL = ("AuditEvent", "Provenance")


@dataclass(slots=True)
class Decided:
    """What became of one decision: nothing where an issue is an error. `survivor` is the Patient that stays."""

    outcomes: list[Outcome] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    survivor: Stored | None = None


def decide(session: Session, context: Context, wanted: DecisionChange) -> Decided:
    """Carry out a decision.

    Enrollments, events, relationships and every source's records of the loser's person go to the survivor's, as
    `identity.merge` describes; the loser's record becomes inactive and the two link to each other (FHIR R4 8.1.11).
    An undone one leaves what was written since: a record that says something else by now keeps it, without the links.
    """
    survivor, loser = (_find(session, query) for query in (wanted.survivor, wanted.loser))
    wrong = [issue for found, who in ((survivor, "target"), (loser, "source")) if (issue := _lost(wanted, found, who))]
    if wrong:
        return Decided(issues=wrong)
    carry_out = _part if wanted.undo else _unite
    decided = carry_out(session, context, wanted, survivor[0], loser[0])
    decided.survivor = records.by_pk(session, [survivor[0].pk])[survivor[0].pk]
    return decided


def _find(session: Session, query: str) -> list[Stored]:
    return records.search(session, "Patient", parse_qsl(query, keep_blank_values=True)).matches


def _lost(wanted: DecisionChange, found: list[Stored], who: str) -> Issue | None:
    if len(found) == 1:
        return None
    if found:
        return Issue("merge-ambiguous", f"several patients are the {who}", where=wanted.where)
    return Issue("merge-not-found", f"the {who} patient is not known", where=wanted.where)


def _unite(session: Session, context: Context, wanted: DecisionChange, survivor: Stored, loser: Stored) -> Decided:
    wrong = _refusal(wanted, survivor, loser)
    if wrong:
        return Decided(issues=[wrong])
    referring = _referring(session, loser)
    if len(referring) > MOST_REFERRING:
        text = f"more than {MOST_REFERRING} records refer to the source patient"
        return Decided(issues=[Issue("too-costly", text, where=wanted.where)])
    changes = [
        linking(loser, {"active": False}, "replaced-by", survivor),
        _staying(wanted, survivor, loser),
        *(_pointing(one, loser, survivor) for one in referring),
    ]
    applied = records.apply(session, context, [change for change in changes if change is not None])
    stays, ends = survivor.subject, loser.subject
    if stays is not None and ends is not None and stays != ends:
        merge(session, context, stays, ends)
    outcome = Outcome("merge", loser.id, "updated", where=wanted.where)
    return Decided([outcome, *applied.outcomes], applied.issues)


def _staying(wanted: DecisionChange, survivor: Stored, loser: Stored) -> RecordChange | None:
    if wanted.result is None:
        return linking(survivor, {}, "replaces", loser)
    given = replace(survivor, doc=documents.encode(wanted.result))
    plain = RecordChange("Patient", given.doc, "patch", id=survivor.id, version=survivor.version)
    return linking(given, {}, "replaces", loser) or plain


def _refusal(wanted: DecisionChange, survivor: Stored, loser: Stored) -> Issue | None:
    if survivor.pk == loser.pk:
        return Issue("merge-same", "source and target are the same patient", where=wanted.where)
    for one, who in ((survivor, "target"), (loser, "source")):
        others = linked(decode(one.doc), "replaced-by")
        if others:
            return Issue("merge-done", f"the {who} patient was replaced by {min(others)}", where=wanted.where)
    if wanted.result is not None and wanted.result.get("id") != survivor.id:
        return Issue("merge-result", "the result-patient does not have the id of the target", where=wanted.where)
    return None


def _referring(session: Session, loser: Stored) -> list[Stored]:
    """Return the records of the loser's person that refer to its Patient record."""
    if loser.subject is None:
        return []
    pks = moving.referring(session, loser.subject, [loser.pk])[: MOST_REFERRING + 1]
    found = records.by_pk(session, pks).values()
    return [one for one in found if not one.deleted and one.type not in _HISTORICAL]


def _pointing(one: Stored, loser: Stored, survivor: Stored) -> RecordChange:
    doc = documents.rewrite(one.doc, documents.references(one.doc), {loser.reference: survivor.reference})
    return RecordChange(one.type, doc, "patch", id=one.id, version=one.version)


def _part(session: Session, context: Context, wanted: DecisionChange, survivor: Stored, loser: Stored) -> Decided:
    if survivor.reference not in linked(decode(loser.doc), "replaced-by"):
        text = "the source patient was not replaced by the target"
        return Decided(issues=[Issue("merge-not-found", text, where=wanted.where)])
    standing = _standing(session, survivor, loser)
    applied = records.apply(session, context, _restoring(session, standing[1], survivor, loser))
    if standing[0] is not None:
        unmerge(session, context, standing[0])
    return Decided([Outcome("merge", loser.id, "updated", where=wanted.where), *applied.outcomes], applied.issues)


def _standing(session: Session, survivor: Stored, loser: Stored) -> tuple[int | None, int]:
    """Return the merge of the persons, if these were two, and the change set of the decision."""
    row = session.execute(
        "select m.pk, m.created_in from merge m where m.survivor = %s and not m.undone"
        " and m.moved -> 'record' @> %s::text::jsonb"
        " and exists (select from record_version v where v.pk = %s and v.change_set = m.created_in)"
        " order by m.pk desc limit 1",
        (loser.subject, f"[{loser.pk}]", survivor.pk),
    ).fetchone()
    if row:
        return row[0], row[1]
    found = session.execute(
        "select l.change_set from record_version l join record_version s on s.change_set = l.change_set and s.pk = %s"
        " where l.pk = %s order by l.version desc limit 1",
        (survivor.pk, loser.pk),
    ).fetchone()
    return None, found[0] if found else 0


def _restoring(session: Session, change_set: int, survivor: Stored, loser: Stored) -> list[RecordChange]:
    """Return the changes that bring back what the change set wrote, and unlink the two where there is more since.

    A record that says again what the change set made it say (a later decision that was undone, too) comes back as well.
    """
    rows = session.execute(
        "select v.pk, v.doc, before.doc from record_version v join record r on r.pk = v.pk and not r.deleted"
        " join record_version before on before.pk = v.pk and before.version = v.version - 1 and not before.deleted"
        " where v.change_set = %s",
        (change_set,),
    ).fetchall()
    current = records.by_pk(session, [pk for pk, *_ in rows])
    back = {pk: before for pk, wrote, before in rows if _said(wrote) == _said(current[pk].doc)}
    changes = [
        RecordChange(current[pk].type, before, "patch", id=current[pk].id, version=current[pk].version)
        for pk, before in back.items()
    ]
    if survivor.pk not in back:
        changes.append(unlinking(survivor, {loser.reference}, {}))
    if loser.pk not in back:
        changes.append(unlinking(loser, {survivor.reference}, {"active": True}))
    return changes


def _said(doc: bytes) -> dict[str, Any]:
    """Return a document without what every version has of its own."""
    return {name: value for name, value in decode(doc).items() if name != "meta"}
