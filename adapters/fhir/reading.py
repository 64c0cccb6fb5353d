"""Interactions as record changes (FHIR R4 3.1.0.7 to 3.1.0.11)."""

import re
from collections.abc import Callable
from dataclasses import replace

from adapters.contract import Reading, Sender
from adapters.fhir.messaging import PROCESS
from adapters.fhir.messaging.reading import read_message
from adapters.fhir.patching import read_patch
from adapters.fhir.patients.deciding import read_merge, read_unmerge
from adapters.fhir.requests import Entry, Request, resource_type
from tracker_core.changes import ANY_VERSION, NO_VERSION, ChangeSet, RecordChange
from tracker_core.errors import HubError, wording
from tracker_core.issues import Issue

READS = ("GET", "HEAD")
# Operations that write, by their path below the base: each adds to the reading what its request asks for.
# They are no entries of bundles: the face decides who may do them.
WRITING: dict[str, Callable[[Entry, Reading], None]] = {
    "Patient/$merge": read_merge,
    "Patient/$unmerge": read_unmerge,
    PROCESS: read_message,
}
_ETAG = re.compile(r'\s*(?:W/)?"?(\d+)"?\s*\Z')


def read(request: Request, sender: Sender) -> Reading:
    """Return the changes that the interactions ask for, and issues for those that cannot be done.

    Reads within a bundle change nothing; the face answers them. A transaction with an issue is rejected whole.
    A conditional delete that finds several records deletes them where the peer's setting `conditional_delete` is
    `multiple`, else it is refused.
    """
    several = sender.peer.settings.get("conditional_delete") == "multiple"
    reading = Reading(ChangeSet(atomic=request.interaction != "batch"))
    for entry in request.entries:
        if entry.method in READS:
            continue
        if request.interaction == "single" and entry.target in WRITING:
            WRITING[entry.target](entry, reading)
            continue
        change = _INTERACTIONS.get(entry.method, _unsupported)(entry)
        if isinstance(change, Issue):
            reading.issues.append(change)
        else:
            change.every = several and change.method == "delete" and bool(change.match)
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


def _patch(entry: Entry) -> RecordChange | Issue:
    if not entry.id and not entry.query:
        return Issue("value", "a patch names an id or a search", where=entry.where, value=entry.target)
    try:
        edit = read_patch(entry.resource, entry.content_type)
    except HubError as error:
        place = f"{entry.where}.{error.where}" if error.where else entry.where
        code = "structure" if wording(error).http == 400 else "not-supported"
        return Issue(code, error.detail, where=place)
    match = (entry.query,) if not entry.id else ()
    change = RecordChange(entry.type, b"", "patch", id=entry.id, match=match, where=entry.where, edit=edit)
    return _at_version(change, entry)


def _unsupported(entry: Entry) -> Issue:
    return Issue("not-supported", f"{entry.method} is not offered", where=entry.where, value=entry.method)


_INTERACTIONS: dict[str, Callable[[Entry], RecordChange | Issue]] = {
    "POST": _create,
    "PUT": _update,
    "DELETE": _delete,
    "PATCH": _patch,
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


# What is deleted may be created anew by the same condition.
_KINDS = {"create": ("made",), "put": ("made", "written"), "patch": ("written",), "delete": ("written",)}


def _same_identities(changes: list[RecordChange]) -> list[Issue]:
    """Two entries of a transaction must not be about one resource (R4 3.1.0.11.2): neither is guessed to be meant."""
    seen: set[tuple[str, str]] = set()
    issues = []
    for change in changes:
        name = change.id or "?" + "".join(change.match)
        keys = {(f"{kind} {change.type}", name) for kind in _KINDS[change.method]} | {("fullUrl", change.name or "?")}
        same = sorted(key[1] for key in keys if key[1] != "?" and key in seen)
        if same:
            text = "another entry of the transaction is about the same resource"
            issues.append(Issue("duplicate", text, where=change.where, value=same[0]))
        seen |= keys
    return issues
