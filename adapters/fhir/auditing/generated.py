"""Provenance and AuditEvent as generated resources: one by its id, pages of a search."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.fhir.auditing import criteria, events, provenances
from adapters.fhir.replies import Pairs
from tracker_core import audit, records
from tracker_core.audit import Asked, Deed
from tracker_core.database import Session
from tracker_core.records import Stored, documents, forms


def read(session: Session, type_: str, id: str) -> Stored | None:
    """Return one generated resource, None when the id is none of theirs."""
    named = criteria.parse_id(type_, id)
    asked = Asked(kinds=(named[0],), ids=(named,), recorded=type_ == "Provenance") if named else None
    found = audit.deeds(session, asked, 1) if asked else []
    return _rendered(session, type_, found)[0] if found else None


def page(session: Session, type_: str, pairs: Pairs, position: str, room: int) -> tuple[list[Stored], str]:
    """Return up to `room` generated resources, newest first unless sorted by date, and where the next page begins.

    Raises `ValueError` for a position that is none, `Malformed` for a date that is none.
    """
    asked = criteria.read(session, type_, pairs)
    if asked is None:
        return [], ""
    found = audit.deeds(session, replace(asked, after=_opened(position) if position else None), room + 1)
    return _rendered(session, type_, found[:room]), _closed(found[room - 1]) if len(found) > room else ""


def count(session: Session, type_: str, pairs: Pairs) -> int:
    """Return how many generated resources there are."""
    asked = criteria.read(session, type_, pairs)
    return audit.count(session, asked) if asked else 0


def provenance_of(session: Session, found: Sequence[Stored]) -> list[Stored]:
    """Return the Provenance of each of these versions (`_revinclude=Provenance:target`)."""
    sets = audit.change_sets_of(session, found)
    asked = Asked(kinds=("write",), ids=tuple(("write", one) for one in sets))
    return _rendered(session, "Provenance", audit.deeds(session, asked, len(sets))) if sets else []


def _rendered(session: Session, type_: str, deeds: Sequence[Deed]) -> list[Stored]:
    made = provenances.render(session, deeds) if type_ == "Provenance" else events.render(session, deeds)
    return [
        Stored(-deed.id, type_, doc["id"], 1, deed.at, False, None, None, documents.encode(doc))
        for deed, doc in zip(deeds, made, strict=True)
    ]


def targets(session: Session, found: Sequence[Stored]) -> list[Stored]:
    """Return the records that these Provenances are about, as they stand (`_include=Provenance:target`)."""
    texts = [text for one in found for *_, text in documents.references(one.doc)]
    wanted = dict.fromkeys(form for text in texts if "/_history/" in text and (form := forms.target(text)))
    return [one for one in records.read(session, list(wanted)).values() if not one.deleted]


def _closed(deed: Deed) -> str:
    return f"{deed.at.isoformat()} {deed.kind} {deed.id}"


def _opened(position: str) -> tuple[datetime, audit.Kind, int]:
    at, name, id = position.split(" ")
    (kind,) = (one for one in audit.KINDS if one == name)
    opened = datetime.fromisoformat(at), kind, int(id)
    if opened[0].tzinfo is None or not 0 <= opened[2] < 2**62:
        raise ValueError(position)
    return opened
