"""What another FHIR server has that is new: search by `_lastUpdated`, page after page, kept as batches of updates.

The peer's setting `pull` is `{"types": ["Patient", "Encounter", …], "every": 60, "overlap": 120, "count": 100}`.
Deletions are not seen by search (R4 3.1.1.4.3).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import orjson
from msgspec import Raw

from adapters.calling import call
from adapters.contract import Envelope, Pulled
from adapters.fhir.foreign import localize
from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unsupported
from tracker_core.records.definitions import resource_types

_TYPES = ("Patient", "Encounter", "Condition", "Observation")
_ACCEPT = {"accept": "application/fhir+json"}
_NEVER = "1900-01-01T00:00:00Z"
_ENVELOPE = Envelope("application/fhir+json", method="POST", target="/fhir")
_BASE_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Found(msgspec.Struct):
    resource: Raw = Raw()


class _Page(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    link: list[_Link] = msgspec.field(default_factory=list)
    entry: list[_Found] = msgspec.field(default_factory=list)


class _Meta(msgspec.Struct, rename="camel"):
    last_updated: str = ""


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    id: str = ""
    meta: _Meta = msgspec.field(default_factory=_Meta)


_page = msgspec.json.Decoder(_Page)
_head = msgspec.json.Decoder(_Head)


def pull(peer: Peer, cursor: dict[str, Any], ours: Callable[[Sequence[str]], set[str]]) -> Iterator[Pulled]:
    """Yield page after page of each type in turn, resources as the server wrote them (see `foreign.localize`).

    The cursor holds, by type, the newest `lastUpdated` seen and, in the middle of a sweep, the link of the next page.
    Raises Unavailable when the server is away, Unsupported when it refuses the search.
    """
    told = peer.settings.get("pull")
    told = told if isinstance(told, dict) else {}
    for type in told.get("types", _TYPES):
        if type not in resource_types():
            raise Unsupported(f"{type} is no type of resource: the setting pull of {peer.code} names it")
        for raw, at in _sweep(peer, type, told, cursor.get(type, {}), ours):
            cursor = {**cursor, type: at}
            yield Pulled(raw, cursor, _ENVELOPE)


def _sweep(
    peer: Peer, type: str, told: dict[str, Any], at: dict[str, Any], ours: Callable[[Sequence[str]], set[str]]
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    since, newest, link = at.get("since", ""), at.get("newest") or at.get("since", ""), at.get("next") or ""
    while True:
        page = _ask(peer, link or _first(type, told, since))
        heads = [(_read_head(peer, one.resource), bytes(one.resource)) for one in page.entry]
        found = [(head, doc) for head, doc in heads if head.resource_type == type and _BASE_ID.match(head.id)]
        newest = max([newest, *(head.meta.last_updated for head, _ in found)], key=_moment)
        known = ours([f"{type}/{head.id}" for head, _ in found]) if found else set()
        raw = _batch(peer, [doc for head, doc in found if f"{type}/{head.id}" not in known])
        link = next((one.url for one in page.link if one.relation == "next"), "")
        if not link:
            yield raw, {"since": newest}
            return
        yield raw, {"since": since, "newest": newest, "next": link}


def _first(type: str, told: dict[str, Any], since: str) -> str:
    parameters = {"_sort": "_lastUpdated", "_count": told.get("count", 100)}
    if since:
        moment = _moment(since) - timedelta(seconds=float(told.get("overlap", 0)))
        parameters["_lastUpdated"] = f"ge{moment.isoformat()}"
    return f"{type}?{urlencode(parameters)}"


def _ask(peer: Peer, url: str) -> _Page:
    response = call(peer, "GET", url, headers=_ACCEPT)
    if not response.is_success:
        raise Unsupported(f"{peer.code} answered {response.status_code} for {urlsplit(url).path}")
    try:
        page = _page.decode(response.content)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed(f"{peer.code} answered no Bundle: {error}") from error
    if page.resource_type != "Bundle":
        raise Malformed(f"{peer.code} answered no Bundle but {page.resource_type or 'something else'}")
    return page


def _read_head(peer: Peer, resource: Raw) -> _Head:
    try:
        return _head.decode(resource)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed(f"{peer.code} answered a Bundle with something that is no resource: {error}") from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text or _NEVER)
    except ValueError as error:
        raise Malformed(f"{text!r} is no instant") from error


def _batch(peer: Peer, found: Sequence[bytes]) -> bytes:
    """Return resources as a batch of updates under the ids they have here; nothing for none."""
    entries = []
    for doc in found:
        here = localize(peer, doc)
        head = _head.decode(here)
        request = orjson.dumps({"method": "PUT", "url": f"{head.resource_type}/{head.id}"})
        entries.append(b'{"resource":%b,"request":%b}' % (here, request))
    return b'{"resourceType":"Bundle","type":"batch","entry":[%b]}' % b",".join(entries) if entries else b""
