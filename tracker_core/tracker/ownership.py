"""Who owns a tracked entity within a program (Web API 2.42, "Access control, ownership, break the glass").

One org unit owns each (tracked entity, program): that of the first enrollment, until it is transferred. Access to what
is captured in the program follows the owner, never the org unit of the single enrollment or event. Of an (entity,
program) without an owner, as before the first enrollment, the registering unit stands in.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.history import Change, note_changes
from tracker_core.metadata import Metadata

GRANTED_FOR = timedelta(hours=3)
DENIED = {"PROTECTED": "OWNERSHIP_ACCESS_DENIED", "CLOSED": "PROGRAM_ACCESS_CLOSED"}

Scope: TypeAlias = Literal["search", "capture"]
Pair: TypeAlias = tuple[int, int]


def scope_of(access_level: str) -> Scope:
    """Return in which of a user's org unit scopes the owner must lie for full access to a program of this level.

    Into a PROTECTED program a grant that still holds (`granted`) is the other way.
    """
    return "search" if access_level in ("OPEN", "AUDITED") else "capture"


def claim(session: Session, context: Context, enrolled: Sequence[tuple[int, int, int]]) -> None:
    """Make org units owners: each of `enrolled` is (entity, program, org unit), by pk. Who owns already stays."""
    if not enrolled:
        return
    session.execute(
        "insert into program_owner (entity, program, org_unit, created, updated, updated_in)"
        " select a.entity, a.program, a.org_unit, %s, %s, %s"
        " from unnest(%b::bigint[], %b::bigint[], %b::bigint[]) as a (entity, program, org_unit)"
        " on conflict (entity, program) do nothing",
        (context.at, context.at, context.change_set, *([row[column] for row in enrolled] for column in range(3))),
    )


def owners(session: Session, entities: Iterable[int]) -> dict[Pair, int]:
    """Return the owning org units (pks) of these tracked entities by (entity, program)."""
    rows = session.execute(
        "select entity, program, org_unit from program_owner where entity = any(%b) order by entity, created, program",
        (list(entities),),
    )
    return {(entity, program): unit for entity, program, unit in rows}


def transfer(session: Session, context: Context, known: Metadata, pair: Pair, org_unit: int) -> bool:
    """Make `org_unit` the owner of (entity, program), and log it; return False when nobody has owned the pair so far.

    Whether the caller may do so, and whether the program is offered there, has been checked. The entity counts as
    updated: what leaves or enters a user's sight must be synchronised anew.
    """
    entity, program = pair
    before = session.execute(
        "select org_unit from program_owner where entity = %s and program = %s for update", pair
    ).fetchone()
    if before is None:
        return False
    session.execute(
        "update program_owner set org_unit = %s, updated = %s, updated_in = %s where entity = %s and program = %s",
        (org_unit, context.at, context.change_set, entity, program),
    )
    session.execute(
        "update tracked_entity set updated = %s, updated_in = %s where pk = %s",
        (context.at, context.change_set, entity),
    )
    delta = {f"programOwners.{known.uids[program]}": [known.uids[before[0]], known.uids[org_unit]]}
    note_changes(session, context, [Change("tracked_entity", entity, "update", entity, delta)])
    return True


def grant(session: Session, context: Context, pair: Pair, reason: str) -> datetime:
    """Give the acting user access to one (entity, program) for `GRANTED_FOR`; return when it ends.

    The row stays as the log of who looked, when and why.
    """
    until = context.at + GRANTED_FOR
    session.execute(
        "insert into program_access (entity, program, username, reason, at, until) values (%s, %s, %s, %s, %s, %s)",
        (*pair, context.actor, reason, context.at, until),
    )
    return until


def granted(session: Session, username: str, entities: Iterable[int]) -> set[Pair]:
    """Return to which (entity, program) of these entities `username` has access just now by a grant."""
    rows = session.execute(
        "select distinct entity, program from program_access"
        " where username = %s and until > now() and entity = any(%b)",
        (username, list(entities)),
    )
    return {(entity, program) for entity, program in rows}


def note_reads(session: Session, username: str, program: int, entities: Iterable[int]) -> None:
    """Log that `username` read these entities of an AUDITED program whose owner is outside of the capture units."""
    session.execute(
        "insert into program_access (entity, program, username, at) select unnest(%b::bigint[]), %s, %s, now()",
        (list(entities), program, username),
    )
