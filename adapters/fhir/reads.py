"""Reads over HTTP: read, vread, history and search (FHIR R4 3.1.0.2, 3.1.0.3, 3.1.0.13, 3.1.1)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import parse_qsl

from adapters.fhir import bundles, outcomes
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.records import Stored, documents, validation
from tracker_core.records.definitions import elements, resource_types

Pairs = Sequence[tuple[str, str]]
_DATA = ("text",)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is HTTP."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the caller has already or insists on: If-None-Match, If-Modified-Since, `Prefer: handling=strict`."""

    none_match: str = ""
    modified_since: str = ""
    strict: bool = False


def read(session: Session, base: str, path: str, pairs: Pairs, conditions: Conditions) -> Reply:
    """Answer a GET of `path` below the base: `Patient/1`, `Patient/1/_history/2`, `Patient?…`.

    Raises `NotFound` for what is not there, `Malformed` and `Unsupported` for searches that cannot be run.
    """
    steps = path.split("/")
    if steps[0] not in resource_types():
        raise NotFound(f"R4 has no resource type {steps[0]!r}")
    shape = tuple(step if step.startswith("_") else "*" for step in steps[1:])
    answer = _SHAPES.get(shape)
    if answer is None or not all(validation.is_id(step) for step in steps[1:] if not step.startswith("_")):
        raise NotFound(f"there is nothing at {path}")
    return answer(session, base, steps, pairs, conditions)


def names_one(path: str) -> tuple[str, str] | None:
    """Return type and id when `path` below the base names one record (`Patient/1`), else None."""
    type_, _, id = path.partition("/")
    return (type_, id) if type_ in resource_types() and validation.is_id(id) else None


def headers_of(one: Stored) -> dict[str, str]:
    """Return the headers that come with a version."""
    return {"etag": bundles.etag(one), "last-modified": format_datetime(one.updated.astimezone(UTC), usegmt=True)}


def _read(session: Session, _base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions) -> Reply:
    type_, id = steps
    return shown_one(type_, id, records.read(session, [(type_, id)]).get((type_, id)), pairs, conditions)


def shown_one(type_: str, id: str, found: Stored | None, pairs: Pairs, conditions: Conditions) -> Reply:
    """Answer a read of one record with what was found. Raises `NotFound`."""
    if found is None:
        raise NotFound(f"there is no {type_}/{id}")
    if found.deleted:
        return Reply(410, outcomes.refuse(404, f"{type_}/{id} was deleted")[0], headers_of(found))
    if _has_it(found, conditions):
        return Reply(304, headers=headers_of(found))
    return Reply(200, shown(type_, found.doc, pairs), headers_of(found))


def _has_it(found: Stored, conditions: Conditions) -> bool:
    if conditions.none_match:
        return bundles.etag(found).removeprefix("W/") in conditions.none_match
    try:
        since = parsedate_to_datetime(conditions.modified_since) if conditions.modified_since else None
    except ValueError:
        return False
    return since is not None and since.tzinfo is not None and found.updated.replace(microsecond=0) <= since


def _vread(session: Session, _base: str, steps: Sequence[str], pairs: Pairs, _conditions: Conditions) -> Reply:
    type_, id, _, text = steps
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = records.read_version(session, type_, id, version)
    if found is None:
        raise NotFound(f"there is no version {text} of {type_}/{id}")
    if found.deleted:
        return Reply(410, outcomes.refuse(404, f"version {text} deleted {type_}/{id}")[0], headers_of(found))
    return Reply(200, shown(type_, found.doc, pairs), headers_of(found))


def _history(session: Session, base: str, steps: Sequence[str], pairs: Pairs, _conditions: Conditions) -> Reply:
    type_, id = steps[0], steps[1] if len(steps) == 3 else ""
    parameters = dict(pairs)
    count = _count(parameters.get("_count", "20"))
    before = _opened(parameters["_cursor"]) if "_cursor" in parameters else None
    found = records.versions(session, type_, id, count=count + 1, before=before)
    if id and not found and before is None:
        raise NotFound(f"there is no {type_}/{id}")
    last = found[count - 1] if len(found) > count else None
    cursor = _closed(last) if last else ""
    return Reply(200, bundles.history(base, "/".join(steps), pairs, found[:count], cursor))


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise Malformed(f"_count is a whole number above 0, not {text!r}", where="_count")
    return min(int(text), 1000)


def _closed(one: Stored) -> str:
    return base64.urlsafe_b64encode(f"{one.updated.isoformat()} {one.pk} {one.version}".encode()).decode()


def _opened(cursor: str) -> tuple[datetime, int, int]:
    try:
        moment, pk, version = base64.urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(moment), int(pk), int(version)
    except (ValueError, binascii.Error) as error:
        raise Malformed("the link to the next page is damaged", where="_cursor") from error


def _search(session: Session, base: str, steps: Sequence[str], pairs: Pairs, conditions: Conditions) -> Reply:
    page = records.search(session, steps[0], pairs)
    if conditions.strict and page.issues:
        raise Malformed("; ".join(issue.text for issue in page.issues), where=page.issues[0].where)
    docs = [shown(one.type, one.doc, pairs) for one in page.matches]
    return Reply(200, bundles.searchset(base, steps[0], pairs, page, docs))


def shown(type_: str, doc: bytes, pairs: Pairs) -> bytes:
    """Return a document reduced as `_elements` and `_summary=text|data|true` ask; unreduced it is the stored bytes."""
    parameters = dict(pairs)
    required = {name for name, element in elements(type_).items() if element.required}
    if parameters.get("_elements"):
        return documents.keep(doc, required | set(parameters["_elements"].split(",")))
    summary = parameters.get("_summary")
    if summary == "text":
        return documents.keep(doc, {"text"} | required)
    if summary == "data":
        return documents.drop(doc, _DATA)
    return doc


_SHAPES: dict[tuple[str, ...], Callable[[Session, str, Sequence[str], Pairs, Conditions], Reply]] = {
    (): _search,
    ("*",): _read,
    ("*", "_history"): _history,
    ("*", "_history", "*"): _vread,
    ("_history",): _history,
}


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the decoded parameters of a query in order; stray `&` and `=` are overlooked."""
    return [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key]
