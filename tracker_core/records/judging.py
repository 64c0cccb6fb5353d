"""Documents judged before they are stored: refused, or marked as not valid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from tracker_core.issues import Issue
from tracker_core.records import documents
from tracker_core.records.drafts import Draft, extract_entries

# The tag of what was stored though it is not valid
INVALID = ("urn:tracker-hub:validation", "invalid")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one document. Errors among `issues` refuse it; with `marked` set it carries the tag `INVALID`,
    or no longer carries it."""

    issues: list[Issue] = field(default_factory=list)
    marked: bool | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A document to be judged, as it will be stored but for its version; `where` is its place in the message."""

    type: str
    document: bytes
    where: str


Judge = Callable[[Sequence[Subject]], list[Judgement]]
_UNJUDGED = ("delete", "retract")


def judge_drafts(drafts: Sequence[Draft], judge: Judge | None) -> tuple[list[Issue], set[int]]:
    """Let `judge` look at what is to be written, and mark it; return its issues and the `id()`s of drafts refused."""
    wanted = [d for d in drafts if not d.action and d.change.method not in _UNJUDGED] if judge else []
    if judge is None or not wanted:
        return [], set()
    found = judge([Subject(d.change.type, d.raw, d.change.where or d.change.type) for d in wanted])
    issues: list[Issue] = []
    refused: set[int] = set()
    for draft, judgement in zip(wanted, found, strict=True):
        issues += judgement.issues
        if any(one.severity == "error" for one in judgement.issues):
            refused.add(id(draft))
        if judgement.marked is not None:
            _mark(draft, judgement.marked)
    return issues, refused


def _mark(draft: Draft, wanted: bool) -> None:
    raw = documents.tagged(draft.raw, *INVALID, wanted)
    if raw != draft.raw:
        draft.raw = raw
        draft.view = orjson.loads(raw)
        extract_entries(draft)
