"""Export of a period: the stored visits of a peer as rows of its own table."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from adapters.emr.export import Table, render_as, visit_rows
from tracker_core import records
from tracker_core.context import Peer
from tracker_core.database import Session

_PAGE = 500
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def export_visits(session: Session, peer: Peer, start: str, end: str, layout: str, *, everyone: bool) -> bytes:
    """Return the visits that began from `start` to `end` (FHIR dates, both included, empty for open) as a file.

    Only what the peer itself sent, unless `everyone` asks for the visits of all senders. In the order of their dates.
    Raises Malformed for a date that is none, Unsupported for an unknown layout.
    """
    columns: tuple[str, ...] = visit_rows([], peer).columns
    rows = []
    for documents in _pages(session, peer, start, end, everyone=everyone):
        rows += visit_rows(documents, peer).rows
    return render_as(Table(columns, rows), layout, peer)


def _pages(session: Session, peer: Peer, start: str, end: str, *, everyone: bool) -> Iterator[list[dict[str, Any]]]:
    """Yield Encounters by the page, each page with the records of its persons."""
    asked = [("_sort", "date"), ("_count", str(_PAGE))]
    asked += [("date", f"ge{start}")] if start else []
    asked += [("date", f"le{end}")] if end else []
    cursor = ""
    while True:
        page = records.search(session, "Encounter", [*asked, *([("_cursor", cursor)] if cursor else [])])
        visits = [found for found in page.matches if everyone or found.source == peer.id]
        persons = sorted({visit.subject for visit in visits if visit.subject is not None})
        others = records.of_subject(session, persons, ["Patient", "Condition", "Observation"])
        yield [_document(found) for found in (*visits, *others)]
        cursor = page.next
        if not cursor:
            return


def _document(stored: records.Stored) -> dict[str, Any]:
    document: dict[str, Any] = _decoder.decode(stored.doc)
    return {**document, "id": stored.id}
