"""Bundles of what was found, put together from stored bytes."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.fhir import outcomes
from tracker_core.records import Page, Stored
from tracker_core.records.terms import instant


def searchset(base: str, path: str, pairs: Sequence[tuple[str, str]], page: Page, docs: Sequence[bytes]) -> bytes:
    """Return a page as a searchset; `docs` are the matches as they are to be shown, `base` ends without a slash."""
    entries = [_found(base, one, doc, b"match") for one, doc in zip(page.matches, docs, strict=True)]
    entries += [_found(base, one, one.doc, b"include") for one in page.includes]
    if page.issues:
        outcome = outcomes.outcome(page.issues)
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome)
    address = f"{base}/{path}" if path else base
    kept = [pair for pair in pairs if pair[0] != "_cursor"]
    links = [_link("self", address, pairs)]
    beside = (("next", page.next), ("previous", page.previous))
    links += [_link(name, address, [*kept, ("_cursor", cursor)]) for name, cursor in beside if cursor]
    return _bundle(b"searchset", page.total, links, entries)


def history(
    base: str,
    path: str,
    pairs: Sequence[tuple[str, str]],
    versions: Sequence[Stored],
    docs: Sequence[bytes],
    cursor: str,
) -> bytes:
    """Return versions, newest first, as a history bundle; `docs` are their documents as they are to be shown.

    `cursor` leads to older ones, if any.
    """
    links = [_link("self", f"{base}/{path}", pairs)]
    if cursor:
        kept = [pair for pair in pairs if pair[0] != "_cursor"]
        links.append(_link("next", f"{base}/{path}", [*kept, ("_cursor", cursor)]))
    return _bundle(b"history", None, links, [_version(base, one, doc) for one, doc in zip(versions, docs, strict=True)])


def _bundle(kind: bytes, total: int | None, links: list[dict[str, str]], entries: Sequence[bytes]) -> bytes:
    count = b'"total":%d,' % total if total is not None else b""
    found = b',"entry":[%b]' % b",".join(entries) if entries else b""
    return b'{"resourceType":"Bundle","type":"%b",%b"link":%b%b}' % (kind, count, orjson.dumps(links), found)


def _link(relation: str, address: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    query = urlencode(pairs)
    return {"relation": relation, "url": f"{address}?{query}" if query else address}


def entry(base: str, one: Stored, search: dict[str, Any]) -> bytes:
    """Return a record as an entry of a searchset with these words on how it was found (R4 Bundle.entry.search)."""
    url = f"{base}/{one.reference}".encode()
    return b'{"fullUrl":"%b","resource":%b,"search":%b}' % (url, one.doc, orjson.dumps(search))


def _found(base: str, one: Stored, doc: bytes, mode: bytes) -> bytes:
    url = f"{base}/{one.reference}".encode()
    return b'{"fullUrl":"%b","resource":%b,"search":{"mode":"%b"}}' % (url, doc, mode)


def _version(base: str, one: Stored, doc: bytes) -> bytes:
    method = "DELETE" if one.deleted else "POST" if one.version == 1 else "PUT"
    status = "204 No Content" if one.deleted else "201 Created" if one.version == 1 else "200 OK"
    tail = {
        "request": {"method": method, "url": one.type if method == "POST" else one.reference},
        "response": {"status": status, "etag": etag(one), "lastModified": instant(one.updated)},
    }
    resource = b"" if one.deleted else b'"resource":' + doc + b","
    return b'{"fullUrl":"%b",%b%b' % (f"{base}/{one.reference}".encode(), resource, orjson.dumps(tail)[1:])


def etag(one: Stored) -> str:
    """Return the weak ETag of a version (R4 3.1.0.1.3)."""
    return f'W/"{one.version}"'
