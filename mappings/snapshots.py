"""Snapshots: repeating segments that are all a sender says of a person or a visit: what is not told any more goes.

HL7 v2.9, 2.10.4: in snapshot mode a list replaces the one before; no segment at all changes nothing; one segment of
nothing but `""` says that the list is empty; a segment with an action code speaks of itself only.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mappings.er7 import NULL, Message, get
from mappings.keys import Draft, identifier_tokens
from mappings.places import Doc
from mappings.structure import Feed
from tracker_core.changes import RecordChange

# Segments that may carry an action code, and its field: add, delete, update.
ACTIONS = {"DG1": 21, "IAM": 6}
# What a record that was taken back needs when it is told again.
TOLD_AGAIN: dict[str, Doc] = {
    "AllergyIntolerance": {"verificationStatus": None},
    "Condition": {"verificationStatus": None},
    "Coverage": {"status": "active"},
    "RelatedPerson": {"active": True},
}


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One segment of a snapshot: its line, the record of which it is told, and its own; None for an empty list."""

    feed: Feed
    outer: Draft
    draft: Draft | None


def is_empty_list(segment: Sequence[str]) -> bool:
    """Tell whether a segment deletes everything: every field it fills, its number aside, is `""`."""
    filled = [text for text in segment[2:] if text]
    return bool(filled) and all(text == NULL for text in filled)


def revive(lists: Iterable[Listed]) -> None:
    """Let what the lists tell be true again, should it have been taken back before."""
    for listed in lists:
        if listed.draft is not None:
            for name, value in TOLD_AGAIN.get(listed.draft.type, {}).items():
                listed.draft.doc.setdefault(name, value)


def retractions(lists: Iterable[Listed], message: Message) -> Iterator[RecordChange]:
    """Yield for each list that the sender's other records of that kind are said no more."""
    told: set[str] = set()
    for listed in lists:
        feed, number = listed.feed, next(identifier_tokens(listed.outer.doc), "")
        segment = feed.table.heading.partition(":")[0]
        action = ACTIONS.get(segment, 0)
        if feed.snapshot is None or not number or any(get(one, action) for one in message.all(segment) if action):
            continue
        query = f"{feed.snapshot.text.partition('=')[0]}:{feed.snapshot.target}.identifier={number}"
        query += feed.among.query if feed.among else ""
        if f"{feed.type}?{query}" not in told:
            told.add(f"{feed.type}?{query}")
            yield RecordChange(feed.type, {}, "retract", match=(query,), where=segment)
