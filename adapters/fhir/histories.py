"""History over HTTP: versions of a record, of a type and of the whole server, page by page (FHIR R4 3.1.0.13)."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from adapters.fhir import bundles
from adapters.fhir.replies import Pairs, Reply
from adapters.fhir.showing import shown
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.records import Span, Stored
from tracker_core.records.terms import date_range

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 1000
_KNOWN = ("_count", "_since", "_at", "_cursor")


def history(session: Session, base: str, steps: Sequence[str], pairs: Pairs) -> Reply:
    """Answer `Patient/1/_history`, `Patient/_history` or `_history`, newest first.

    `_since` gives what was made at or after an instant, `_at` what was current at some time of a date or instant.
    Raises `NotFound` for a record that never was, `Malformed` for a parameter that cannot be read.
    """
    type_ = steps[0] if len(steps) > 1 else ""
    id = steps[1] if len(steps) > 2 else ""
    parameters = dict(pairs)
    count = _count(parameters.get("_count", "20"))
    before = _opened(parameters["_cursor"]) if "_cursor" in parameters else None
    span = _span(parameters)
    found = records.versions(session, type_, id, count=count + 1, before=before, span=span)
    if id and not found and before is None and not records.read(session, [(type_, id)]):
        raise NotFound(f"there is no {type_}/{id}")
    last = found[count - 1] if len(found) > count else None
    kept = [pair for pair in pairs if pair[0] in _KNOWN]
    docs = [one.doc if one.deleted else shown(one.type, one.doc, pairs) for one in found[:count]]
    cursor = _closed(last) if last else ""
    seen = tuple({one.subject for one in found[:count] if one.subject is not None})
    return Reply(200, bundles.history(base, "/".join(steps), kept, found[:count], docs, cursor), seen=seen)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise Malformed(f"_count is a whole number above 0, not {text!r}", where="_count")
    return min(int(text), _MOST)


def _span(parameters: dict[str, str]) -> Span:
    since = _range("_since", parameters["_since"])[0] if parameters.get("_since") else None
    start, end = _range("_at", parameters["_at"]) if parameters.get("_at") else (None, None)
    return Span(since, start, end)


def _range(name: str, text: str) -> tuple[datetime, datetime]:
    # A plus sign of a zone that was not escaped arrives as a blank.
    found = date_range(text.replace(" ", "+"))
    try:
        low, high = (_EPOCH + timedelta(microseconds=micros) for micros in found or ())
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{name} is a date or an instant, not {text!r}", where=name) from error
    return low, high


def _closed(one: Stored) -> str:
    return base64.urlsafe_b64encode(f"{one.updated.isoformat()} {one.pk} {one.version}".encode()).decode()


def _opened(cursor: str) -> tuple[datetime, int, int]:
    try:
        moment, pk, version = base64.urlsafe_b64decode(cursor).decode().split(" ")
        opened = datetime.fromisoformat(moment), int(pk), int(version)
    except (ValueError, binascii.Error) as error:
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    if opened[0].tzinfo is None or not 0 <= opened[1] < 2**63 or not 0 <= opened[2] < 2**31:
        raise Malformed("the link to the next page is damaged", where="_cursor")
    return opened
