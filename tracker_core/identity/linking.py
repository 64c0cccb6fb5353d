"""A sender that says of two of its Patient records that they belong together, or no longer (HL7v2 ADT^A24, A37)."""

from collections.abc import Sequence
from typing import Any

from tracker_core import records
from tracker_core.changes import LinkChange, RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.identity import own
from tracker_core.identity.own import Acted
from tracker_core.identity.patients import linking
from tracker_core.issues import Issue
from tracker_core.records import Stored
from tracker_core.records.documents import decode

SEE_ALSO = "seealso"


def link_patients(session: Session, context: Context, changes: Sequence[LinkChange]) -> Acted:
    """Make each pair of records name each other by `seealso` (FHIR R4 8.1.11), or stop doing so.

    Nothing moves: both stay active, each with its own person. A record that nobody has sent is an error.
    """
    acted = Acted()
    for wanted in changes:
        one, other = (own.find(session, context, "Patient", query) for query in (wanted.one, wanted.other))
        if len(one) != 1 or len(other) != 1 or one[0].pk == other[0].pk:
            text = "two different patients that are known are needed, each by an identifier of its own"
            acted.issues.append(Issue("link-not-found", text, where=wanted.where))
            continue
        make = _part if wanted.parted else _join
        written = records.apply(session, context, [*make(one[0], other[0]), *make(other[0], one[0])])
        acted.note("unlink" if wanted.parted else "link", one[0], wanted.where, written)
    return acted


def _join(record: Stored, other: Stored) -> list[RecordChange]:
    change = linking(record, {}, SEE_ALSO, other)
    return [change] if change is not None else []


def _part(record: Stored, other: Stored) -> list[RecordChange]:
    document: dict[str, Any] = decode(record.doc)
    links = document.get("link") or []
    left = [each for each in links if each != {"other": {"reference": other.reference}, "type": SEE_ALSO}]
    if left == links:
        return []
    wanted = {**document, "link": left}
    if not left:
        del wanted["link"]
    return [RecordChange("Patient", wanted, "patch", id=record.id, version=record.version)]
