"""Resources that are made when they are asked for, read and searched beside stored ones of the same types."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.fhir.auditing import generated as auditing
from adapters.fhir.measures import values as measures
from adapters.fhir.replies import Pairs
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records import Page, Stored
from tracker_core.records.search.pages import USUAL_COUNT
from tracker_core.records.search.searching import counted
from tracker_core.records.search.tokens import Codes

_MARK = "g."  # a cursor into what is generated


@dataclass(frozen=True, slots=True)
class Source:
    """Where generated resources of a type come from.

    read(session, type, id) -> the one with that id, or None
    page(session, type, pairs, position, room) -> (up to `room` of them, where the next page begins or "")
        `position` is empty for the first page; raises `ValueError` for one that was never given
    count(session, type, pairs) -> how many there are
    """

    read: Callable[[Session, str, str], Stored | None]
    page: Callable[[Session, str, Pairs, str, int], tuple[list[Stored], str]]
    count: Callable[[Session, str, Pairs], int]


_AUDIT = Source(auditing.read, auditing.page, auditing.count)
GENERATED: Mapping[str, Source] = {
    "AuditEvent": _AUDIT,
    "Provenance": _AUDIT,
    "MeasureReport": Source(measures.read, measures.page, measures.count),
}
# What of the compartment of a Patient is generated -> the parameter that leads there
IN_COMPARTMENT: Mapping[str, str] = {"AuditEvent": "entity", "Provenance": "target"}


def search(session: Session, type_: str, pairs: Pairs, codes: Codes, within: tuple[str, str] | None = None) -> Page:
    """Return a page: what is stored of the type first, then what is generated.

    Raises as `records.search` does.
    """
    source = GENERATED[type_]
    given = dict(pairs)
    cursor = given.get("_cursor", "")
    stored = not cursor.startswith(_MARK)
    page = records.search(session, type_, pairs, codes=codes, within=within) if stored else Page()
    asked = [*pairs, *([(IN_COMPARTMENT[type_], "/".join(within))] if within else [])]
    if page.total is not None:
        page.total += source.count(session, type_, asked)
    limit = 0 if given.get("_summary") == "count" else counted({"_count": [given.get("_count", str(USUAL_COUNT))]})
    room = limit - len(page.matches)
    if page.next or room <= 0:
        page.next = page.next or (_closed("") if limit else "")
        return page
    try:
        found, position = source.page(session, type_, asked, "" if stored else _opened(cursor), room)
    except ValueError as error:
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    page.matches += found
    page.next = _closed(position) if position else ""
    if ("_include", "Provenance:target") in pairs:
        page.includes += auditing.targets(session, found)
    return page


def _closed(position: str) -> str:
    return _MARK + base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _opened(cursor: str) -> str:
    text = cursor.removeprefix(_MARK)
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except binascii.Error as error:
        raise ValueError(cursor) from error
