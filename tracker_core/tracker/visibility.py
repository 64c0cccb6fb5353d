"""What an actor may read of the tracker, as one condition per kind of object (Web API 2.42, "Access control").

Every read of tracker data for a user goes through these, lists, single objects and nested parts alike. Rows are known
by the alias of their table. What is captured in a program is reached through its owner (`program_owner`): OPEN and
AUDITED programs need the owner within the search or capture units, PROTECTED and CLOSED ones within the capture units;
into a PROTECTED program a grant that still holds is the other way. Data of an event program belongs to its own unit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tracker_core import access, metadata
from tracker_core.access import Actor
from tracker_core.access.loading import highest
from tracker_core.database import Session
from tracker_core.metadata import Metadata, Program
from tracker_core.metadata.compiling import reference
from tracker_core.tracker.clauses import ALWAYS, NEVER, Clause, all_of, any_of, clause, exists, is_none

Kind = Literal["trackedEntity", "enrollment", "event", "relationship"]
TABLES: dict[Kind, str] = {
    "trackedEntity": "tracked_entity",
    "enrollment": "enrollment",
    "event": "event",
    "relationship": "relationship",
}
_BROAD = ("OPEN", "AUDITED")


@dataclass(frozen=True, slots=True)
class Sight:
    """An actor beside the metadata that their rights are about. Who has all `roots` of the org unit tree has it all."""

    known: Metadata
    actor: Actor
    roots: frozenset[str] = frozenset()

    def reads(self, type: str) -> list[int]:
        """Return the pks of those objects of `type` whose data the actor may read."""
        return access.data_pks(self.actor, type)

    def programs(self, *, registration: bool, only: Program | None = None) -> list[Program]:
        """Return the readable tracker programs, or the readable event programs; of one alone when it is given."""
        allowed = set(self.reads("programs"))
        asked = self.known.programs.values() if only is None else (only,)
        return [p for p in asked if p.pk in allowed and p.registration == registration]


def sight_of(session: Session, username: str) -> Sight:
    """Return what `username` sees. Raises `NotFound` for a name that nobody has."""
    roots = frozenset(row[0] for row in session.execute("select path from org_unit where parent is null"))
    return Sight(metadata.load(session), access.load(session, username), roots)


def within(column: str, paths: Iterable[str]) -> Clause:
    """Return whether the org unit whose pk stands in `column` is one of `paths` or below; `/` is everywhere.

    Paths are compared byte by byte and `0` comes right after `/`, so a subtree is one range of the index.
    """
    tops = highest(paths)
    if "/" in tops:
        return ALWAYS
    ranges = any_of(*(clause("(u.path >= %s and u.path < %s)", top, f"{top}0") for top in tops))
    if ranges == NEVER:
        return NEVER
    return Clause(f"{column} in (select u.pk from org_unit u where {ranges.text})", ranges.arguments)


def reach(sight: Sight, access_level: str) -> list[str]:
    """Return the paths of the units within which the owner must lie, for programs of this access level."""
    found = access.paths(sight.actor, "capture")
    if access_level in _BROAD:
        found += access.paths(sight.actor, "search")
    return ["/"] if sight.roots and sight.roots.issubset(found) else found


def entity(sight: Sight, alias: str, program: Program | None = None) -> Clause:
    """Return whether the actor sees a tracked entity; with `program` as one who is captured in it.

    Without: through any readable program that owns it, else, when none does, through the registering unit.
    """
    if sight.actor.superuser:
        return ALWAYS
    if program is not None:
        pair = clause(f"o.entity = {alias}.pk and o.program = %s", program.pk)
        programs = sight.programs(registration=True, only=program)
        return exists("program_owner o", all_of(pair, owned(sight, "o", programs, pinned=True)))
    programs = sight.programs(registration=True)
    mine = clause(f"o.entity = {alias}.pk")
    readable = clause("o.program = any(%b)", [p.pk for p in programs])
    return all_of(
        clause(f"{alias}.type = any(%b)", sight.reads("trackedEntityTypes")),
        any_of(
            exists("program_owner o", all_of(mine, owned(sight, "o", programs))),
            all_of(
                within(f"{alias}.org_unit", reach(sight, "OPEN")),
                is_none("program_owner o", all_of(mine, readable)),
            ),
        ),
    )


def enrollment(sight: Sight, alias: str, program: Program | None = None, at: Clause = ALWAYS) -> Clause:
    """Return whether the actor sees an enrollment; `program` when it is known to be of that one.

    `at` is one more condition on the org unit of its owner, `o.org_unit`.
    """
    programs = sight.programs(registration=True, only=program)
    if sight.actor.superuser:
        seen = ALWAYS
    else:
        types = set(sight.reads("trackedEntityTypes"))
        programs = [p for p in programs if p.entity_type is None or p.entity_type.pk in types]
        seen = owned(sight, "o", programs, pinned=program is not None)
    if seen == ALWAYS and at == ALWAYS:
        return ALWAYS
    same = clause("o.program = %s", program.pk) if program else clause(f"o.program = {alias}.program")
    return exists("program_owner o", all_of(clause(f"o.entity = {alias}.entity"), same, at, seen))


def event(
    sight: Sight, alias: str, program: Program | None = None, at: Clause = ALWAYS, own: Clause = ALWAYS
) -> Clause:
    """Return whether the actor sees an event: program, stage, every category option, and the unit that owns it.

    `at` is one more condition on the unit that owns a tracker event, `o.org_unit`; `own` on the event's own unit, for
    events of event programs.
    """
    if sight.actor.superuser and at == ALWAYS and own == ALWAYS:
        return ALWAYS
    hidden = [] if sight.actor.superuser else hidden_combos(sight)
    return all_of(
        _readable_stage(sight, alias, program),
        clause(f"coalesce({alias}.attribute_option_combo, '') <> all(%b)", hidden) if hidden else ALWAYS,
        any_of(_of_tracker(sight, alias, program, at), all_of(_of_event_program(sight, alias, program), own)),
    )


def _readable_stage(sight: Sight, alias: str, program: Program | None) -> Clause:
    """Return whether a stage is shared with the actor; nothing to ask when all of a known program's are."""
    readable = sight.reads("programStages")
    if program is not None and {stage.pk for stage in program.stages.values()}.issubset(readable):
        return ALWAYS
    return ALWAYS if sight.actor.superuser else clause(f"{alias}.stage = any(%b)", readable)


