"""What to read of an object, and what reading shares."""

from dataclasses import dataclass, field
from typing import Any, Optional

from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker.visibility import Sight

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts to read: each costs a query. `enrollments` and `events` say what is read of those below.

    `stamps` tells who set each data value and when; `people` names users. `sides` are read of what relationships tie;
    without it a side is a uid. `deleted` includes softly deleted parts. `people` and `sides` count at the top only.
    """

    attributes: bool = True
    owners: bool = False
    enrollments: Optional["Parts"] = None
    events: Optional["Parts"] = None
    data: bool = True
    stamps: bool = True
    relationships: bool = False
    sides: Optional["Parts"] = None
    people: bool = True
    deleted: bool = False


@dataclass(slots=True)
class Reader:
    """One reading. `waiting` are sides of relationships, (kind, pk, where the document goes); `sides` those read."""

    session: Session
    metadata: Metadata
    sight: Sight | None
    waiting: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    sides: list[Document] = field(default_factory=list)
