"""One object by its uid, as one user sees it: found, not there, or refused with the reason (Web API 2.42)."""

from tracker_core import access
from tracker_core.database import Session
from tracker_core.errors import Forbidden, NotFound
from tracker_core.metadata import Program
from tracker_core.tracker import ownership, visibility
from tracker_core.tracker.clauses import all_of, any_of, clause, exists, is_none
from tracker_core.tracker.visibility import TABLES, Kind, Sight

NAMES: dict[Kind, str] = {
    "trackedEntity": "TrackedEntity",
    "enrollment": "Enrollment",
    "event": "Event",
    "relationship": "Relationship",
}
# The types of metadata that a row names, by its column, and what DHIS2 calls them when their data may not be read.
_TYPES = {
    "trackedEntity": (("type", "trackedEntityTypes", "tracked entity type"),),
    "enrollment": (("program", "programs", "program"),),
    "event": (("program", "programs", "program"), ("stage", "programStages", "program stage")),
    "relationship": (("type", "relationshipTypes", "relationship type"),),
}


def find(session: Session, sight: Sight, kind: Kind, uid: str, program: Program | None = None) -> int:
    """Return the pk of a live object that the user may see; of a tracked entity, as one captured in `program`.

    Raises `NotFound`; `Forbidden` with DHIS2's reason: `OWNERSHIP_ACCESS_DENIED`, `PROGRAM_ACCESS_CLOSED`, or which
    metadata is not shared with the user.
    """
    columns = ", ".join(column for column, _, _ in _TYPES[kind])
    row = session.execute(f"select pk, {columns} from {TABLES[kind]} where uid = %s and not deleted", (uid,)).fetchone()
    if row is None:
        raise NotFound(f"{NAMES[kind]} with id {uid} could not be found.")
    for value, (_, type, name) in zip(row[1:], _TYPES[kind], strict=True):
        if value not in sight.reads(type):
            raise Forbidden(f"User has no data read access to {name}: {sight.known.uids[value]}")
    if program is not None and program.pk not in sight.reads("programs"):
        raise Forbidden(f"User has no access to program: {program.uid}")
    if not _is_seen(session, sight, kind, row[0], program):
        raise Forbidden(_denial(session, sight, kind, row, program))
    return int(row[0])


def note_audited(session: Session, sight: Sight, entity: int, program: Program | None) -> None:
    """Log the read of a tracked entity of an AUDITED program that the user reaches through the search units only."""
    if program is None or program.access_level != "AUDITED" or sight.actor.superuser:
        return
    here = visibility.within("o.org_unit", access.paths(sight.actor, "capture"))
    row = session.execute(
        f"select {here.text} from program_owner o where o.entity = %s and o.program = %s",
        (*here.arguments, entity, program.pk),
    ).fetchone()
    if row is not None and not row[0]:
        ownership.note_reads(session, sight.actor.username, program.pk, [entity])


def _is_seen(session: Session, sight: Sight, kind: Kind, pk: int, program: Program | None) -> bool:
    if kind != "trackedEntity" or program is None:
        return bool(visibility.visible(session, sight, kind, [pk]))
    if sight.actor.superuser:
        return True
    pair = clause("o.entity = x.pk and o.program = %s", program.pk)
    seen = any_of(
        exists("program_owner o", all_of(pair, visibility.owned(sight, "o", [program], pinned=True))),
        all_of(
            is_none("program_owner o", pair),
            visibility.within("x.org_unit", visibility.reach(sight, program.access_level)),
        ),
    )
    found = session.execute(
        f"select from tracked_entity x where x.pk = %s and {seen.text}", (pk, *seen.arguments)
    ).fetchone()
    return found is not None


def _denial(session: Session, sight: Sight, kind: Kind, row: tuple[int, ...], program: Program | None) -> str:
    """Say why an object whose metadata the user may read is out of reach."""
    if kind in ("enrollment", "event"):
        program = sight.known.programs.get(sight.known.uids[row[1]])
    if program is not None:
        return ownership.DENIED.get(program.access_level, ownership.DENIED["PROTECTED"])
    if kind != "trackedEntity":
        return "User has no read access to both sides of the relationship"
    programs = {sight.known.uids[pk] for _, pk in ownership.owners(session, [row[0]])}
    levels = {sight.known.programs[uid].access_level for uid in programs if uid in sight.known.programs}
    return ownership.DENIED["CLOSED" if levels == {"CLOSED"} else "PROTECTED"]
