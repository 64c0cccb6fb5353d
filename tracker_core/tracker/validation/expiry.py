"""Checks of until when events may be written; who has F_EDIT_EXPIRED is bound by none of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias

from tracker_core import periods
from tracker_core.metadata import Program
from tracker_core.tracker.rows import EventItem
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]


def not_long_completed(item: EventItem, world: World) -> Found:
    """E1043: a completed event is written until `completeEventsExpiryDays` after its completion."""
    program = _binding(item, world)
    if program is None or not program.complete_expiry_days:
        return ()
    grace = timedelta(days=program.complete_expiry_days)
    states = [state for state in (item.old, item.row) if state and state.status == "COMPLETED" and state.completed_at]
    expired = any(s.completed_at and s.completed_at + grace < world.context.at for s in states)
    return [(item.row.uid,)] if expired else ()


def has_some_date(item: EventItem, world: World) -> Found:
    """E1046: where periods expire, an event has a date or a due date."""
    program, row = _binding(item, world), item.row
    undated = program and _expires(program) and row.occurred_at is None and row.scheduled_at is None
    return [(row.uid,)] if undated and not item.findings else ()


def in_open_period(item: EventItem, world: World) -> Found:
    """E1047: an event's period is open until `expiryDays` after its last day."""
    program, moment = _binding(item, world), item.row.occurred_at or item.row.scheduled_at
    if program is None or moment is None or not _expires(program):
        return ()
    last = periods.containing(program.expiry_period, moment.date()).end + timedelta(days=program.expiry_days)
    return [(item.row.uid,)] if last < world.context.at.date() else ()


def _binding(item: EventItem, world: World) -> Program | None:
    """Return the program where its expiry binds the actor."""
    return item.program if world.actor is not None and not world.actor.may("F_EDIT_EXPIRED") else None


def _expires(program: Program) -> bool:
    return bool(program.expiry_days) and program.expiry_period in periods.TYPES
