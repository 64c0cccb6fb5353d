"""What to find. Metadata and objects are named by uid; an empty text or list is no condition.

Spans are half-open, `[from, before)`, either end may be None. `order` holds (property or uid, descending).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from tracker_core.tracker.filters import Filter

Mode = Literal["SELECTED", "CHILDREN", "DESCENDANTS", "ACCESSIBLE", "CAPTURE", "ALL"]
MODES: tuple[Mode, ...] = ("SELECTED", "CHILDREN", "DESCENDANTS", "ACCESSIBLE", "CAPTURE", "ALL")
AssigneeMode = Literal["ALL", "CURRENT", "PROVIDED", "NONE", "ANY"]
Span: TypeAlias = tuple[datetime | None, datetime | None]
EVER: Span = (None, None)
Order: TypeAlias = Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Place:
    """Which org units: `units` with the first three modes, the user's own with the others."""

    mode: Mode = "ACCESSIBLE"
    units: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Assignees:
    """To whom an event is assigned; `users` go with PROVIDED."""

    mode: AssigneeMode = "ALL"
    users: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Tracked entities. What is asked of enrollments (status to `occurred`) and of events (stage on) goes with program.

    `event_status` and `event_occurred` are of one and the same event, in `stage` and with `assignees` where given.
    """

    uids: Sequence[str] = ()
    place: Place = Place()
    program: str = ""
    type: str = ""
    status: str = ""
    follow_up: bool | None = None
    enrolled: Span = EVER
    occurred: Span = EVER
    stage: str = ""
    event_status: str = ""
    event_occurred: Span = EVER
    assignees: Assignees = Assignees()
    updated: Span = EVER
    attributes: Sequence[Filter] = ()
    potential_duplicate: bool | None = None
    deleted: bool = False
    order: Order = ()


@dataclass(frozen=True, slots=True)
class EnrollmentQuery:
    """Enrollments."""

    uids: Sequence[str] = ()
    place: Place = Place()
    program: str = ""
    type: str = ""
    entity: str = ""
    status: str = ""
    follow_up: bool | None = None
    enrolled: Span = EVER
    updated: Span = EVER
    deleted: bool = False
    order: Order = ()


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Events of tracker and event programs; the enrollment's conditions are met by tracker events only.

    `option_combo` is the uid of an attribute option combo.
    """

    uids: Sequence[str] = ()
    place: Place = Place()
    program: str = ""
    stage: str = ""
    entity: str = ""
    enrollments: Sequence[str] = ()
    status: str = ""
    enrollment_status: str = ""
    follow_up: bool | None = None
    occurred: Span = EVER
    scheduled: Span = EVER
    updated: Span = EVER
    enrolled: Span = EVER
    enrollment_occurred: Span = EVER
    assignees: Assignees = Assignees()
    option_combo: str = ""
    data: Sequence[Filter] = ()
    attributes: Sequence[Filter] = ()
    deleted: bool = False
    order: Order = ()


@dataclass(frozen=True, slots=True)
class RelationshipQuery:
    """Relationships in which an object, `(kind, uid)`, stands on either side; or those named."""

    uids: Sequence[str] = ()
    side: tuple[str, str] = ("", "")
    deleted: bool = False
    order: Order = ()


Query: TypeAlias = EntityQuery | EnrollmentQuery | EventQuery | RelationshipQuery
