"""The tracker's objects as rows, metadata named by uid; and items: one change beside the state before and after it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from tracker_core.changes import EnrollmentChange, EntityChange, EventChange, RelationshipChange
from tracker_core.issues import Issue
from tracker_core.metadata import EntityType, OrgUnit, Program, RelationshipType, Stage

Kind: TypeAlias = Literal["trackedEntity", "enrollment", "event", "relationship"]
Step: TypeAlias = Literal["create", "update", "delete"]

C = TypeVar("C")
R = TypeVar("R")


@dataclass(slots=True)
class Entity:
    """A tracked entity. `attributes` are its stored values by attribute uid. `pk` is 0 until it is written."""

    uid: str
    type: str = ""
    org_unit: str = ""
    inactive: bool = False
    potential_duplicate: bool = False
    geometry: Any = None
    created_at_client: datetime | None = None
    updated_at_client: datetime | None = None
    deleted: bool = False
    pk: int = 0
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Enrollment:
    """An enrollment; `entity` is the uid of its tracked entity."""

    uid: str
    entity: str = ""
    program: str = ""
    org_unit: str = ""
    status: str = "ACTIVE"
    enrolled_at: datetime | None = None
    occurred_at: datetime | None = None
    completed_at: datetime | None = None
    completed_by: str | None = None
    follow_up: bool = False
    geometry: Any = None
    notes: list[dict[str, Any]] = field(default_factory=list)
    created_at_client: datetime | None = None
    updated_at_client: datetime | None = None
    origin: int | None = None
    deleted: bool = False
    pk: int = 0


@dataclass(slots=True)
class Event:
    """An event; `enrollment` is empty for event programs. `data` is data element uid -> value."""

    uid: str
    enrollment: str = ""
    program: str = ""
    stage: str = ""
    org_unit: str = ""
    status: str = "ACTIVE"
    occurred_at: datetime | None = None
    scheduled_at: datetime | None = None
    completed_at: datetime | None = None
    completed_by: str | None = None
    attribute_option_combo: str | None = None
    assigned_user: str | None = None
    geometry: Any = None
    notes: list[dict[str, Any]] = field(default_factory=list)
    created_at_client: datetime | None = None
    updated_at_client: datetime | None = None
    origin: int | None = None
    deleted: bool = False
    pk: int = 0
    data: dict[str, str] = field(default_factory=dict)
    provided_elsewhere: list[str] | None = None


@dataclass(slots=True)
class Relationship:
    """A relationship; each side is `(kind, uid)`."""

    uid: str
    type: str = ""
    source: tuple[str, str] = ("", "")
    target: tuple[str, str] = ("", "")
    created_at_client: datetime | None = None
    deleted: bool = False
    pk: int = 0


@dataclass(frozen=True, slots=True)
class Finding(Issue):
    """An issue of a tracker object: which one, and the arguments of the code's message."""

    kind: Kind = "trackedEntity"
    uid: str = ""
    args: tuple[str, ...] = ()


@dataclass(slots=True)
class Item(Generic[C, R]):
    """One change of a change set: what it asks for, the row it makes, and the row that is stored (`old`), if any.

    `findings` keep it from being written, `warnings` don't.
    """

    kind: Kind
    change: C
    row: R
    old: R | None
    step: Step
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class EntityItem(Item[EntityChange, Entity]):
    """A change of a tracked entity, with its metadata where that was found."""

    type: EntityType | None = None
    unit: OrgUnit | None = None


@dataclass(slots=True)
class EnrollmentItem(Item[EnrollmentChange, Enrollment]):
    """A change of an enrollment, with its metadata and its entity where they were found."""

    program: Program | None = None
    unit: OrgUnit | None = None
    entity: Entity | None = None


@dataclass(slots=True)
class EventItem(Item[EventChange, Event]):
    """A change of an event, with its metadata and its enrollment where they were found."""

    program: Program | None = None
    stage: Stage | None = None
    unit: OrgUnit | None = None
    enrollment: Enrollment | None = None


@dataclass(slots=True)
class RelationshipItem(Item[RelationshipChange, Relationship]):
    """A change of a relationship, with its type where that was found."""

    type: RelationshipType | None = None


AnyItem: TypeAlias = EntityItem | EnrollmentItem | EventItem | RelationshipItem