def relationship(sight: Sight, alias: str) -> Clause:
    """Return whether the actor sees a relationship: its type and both of its sides."""
    if sight.actor.superuser:
        return ALWAYS
    return all_of(
        clause(f"{alias}.type = any(%b)", sight.reads("relationshipTypes")),
        _sees_side(sight, alias, "from"),
        _sees_side(sight, alias, "to"),
    )


def visible(session: Session, sight: Sight, kind: Kind, pks: Sequence[int]) -> set[int]:
    """Return which of these objects the actor sees."""
    wanted = _RULES[kind](sight, "x")
    if wanted == ALWAYS or not pks:
        return set(pks)
    rows = session.execute(
        f"select x.pk from {TABLES[kind]} x where x.pk = any(%b) and {wanted.text}", (list(pks), *wanted.arguments)
    )
    return {row[0] for row in rows}


def captured(session: Session, sight: Sight, program: Program, pks: Sequence[int]) -> set[int]:
    """Return which of these tracked entities the actor sees as captured in `program`."""
    wanted = entity(sight, "x", program)
    rows = session.execute(
        f"select x.pk from tracked_entity x where x.pk = any(%b) and {wanted.text}", (list(pks), *wanted.arguments)
    )
    return {row[0] for row in rows}


def owned(sight: Sight, owner: str, programs: Sequence[Program], *, pinned: bool = False) -> Clause:
    """Return whether a row of `program_owner` is of one of `programs` and lets the actor in.

    `pinned` says that `programs` is one, and that another condition holds the rows to it.
    """
    broad = [p.pk for p in programs if p.access_level in _BROAD]
    narrow = [p.pk for p in programs if p.access_level not in _BROAD]
    shielded = [p.pk for p in programs if p.access_level == "PROTECTED"]
    granted = all_of(
        clause("g.username = %s and g.until > now()", sight.actor.username),
        clause(f"g.entity = {owner}.entity and g.program = {owner}.program"),
    )
    return any_of(
        all_of(_one_of(f"{owner}.program", broad, pinned=pinned), within(f"{owner}.org_unit", reach(sight, "OPEN"))),
        all_of(_one_of(f"{owner}.program", narrow, pinned=pinned), within(f"{owner}.org_unit", reach(sight, "CLOSED"))),
        all_of(_one_of(f"{owner}.program", shielded, pinned=pinned), exists("program_access g", granted)),
    )


def hidden_combos(sight: Sight) -> list[str]:
    """Return the uids of those attribute option combos of which the actor may not read every category option."""
    options = sight.known.objects.get("categoryOptions", {})
    allowed = set(sight.reads("categoryOptions"))
    closed = {uid for uid, option in options.items() if option.pk not in allowed}
    if not closed:
        return []
    return [
        combo.uid
        for combo in sight.known.objects.get("categoryOptionCombos", {}).values()
        if any(reference(option) in closed for option in combo.doc.get("categoryOptions") or ())
    ]


def _of_tracker(sight: Sight, alias: str, program: Program | None, at: Clause) -> Clause:
    if program is not None:
        return enrollment(sight, alias, program, at) if program.registration else NEVER
    seen = enrollment(sight, alias, None, at)
    return clause(f"{alias}.entity is not null") if seen == ALWAYS else seen


def _of_event_program(sight: Sight, alias: str, program: Program | None) -> Clause:
    if program is not None and program.registration:
        return NEVER
    if sight.actor.superuser:
        return ALWAYS if program else clause(f"{alias}.entity is null")
    programs = sight.programs(registration=False, only=program)
    broad = [p.pk for p in programs if p.access_level in _BROAD]
    narrow = [p.pk for p in programs if p.access_level not in _BROAD]
    here, pinned = f"{alias}.org_unit", program is not None
    return any_of(
        all_of(_one_of(f"{alias}.program", broad, pinned=pinned), within(here, reach(sight, "OPEN"))),
        all_of(_one_of(f"{alias}.program", narrow, pinned=pinned), within(here, reach(sight, "CLOSED"))),
    )


def _sees_side(sight: Sight, alias: str, side: str) -> Clause:
    kinds: list[Clause] = []
    for kind in ("trackedEntity", "enrollment", "event"):
        row = all_of(clause(f"side.pk = {alias}.{side}_pk"), _RULES[kind](sight, "side"))
        kinds.append(all_of(clause(f"{alias}.{side}_kind = '{kind}'"), exists(f"{TABLES[kind]} side", row)))
    return any_of(*kinds)


def _one_of(column: str, pks: Sequence[int], *, pinned: bool) -> Clause:
    """Return whether a column holds one of `pks`; when it is pinned to the one there is, it does."""
    if not pks:
        return NEVER
    if pinned:
        return ALWAYS
    return clause(f"{column} = %s", pks[0]) if len(pks) == 1 else clause(f"{column} = any(%b)", list(pks))


_RULES = {"trackedEntity": entity, "enrollment": enrollment, "event": event, "relationship": relationship}
