"""Interactions as record changes (FHIR R4 3.1.0.7 to 3.1.0.11)."""

import re
from collections.abc import Callable
from dataclasses import replace

from adapters.contract import Reading, Sender
from adapters.fhir.requests import Entry, Request, resource_type
from tracker_core.changes import ANY_VERSION, NO_VERSION, ChangeSet, RecordChange
from tracker_core.issues import Issue

READS = ("GET", "HEAD")
_ETAG = re.compile(r'\s*(?:W/)?"?(\d+)"?\s*\Z')


def read(request: Request, _sender: Sender) -> Reading:
    """Return the changes that the interactions ask for, and issues for those that cannot be done.

    Reads within a bundle change nothing; the face answers them. A transaction with an issue is rejected whole.
    """
    reading = Reading(ChangeSet(atomic=request.interaction != "batch"))
    for entry in request.entries:
        if entry.method in READS:
            continue
        change = _INTERACTIONS.get(entry.method, _unsupported)(entry)
        if isinstance(change, Issue):
            reading.issues.append(change)
        else:
            reading.changes.records.append(change)
    reading.issues += _same_identities(reading.changes.records) if request.interaction == "transaction" else []
    reading.rejected = bool(reading.issues) and reading.changes.atomic
    return reading


def _create(entry: Entry) -> RecordChange | Issue:
    if entry.id or not entry.type:
        return Issue("not-supported", f"nothing can be posted to {entry.target or 'the base'}", where=entry.where)
    return RecordChange(
        _type(entry),
        entry.resource,
        "create",
        name=entry.full_url,
        match=(entry.if_none_exist.lstrip("?"),) if entry.if_none_exist else (),
        where=entry.where,
    )


def _update(entry: Entry) -> RecordChange | Issue:
    if not entry.id and not entry.query:
        return Issue("value", "an update names an id or a search", where=entry.where, value=entry.target)
    change = RecordChange(
        _type(entry),
        entry.resource,
        "put",
        id=entry.id,
        name=entry.full_url,
        match=(entry.query,) if not entry.id else (),
        where=entry.where,
    )
    return _at_version(change, entry)


def _delete(entry: Entry) -> RecordChange | Issue:
    if not entry.id and not entry.query:
        return Issue("value", "a delete names an id or a search", where=entry.where, value=entry.target)
    match = (entry.query,) if not entry.id else ()
    return _at_version(RecordChange(entry.type, b"", "delete", id=entry.id, match=match, where=entry.where), entry)


def _unsupported(entry: Entry) -> Issue:
    return Issue("not-supported", f"{entry.method} is not offered", where=entry.where, value=entry.method)


_INTERACTIONS: dict[str, Callable[[Entry], RecordChange | Issue]] = {
    "POST": _create,
    "PUT": _update,
    "DELETE": _delete,
}


def _type(entry: Entry) -> str:
    """The type that the resource says it has; when the url says another, the store refuses it by name."""
    return entry.type or resource_type(entry.resource)


def _at_version(change: RecordChange, entry: Entry) -> RecordChange | Issue:
    if entry.if_none_match.strip() == "*":
        return replace(change, version=NO_VERSION)
    if not entry.if_match:
        return replace(change, version=ANY_VERSION)
    match = _ETAG.match(entry.if_match)
    if match is None:
        return Issue("version-conflict", "no version of ours has this ETag", where=entry.where, value=entry.if_match)
    return replace(change, version=int(match[1]))


def _same_identities(changes: list[RecordChange]) -> list[Issue]:
    """Two entries of a transaction must not be about one resource (R4 3.1.0.11.2): neither is guessed to be meant."""
    seen: set[tuple[str, str]] = set()
    issues = []
    for change in changes:
        key = (change.type, change.id or "?" + "".join(change.match))
        if key[1] != "?" and key in seen:
            text = "another entry of the transaction is about the same resource"
            issues.append(Issue("duplicate", text, where=change.where, value=key[1]))
        seen.add(key)
    return issues
