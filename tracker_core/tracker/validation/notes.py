"""The check of notes, on enrollments and on events alike."""

from collections.abc import Sequence
from typing import TypeAlias

from tracker_core.tracker.rows import EnrollmentItem, EventItem
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]


def are_new(item: EnrollmentItem | EventItem, world: World) -> Found:
    """E1119: a note is written once; one whose uid exists is left out, and said so."""
    held = {note["note"] for note in item.old.notes} if item.old else set()
    given = (note.get("note") for note in item.change.fields.get("notes") or ())
    return [(uid,) for uid in given if uid and (uid in held or uid in world.notes)]
