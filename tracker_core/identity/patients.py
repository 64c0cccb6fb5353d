"""A sender that joins two of its own Patient records (HL7v2 ADT^A40): the records linked, the persons made one."""

from collections.abc import Collection, Sequence
from typing import Any

from tracker_core import records
from tracker_core.changes import MergeChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity import own
from tracker_core.identity.merging import merge, move_records, unmerge
from tracker_core.issues import Issue, Outcome
from tracker_core.records import Stored
from tracker_core.records.documents import decode


def merge_patients(
    session: Session, context: Context, merges: Sequence[MergeChange]
) -> tuple[list[Outcome], list[Issue]]:
    """Carry out `merges` in order; return what became of each, and what was wrong.

    Both records are those of the sender. The loser becomes inactive and links to the survivor (FHIR R4 8.1.11); its
    person becomes part of the survivor's, or only this record moves while other senders still know that person.
    `part_patients` takes it back. A loser that nobody has sent is a warning: there is nothing to merge.
    """
    outcomes: list[Outcome] = []
    issues: list[Issue] = []
    for wanted in merges:
        survivor, loser = (own.find(session, context, "Patient", query) for query in (wanted.survivor, wanted.loser))
        wrong = _wrong(wanted, survivor, loser)
        if wrong is not None:
            issues.append(wrong)
            continue
        written = _link(session, context, survivor[0], loser[0])
        issues += written.issues
        join(session, context, survivor[0], loser[0])
        outcomes.append(
            Outcome("merge", loser[0].id, "updated" if written.touched else "unchanged", where=wanted.where)
        )
    return outcomes, issues


def part_patients(session: Session, context: Context, merge: int) -> int:
    """Take back the merge with this pk, links between Patient records included; return the person that comes back.

    Its records that were replaced by one of another person are active again, and neither names the other.
    Raises what `identity.unmerge` raises.
    """
    person = unmerge(session, context, merge)
    found = {record.reference: record for record in records.of_subject(session, [person], ["Patient"])}
    replaced = {ref: linked(decode(one.doc), "replaced-by") - found.keys() for ref, one in found.items()}
    others = {other for named in replaced.values() for other in named}
    known = records.read(session, [("Patient", other.removeprefix("Patient/")) for other in sorted(others)])
    changes = [unlinking(found[ref], named, {"active": True}) for ref, named in replaced.items() if named]
    changes += [unlinking(other, found.keys(), {}) for other in known.values() if not other.deleted]
    records.apply(session, context, changes)
    return person


def linked(document: dict[str, Any], type: str) -> set[str]:
    """Return the references of a Patient's links of this type."""
    links = document.get("link") or []
    return {str(link.get("other", {}).get("reference")) for link in links if link.get("type") == type}


def unlinking(record: Stored, others: Collection[str], elements: dict[str, Any]) -> RecordChange:
    """Return the change that takes the links to `others` out of a record."""
    document = {**decode(record.doc), **elements}
    left = [link for link in document.pop("link", []) if link.get("other", {}).get("reference") not in others]
    wanted = {**document, **({"link": left} if left else {})}
    return RecordChange("Patient", wanted, "patch", id=record.id, version=record.version)


def _wrong(wanted: MergeChange, survivor: list[Stored], loser: list[Stored]) -> Issue | None:
    if len(survivor) > 1 or len(loser) > 1:
        return Issue("merge-ambiguous", "the identifiers of the merge are on several patients", where=wanted.where)
    if not survivor:
        return Issue("merge-not-found", "the patient that stays is not known", where=wanted.where)
    if not loser:
        text = "the patient that ends is not known; there was nothing to merge"
        return Issue("merge-not-found", text, "warning", wanted.where)
    if survivor[0].pk == loser[0].pk:
        return Issue("merge-same", "both identifiers are on one patient already", "information", wanted.where)
    return None


def _link(session: Session, context: Context, survivor: Stored, loser: Stored) -> records.Applied:
    """Make each record name the other, and the loser inactive."""
    changes = [
        linking(loser, {"active": False}, "replaced-by", survivor),
        linking(survivor, {}, "replaces", loser),
    ]
    return records.apply(session, context, [change for change in changes if change is not None])


def linking(record: Stored, elements: dict[str, Any], type: str, other: Stored) -> RecordChange | None:
    """Return the change that makes a Patient link to another, or None when it says all of that already."""
    document = decode(record.doc)
    link = {"other": {"reference": other.reference}, "type": type}
    links = document.get("link") or []
    wanted = {**document, **elements, "link": links if link in links else [*links, link]}
    if wanted == document:
        return None
    return RecordChange("Patient", wanted, "patch", id=record.id, version=record.version)


def join(session: Session, context: Context, survivor: Stored, loser: Stored) -> None:
    """Make one person of two, as far as the sender of both records can say."""
    stays, ends = survivor.subject, loser.subject
    if stays is None or ends is None or stays == ends:
        return
    known = records.of_subject(session, [ends], ["Patient"])
    if any(record.source != loser.source for record in known):
        move_records(session, context, [loser.pk], stays, ends)
    else:
        merge(session, context, stays, ends)
