"""Export of a period: the stored visits of a peer as rows of its own table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from adapters.emr.export import render_as, visit_rows
from adapters.emr.words import Untold, export_profile
from tracker_core import records
from tracker_core.context import Peer
from tracker_core.database import Session

Doc = dict[str, Any]
_PAGE = 500
_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Period:
    """The visits that are wanted: those that began from `start` to `end` (FHIR dates, both included, empty for open).

    With `since`, only those of which something (the visit, its diagnoses and results, its person) changed from then on.
    Only what the peer itself sent, unless `everyone` asks for the visits of all senders.
    """

    start: str = ""
    end: str = ""
    since: datetime | None = None
    everyone: bool = False


def export_visits(session: Session, peer: Peer, period: Period, layout: str) -> tuple[bytes, Untold]:
    """Return visits as a file in the order of their dates, and the codes that the peer has no word for.

    Raises Malformed for a date that is none, Unsupported for an unknown layout.
    """
    profile = export_profile(session, peer)
    whole = visit_rows([], peer, profile)
    for documents in _pages(session, peer, period):
        page = visit_rows(documents, peer, profile)
        whole.rows.extend(page.rows)
        whole.untold.update(page.untold)
    return render_as(whole, layout, peer), whole.untold


def _pages(session: Session, peer: Peer, period: Period) -> Iterator[list[Doc]]:
    """Yield Encounters by the page, each page with the records of its persons."""
    asked = [("_sort", "date"), ("_count", str(_PAGE))]
    asked += [("date", f"ge{period.start}")] if period.start else []
    asked += [("date", f"le{period.end}")] if period.end else []
    cursor = ""
    while True:
        page = records.search(session, "Encounter", [*asked, *([("_cursor", cursor)] if cursor else [])])
        visits = [found for found in page.matches if period.everyone or found.source == peer.id]
        persons = sorted({visit.subject for visit in visits if visit.subject is not None})
        others = records.of_subject(session, persons, ["Patient", "Condition", "Observation"])
        held = [(found.updated, _document(found)) for found in (*visits, *others)]
        yield list(_wanted(held, period.since))
        cursor = page.next
        if not cursor:
            return


def _document(stored: records.Stored) -> Doc:
    document: Doc = _decoder.decode(stored.doc)
    return {**document, "id": stored.id}


def _wanted(held: Sequence[tuple[datetime, Doc]], since: datetime | None) -> Iterator[Doc]:
    """Yield records, of the visits among them only those of which something changed since a moment."""
    changed: set[str] = set()
    for updated, doc in held:
        if since is None or updated >= since:
            changed |= {f"{doc['resourceType']}/{doc['id']}", doc.get("encounter", {}).get("reference", "")}
    for _, doc in held:
        about = (f"Encounter/{doc['id']}", doc.get("subject", {}).get("reference", ""))
        if doc["resourceType"] != "Encounter" or not changed.isdisjoint(about):
            yield doc
