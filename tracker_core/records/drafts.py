"""A change on its way into the store: parsed, checked, and filled in step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.issues import Issue, Outcome
from tracker_core.records import documents, validation
from tracker_core.records.definitions import resource_types
from tracker_core.records.entries import Entries
from tracker_core.records.extraction import extract


@dataclass(frozen=True, slots=True)
class Head:
    """The row of a record as it is before the change. Version 0 means that it is only referred to so far."""

    pk: int
    type: int
    id: str
    version: int
    updated: datetime
    deleted: bool
    subject: int | None
    source: int | None

    @property
    def live(self) -> bool:
        """Whether the record can be read."""
        return not self.deleted


@dataclass(slots=True)
class Draft:
    """One record to write. `raw` and `view` are its document as bytes and parsed (floats: for indexing only).

    `head` is the record it replaces, `same` another draft that stands for the same record, `doc` what will be stored,
    `before` what is stored now. `action` stays empty until it is known what becomes of the draft. A merge that could
    stand for itself is `whole`. `entries` are what it is found by, once `extracted`. It is written under `context`.
    """

    change: RecordChange
    type: int
    raw: bytes
    view: dict[str, Any]
    context: Context
    id: str = ""
    pk: int = 0
    head: Head | None = None
    same: "Draft | None" = None
    action: str = ""
    version: int = 0
    subject: int | None = None
    doc: bytes = b""
    before: bytes = b""
    updated: datetime | None = None
    whole: bool = False
    entries: Entries = field(default_factory=Entries)
    extracted: bool = False

    @property
    def reference(self) -> str:
        """How others refer to the record."""
        return f"{self.change.type}/{self.id}"

    @property
    def sender(self) -> int | None:
        """The peer (id) whose message the change came with."""
        return self.context.peer.id if self.context.peer else None

    @property
    def writes(self) -> bool:
        """Whether a new version is to be stored."""
        return self.action in ("created", "updated", "deleted")

    @property
    def outcome(self) -> Outcome:
        """What became of the change."""
        done = self.same or self
        action: Any = self.action or "ignored"
        return Outcome(self.change.type, done.id, action, done.version, self.change.where, done.updated)


def read_drafts(changes: Sequence[RecordChange], context: Context) -> tuple[list[Draft], list[Issue]]:
    """Return a draft for each change whose document can be stored, and what is wrong with the others."""
    drafts: list[Draft] = []
    issues: list[Issue] = []
    for change in changes:
        found = _form_issues(change)
        draft = None
        if not found:
            draft, found = _read(change, context)
        issues += found
        if draft is not None and not any(i.severity == "error" for i in found):
            drafts.append(draft)
    return drafts, issues


def _form_issues(change: RecordChange) -> list[Issue]:
    where = change.where or change.type
    if change.type not in resource_types():
        return [Issue("not-supported", f"R4 has no resource type {change.type}", where=where, value=change.type)]
    if change.id and not validation.is_id(change.id):
        return [Issue("value", "an id has 1 to 64 letters, digits, '-' and '.'", where=where, value=change.id)]
    return []


def _read(change: RecordChange, context: Context) -> tuple[Draft | None, list[Issue]]:
    number = resource_types()[change.type]
    if change.method in ("delete", "retract") or change.edit:
        return Draft(change, number, b"", {}, context, id=change.id), []
    where = change.where or change.type
    partial = change.method == "merge"
    try:
        raw = documents.encode(change.document)
        if partial and isinstance(change.document, dict) and any(word in raw for word in _HUSKS):
            raw = documents.encode(documents.partial(change.document, change.type))
        view = orjson.loads(raw)
    except ValueError as error:
        return None, [Issue("structure", f"the document is no JSON: {error}", where=where)]
    if _has_nul(raw, view):
        return None, [Issue("value", "a text has a NUL character", where=where)]
    draft = Draft(change, number, raw, view, context, id=change.id)
    issues = _document_issues(draft, where, partial)
    if not partial and not issues:
        extract_entries(draft)
    # What is required is asked of the merged document, and so is everything that a draft was not found whole in.
    draft.whole = partial and not issues and not any(word in raw for word in _HUSKS) and "resourceType" in view
    return draft, [issue for issue in issues if not (partial and issue.code == "required")]


_HUSKS = (b"null", b"{}", b"[]")


def extract_entries(draft: Draft) -> None:
    """Compute the index entries while the parsed document is at hand; few are looked at again."""
    draft.extracted = True
    draft.entries = extract(draft.change.type, draft.view)
    if draft.change.type not in _KEPT:
        draft.view = {}


# Identity, the places where persons are at home, search parameters of one's own and subscriptions read whole documents.
_KEPT = ("Patient", "Organization", "SearchParameter", "Subscription", "Basic")


def _has_nul(raw: bytes, view: Any) -> bool:
    return b"\\u0000" in raw and _holds_nul(view)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    return any(map(_holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


def _document_issues(draft: Draft, where: str, partial: bool) -> list[Issue]:
    view: Any = draft.view
    type_ = draft.change.type
    if not isinstance(view, dict):
        return [Issue("structure", "a resource is a JSON object", where=where)]
    if view.get("resourceType", type_ if partial else None) != type_:
        return [Issue("structure", f"resourceType is not {type_}", where=where, value=str(view.get("resourceType")))]
    if draft.change.method == "put" and draft.id and view.get("id", draft.id) != draft.id:
        return [Issue("value", "the resource's id is not the one it is put to", where=where, value=str(view["id"]))]
    if not partial:
        return validation.check(type_, view, where)
    return validation.check(type_, documents.prune(view) if any(word in draft.raw for word in _HUSKS) else view, where)


def recheck(draft: Draft) -> list[Issue]:
    """Check a document that was merged from two, or edited, and read it anew.

    Its index entries are computed when it turns out to be another one than is stored.
    """
    draft.view, draft.extracted = orjson.loads(draft.raw), False
    where = draft.change.where or draft.change.type
    if _has_nul(draft.raw, draft.view):
        return [Issue("value", "a text has a NUL character", where=where)]
    view: Any = draft.view
    if draft.change.edit and isinstance(view, dict) and view.get("id") != draft.id:
        return [Issue("value", "a record keeps its id", where=f"{where}.id", value=str(view.get("id")))]
    return _document_issues(draft, where, partial=False)
