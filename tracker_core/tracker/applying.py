"""The import: load -> resolve -> validate -> write, as sets, in one pass over a whole change set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

from psycopg.errors import DeadlockDetected, UniqueViolation

from tracker_core import metadata
from tracker_core.access import Actor
from tracker_core.changes import ChangeSet
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.issues import Issue, Outcome
from tracker_core.tracker.loading import load
from tracker_core.tracker.naming import name_by_uid
from tracker_core.tracker.resolving import (
    resolve_enrollments,
    resolve_entities,
    resolve_events,
    resolve_relationships,
)
from tracker_core.tracker.rows import AnyItem
from tracker_core.tracker.validation import validate
from tracker_core.tracker.world import World, begin
from tracker_core.tracker.writing import Items, Touched, write

_I = TypeVar("_I", bound=AnyItem)
_TRIES = 3


@dataclass(slots=True)
class Applied:
    """What an import did: an outcome per item in document order (entities, enrollments, events, relationships), every
    issue (`Finding`s, with kind, uid and arguments), and what was written, cascaded deletions included.

    `seconds` tells how long each part of it took, under the names that DHIS2 gives them.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def apply(session: Session, context: Context, changes: ChangeSet, actor: Actor | None = None) -> Applied:
    """Write the tracker items of `changes` (DHIS2 Web API 2.42, "Tracker import"); other kinds are not looked at.

    With `actor`, what that user may not write is refused; without, the hub itself acts and may do everything.

    Objects are known by uid; those without get one. With `atomic` any error leaves everything as it was; without,
    what is right is written. What does not differ from what is stored is `unchanged` and leaves no trace.
    A concurrent import that was first (same uid, same unique value) is seen as stored: the import starts over.
    Raises `Conflict` when that happens again and again.
    """
    if not (changes.entities or changes.enrollments or changes.events or changes.relationships):
        return Applied()
    for _ in range(_TRIES):
        try:
            with session.transaction():
                return _apply(session, context, changes, actor)
        except (UniqueViolation, DeadlockDetected):
            continue
    raise Conflict("the same objects are being changed by others; nothing was stored")


def _apply(session: Session, context: Context, changes: ChangeSet, actor: Actor | None) -> Applied:
    begun = perf_counter()
    known = metadata.load(session)
    name_by_uid(session, known, changes)
    world = begin(known, context, changes, actor)
    load(session, world, changes)
    loaded = perf_counter()
    items = Items(
        _checked(world, changes, resolve_entities),
        _checked(world, changes, resolve_enrollments),
        _checked(world, changes, resolve_events),
        _checked(world, changes, resolve_relationships),
    )
    checked = perf_counter()
    every = items.all()
    refused = [finding for item in every for finding in item.findings]
    applied = Applied(issues=[*refused, *(warning for item in every for warning in item.warnings)])
    done: dict[int, str] = {}
    stored = not refused or not (changes.atomic or world.stopped)
    if stored:
        applied.touched = write(session, world, items.good())
        done = {touched.pk: touched.action for touched in applied.touched}
    ended = perf_counter()
    parts = (("preheat", loaded - begun), ("validation", checked - loaded), ("commit", ended - checked))
    applied.seconds = dict((*parts, ("totalImport", ended - begun)))
    applied.outcomes = [_outcome(item, done, stored) for item in every]
    return applied


def _checked(world: World, changes: ChangeSet, resolve: Callable[[World, ChangeSet], list[_I]]) -> list[_I]:
    """Resolve and validate one kind; parents come first, so that children see what became of them."""
    items = resolve(world, changes)
    validate(world, items, changes.validation)
    return items


def _outcome(item: AnyItem, done: dict[int, str], stored: bool) -> Outcome:
    where = item.change.where
    if item.findings or not stored or (item.kind == "relationship" and item.step == "update"):
        return Outcome(item.kind, item.row.uid, "ignored", where=where)
    if item.step == "create":
        return Outcome(item.kind, item.row.uid, "created", where=where)
    if item.step == "delete":
        return Outcome(item.kind, item.row.uid, "deleted", where=where)
    return Outcome(item.kind, item.row.uid, "updated" if item.row.pk in done else "unchanged", where=where)
