"""What is new in an OpenMRS: its Atom feeds (module atomfeed), followed entry by entry from page 1.

A feed names what changed, in the order of its commits and without looking at any clock; the thing itself is asked for
by REST as it is now. Pages that are full never change, so a feed is followed by page and entry (RFC 4287, RFC 5005).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from adapters.calling import call
from adapters.contract import Envelope, Pulled
from adapters.openmrs.shapes import SHAPES
from tracker_core.context import Peer
from tracker_core.errors import Malformed, NotFound, Unsupported

_ATOM = "{http://www.w3.org/2005/Atom}"
_UUID = re.compile(r"/([0-9A-Za-z-]{36,38})(?:[/?]|\Z)")
_TYPES = {"patient": "Patient", "encounter": "Encounter"}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a feed: (entry id, uuid of what changed or nothing), oldest first; the number of the next page."""

    entries: list[tuple[str, str]]
    following: int | None


def pull(peer: Peer, cursor: dict[str, Any], ours: Callable[[Sequence[str]], set[str]]) -> Iterator[Pulled]:
    """Yield the patients and encounters that changed, each as it is now; `feeds` of the setting `pull` chooses.

    The cursor is, per feed, the page and the entry that was dealt with last. What the hub wrote itself is passed over.
    Raises Unavailable when the server is away, Unsupported when it has no such feed or lets nobody in.
    """
    told = peer.settings.get("pull")
    feeds = told.get("feeds", list(SHAPES)) if isinstance(told, dict) else list(SHAPES)
    for feed in feeds:
        if feed not in SHAPES:
            raise Unsupported(f"the feed {feed} of {peer.code} is not followed: {', '.join(SHAPES)} are")
        for pulled in _follow(peer, feed, cursor.get(feed, {}), ours):
            cursor = {**cursor, feed: pulled.cursor}
            yield Pulled(pulled.raw, cursor, pulled.envelope)


def _follow(peer: Peer, feed: str, at: dict[str, Any], ours: Callable[[Sequence[str]], set[str]]) -> Iterator[Pulled]:
    number, last = int(at.get("page", 1)), at.get("entry")
    while True:
        page = _page(peer, feed, number)
        entries = _after(page.entries, last)
        skipped = {name.partition("/")[2] for name in ours([f"{_TYPES[feed]}/{uuid}" for _, uuid in entries if uuid])}
        for place, (entry, uuid) in enumerate(entries):
            # Of several entries about one thing the last one counts: it is asked for as it is now.
            again = any(uuid == later for _, later in entries[place + 1 :])
            raw = b"" if not uuid or uuid in skipped or again else _fetch(peer, feed, uuid)
            yield Pulled(
                raw, {"page": number, "entry": entry}, Envelope("application/json", parameters={"resource": feed})
            )
        if page.following is None:
            return
        number, last = page.following, None


def _after(entries: list[tuple[str, str]], last: str | None) -> list[tuple[str, str]]:
    """Return the entries behind `last`; all of them when the page does not hold it."""
    places = [place for place, (entry, _) in enumerate(entries) if entry == last]
    return entries[places[-1] + 1 :] if places else entries


def _page(peer: Peer, feed: str, number: int) -> Page:
    response = call(peer, "GET", f"ws/atomfeed/{feed}/{number}", headers={"accept": "application/atom+xml"})
    if response.status_code == 404 and number == 1:
        return Page([], None)
    if not response.is_success:
        raise Unsupported(f"{peer.code} answered {response.status_code} for its feed {feed}")
    try:
        root = etree.fromstring(response.content, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Malformed(f"the feed {feed} of {peer.code} is no XML: {error}") from error
    entries = [
        (entry.findtext(f"{_ATOM}id") or "", _uuid(entry.findtext(f"{_ATOM}content") or ""))
        for entry in root.iterfind(f"{_ATOM}entry")
    ]
    links = {link.get("rel"): link.get("href") or "" for link in root.iterfind(f"{_ATOM}link")}
    following = urlsplit(links.get("next-archive", "")).path.rpartition("/")[2]
    return Page(entries, int(following) if following.isdigit() else None)


def _uuid(content: str) -> str:
    found = _UUID.search(content.strip())
    return found[1] if found else ""


def _fetch(peer: Peer, resource: str, uuid: str) -> bytes:
    """Return a resource as it is now, voided ones too; nothing when it is gone for good."""
    parameters = {"v": SHAPES[resource], "includeAll": "true"}
    response = call(peer, "GET", f"ws/rest/v1/{resource}/{uuid}", parameters=parameters)
    if response.status_code in (404, 410):
        return b""
    if response.status_code in (401, 403):
        raise NotFound(f"{peer.code} does not show {resource} {uuid}: {response.status_code}")
    if not response.is_success:
        raise Unsupported(f"{peer.code} answered {response.status_code} for {resource} {uuid}")
    return response.content
