"""Reading and searching generated resources beside stored ones of the same types."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.fhir.auditing import criteria, events, provenances
from adapters.fhir.replies import Pairs
from tracker_core import audit, records
from tracker_core.audit import Asked, Deed
from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records import Page, Stored, documents, forms
from tracker_core.records.search.pages import USUAL_COUNT
from tracker_core.records.search.searching import counted
from tracker_core.records.search.tokens import Codes

_MARK = "g."  # a cursor into what is generated


def read(session: Session, type_: str, id: str) -> Stored | None:
    """Return one generated resource, None when the id is none of theirs."""
    named = criteria.parse_id(type_, id)
    asked = Asked(kinds=(named[0],), ids=(named,), recorded=type_ == "Provenance") if named else None
    found = audit.deeds(session, asked, 1) if asked else []
    return _rendered(session, type_, found)[0] if found else None


def search(session: Session, type_: str, pairs: Pairs, codes: Codes, within: tuple[str, str] | None = None) -> Page:
    """Return a page: what is stored of the type first, then what is generated, newest first unless sorted by date.

    Raises as `records.search` does.
    """
    given = dict(pairs)
    cursor = given.get("_cursor", "")
    stored = not cursor.startswith(_MARK)
    page = records.search(session, type_, pairs, codes=codes, within=within) if stored else Page()
    about = [("entity" if type_ == "AuditEvent" else "target", "/".join(within))] if within else []
    asked = criteria.read(session, type_, [*pairs, *about])
    if asked is None:
        return page
    if page.total is not None:
        page.total += audit.count(session, asked)
    limit = counted({"_count": [given.get("_count", str(USUAL_COUNT))]}) if given.get("_summary") != "count" else 0
    room = limit - len(page.matches)
    if page.next or room <= 0:
        page.next = page.next or (_closed(None) if limit else "")
        return page
    _fill(session, type_, page, asked if stored else replace(asked, after=_opened(cursor)), room)
    _include(session, type_, page, pairs)
    return page


def provenance_of(session: Session, found: Sequence[Stored]) -> list[Stored]:
    """Return the Provenance of each of these versions (`_revinclude=Provenance:target`)."""
    sets = audit.change_sets_of(session, found)
    asked = Asked(kinds=("write",), ids=tuple(("write", one) for one in sets))
    return _rendered(session, "Provenance", audit.deeds(session, asked, len(sets))) if sets else []


def _fill(session: Session, type_: str, page: Page, asked: Asked, room: int) -> None:
    found = audit.deeds(session, asked, room + 1)
    page.matches += _rendered(session, type_, found[:room])
    page.next = _closed(found[room - 1]) if len(found) > room else ""


def _rendered(session: Session, type_: str, deeds: Sequence[Deed]) -> list[Stored]:
    made = provenances.render(session, deeds) if type_ == "Provenance" else events.render(session, deeds)
    return [
        Stored(-deed.id, type_, doc["id"], 1, deed.at, False, None, None, documents.encode(doc))
        for deed, doc in zip(deeds, made, strict=True)
    ]


def _include(session: Session, type_: str, page: Page, pairs: Pairs) -> None:
    if ("_include", "Provenance:target") in pairs and type_ == "Provenance":
        texts = [text for one in page.matches if one.pk < 0 for *_, text in documents.references(one.doc)]
        wanted = dict.fromkeys(form for text in texts if "/_history/" in text and (form := forms.target(text)))
        page.includes += [one for one in records.read(session, list(wanted)).values() if not one.deleted]


def _closed(deed: Deed | None) -> str:
    text = f"{deed.at.isoformat()} {deed.kind} {deed.id}" if deed else ""
    return _MARK + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[datetime, audit.Kind, int] | None:
    text = cursor.removeprefix(_MARK)
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        if not decoded:
            return None
        at, name, id = decoded.split(" ")
        (kind,) = (one for one in audit.KINDS if one == name)
        opened = datetime.fromisoformat(at), kind, int(id)
    except (ValueError, binascii.Error) as error:
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    if opened[0].tzinfo is None or not 0 <= opened[2] < 2**62:
        raise Malformed("the link to the next page is damaged", where="_cursor")
    return opened
