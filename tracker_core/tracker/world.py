"""What an import knows: the metadata, and every stored object that its changes name or lean on."""

from dataclasses import dataclass, field

from tracker_core.access import Actor
from tracker_core.changes import ChangeSet, Strategy
from tracker_core.context import Context
from tracker_core.metadata import Metadata
from tracker_core.tracker.rows import Enrollment, Entity, Event, Kind, Relationship


@dataclass(slots=True)
class World:
    """Loaded once per import, by uid. Rows that the import makes join `entities`, `enrollments` and `events`.

    `stored` names what the database held before; `enrolled` the live enrollments per (entity, program) as
    (uid, status); `held` the live events per (enrollment, stage) of stages that do not repeat; `taken` who owns a
    unique value; `named` what items of this import were about so far; `failed` what of it will not be written;
    `usernames` maps what values and assignments say of users, name or uid, to the user name; `aliases` an enrollment's
    proposed uid to the uid of the one that its origin made already.

    `actor` is whose rights are checked, None for who may do everything. For the actor's sake the world knows the
    `owners` (org units) of stored entities per program, what access was `granted` for a time, and which enrollments
    have live events (`eventful`). `notes` are the uids of notes that other objects have. `files` gives the
    media type of each file that exists, `claimed` the value (uid of its object, field) that a file belongs to.
    `foreign` are (attribute, value) that a pattern did not make and nobody reserved.
    `stopped` once an import that is to fail fast has failed.
    """

    metadata: Metadata
    context: Context
    strategy: Strategy
    entities: dict[str, Entity] = field(default_factory=dict)
    enrollments: dict[str, Enrollment] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    relationships: dict[str, Relationship] = field(default_factory=dict)
    stored: set[tuple[Kind, str]] = field(default_factory=set)
    enrolled: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    held: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    linked: dict[tuple[str, tuple[str, str], tuple[str, str]], str] = field(default_factory=dict)
    taken: dict[tuple[str, str], str] = field(default_factory=dict)
    named: set[tuple[Kind, str]] = field(default_factory=set)
    failed: set[tuple[Kind, str]] = field(default_factory=set)
    usernames: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    actor: Actor | None = None
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    granted: set[tuple[str, str]] = field(default_factory=set)
    eventful: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    claimed: dict[str, tuple[str, str]] = field(default_factory=dict)
    foreign: set[tuple[str, str]] = field(default_factory=set)
    stopped: bool = False

    def row(self, kind: str, uid: str) -> Entity | Enrollment | Event | None:
        """Return the object that one side of a relationship names, stored or made by this import, unless deleted."""
        found: Entity | Enrollment | Event | None = None
        if kind == "trackedEntity":
            found = self.entities.get(uid)
        elif kind == "enrollment":
            found = self.enrollments.get(uid)
        elif kind == "event":
            found = self.events.get(uid)
        return None if found is None or found.deleted else found

    def subject_of(self, kind: str, uid: str) -> int | None:
        """Return the pk of the tracked entity that an object belongs to; None for events of event programs."""
        row = self.row(kind, uid)
        if isinstance(row, Event):
            row = self.enrollments.get(row.enrollment)
        if isinstance(row, Enrollment):
            row = self.entities.get(row.entity)
        return row.pk if row else None

    def restore(self, old: Entity | Enrollment | Event | Relationship | None) -> None:
        """Put back the stored row of an object whose change failed."""
        if isinstance(old, Entity):
            self.entities[old.uid] = old
        elif isinstance(old, Enrollment):
            self.enrollments[old.uid] = old
        elif isinstance(old, Event):
            self.events[old.uid] = old


def begin(metadata: Metadata, context: Context, changes: ChangeSet, actor: Actor | None = None) -> World:
    """Return a world in which nothing is loaded yet."""
    limited = actor if actor is not None and not actor.superuser else None
    return World(metadata, context, changes.strategy, actor=limited)
