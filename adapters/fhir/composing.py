"""`Composition/$document`: a Composition and all it refers to as one document (FHIR R4 3.3, Composition operations)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import orjson

from adapters.fhir.replies import Conditions, Pairs, Reply
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import NotFound, TooCostly, Unsupported
from tracker_core.records import Stored, documents, forms
from tracker_core.records.terms import instant

_DEEP = 4
_MOST = 2_000


def document(session: Session, base: str, steps: Sequence[str], pairs: Pairs, _conditions: Conditions) -> Reply:
    """Return the document of one Composition: it comes first, then what it refers to, then what that refers to.

    References are followed four deep, to 2,000 records at most; what is not here is left to its reference. Raises
    `NotFound`, `TooCostly` for a larger document, `Unsupported` for `persist=true`: post the Bundle to keep it.
    """
    if dict(pairs).get("persist") == "true":
        raise Unsupported("a document is not kept here: post the Bundle", where="persist")
    key = ("Composition", steps[1])
    first = records.read(session, [key]).get(key)
    if first is None or first.deleted:
        raise NotFound(f"there is no Composition/{steps[1]}")
    found = _closure(session, first)
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid4()}"},
        "type": "document",
        "timestamp": instant(datetime.now(UTC)),
    }
    entries = [b'{"fullUrl":"%b","resource":%b}' % (f"{base}/{one.reference}".encode(), one.doc) for one in found]
    body = orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"
    seen = tuple({one.subject for one in found if one.subject is not None})
    return Reply(200, body, seen=seen)


def _closure(session: Session, first: Stored) -> list[Stored]:
    found = {(first.type, first.id): first}
    wave = [first]
    for _ in range(_DEEP):
        texts = [text for one in wave for *_, text in documents.references(one.doc)]
        wanted = dict.fromkeys(form for text in texts if (form := forms.target(text)) and form not in found)
        got = records.read(session, list(wanted)) if wanted else {}
        wave = [got[key] for key in wanted if key in got and not got[key].deleted]
        found |= {(one.type, one.id): one for one in wave}
        if len(found) > _MOST:
            raise TooCostly(f"the document would have more than {_MOST} records")
    return list(found.values())
