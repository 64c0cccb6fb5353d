"""Merging two persons into one, and taking it back."""

from typing import Any

from psycopg.types.json import Jsonb

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict, NotFound
from tracker_core.history import Action, Change, note_changes
from tracker_core.identity import moving, persons
from tracker_core.identity.duplicates import redirect_duplicates, restore_duplicates
from tracker_core.identity.picking import Choice, bring_back, pick


def merge(session: Session, context: Context, survivor: int, loser: int, choice: Choice | None = None) -> int:
    """Make `loser` (a tracked entity's pk) part of `survivor`; return the pk of the merge, by which it is undone.

    Records, enrollments, events, relationships and the attributes that the survivor lacks move over, or of the last
    four only what `choice` names; the loser stays as an inactive, deleted entity that points to the survivor, so that
    everything that still names it follows.
    Raises NotFound for an unknown person, Conflict for two names of one person.
    """
    moving.lock_persons(session, [survivor, loser])
    living = _live(session, [survivor, loser])
    survivor, loser = living[survivor], living[loser]
    if survivor == loser:
        raise Conflict("both are the same person already")
    moved: dict[str, Any] = {
        "whole": True,
        "keys": moving.unique_keys(session, loser),
        **(
            _everything(session, survivor, loser) if choice is None else pick(session, context, survivor, loser, choice)
        ),
        "duplicates": redirect_duplicates(session, context.actor, survivor, loser),
        "inactive": _retire(session, context, survivor, loser),
    }
    moved["owners"] = moving.share_owners(session, context, survivor, loser, moved["enrollment"])
    moving.move(session, context, moved, loser, survivor)
    moving.copy_attributes(session, context, survivor, loser, moved["attributes"])
    moving.hand_files(session, loser, survivor)
    return _remember(session, context, survivor, loser, moved)


def _everything(session: Session, survivor: int, loser: int) -> dict[str, Any]:
    return {
        **moving.owned(session, loser),
        "sides": moving.sides(session, loser),
        "twins": moving.drop_twins(session, survivor, loser),
        "attributes": moving.lacking(session, survivor, loser),
    }


def move_records(session: Session, context: Context, patients: list[int], survivor: int, loser: int) -> int:
    """Move only these Patient records, with what refers to them, from `loser` to `survivor`; return the merge's pk.

    For a sender that joins two of its own records while other sources still know the loser. Enrollments and events
    that came from the moved records go with them.
    """
    moving.lock_persons(session, [survivor, loser])
    moved: dict[str, Any] = {"whole": False, **moving.following(session, loser, patients), "sides": []}
    moved["owners"] = moving.share_owners(session, context, survivor, loser, moved["enrollment"])
    moving.move(session, context, moved, loser, survivor)
    return _remember(session, context, survivor, loser, moved)


def unmerge(session: Session, context: Context, merge: int) -> int:
    """Take back the merge with this pk; return the pk of the person that comes back.

    Everything moved returns, as does what came since for the records that return. What was captured on the survivor
    itself stays. Raises NotFound, or Conflict when it is undone already or the survivor has since been merged away.
    """
    survivor, loser, moved = _standing(session, merge)
    moving.lock_persons(session, [survivor, loser])
    later = moving.following(session, survivor, moved["record"])
    back = moved | {kind: sorted({*moved[kind], *pks}) for kind, pks in later.items()}
    moving.move(session, context, back, survivor, loser)
    moving.withdraw_owners(session, survivor, moved.get("owners", []))
    if moved["whole"]:
        _revive(session, context, survivor, loser, moved)
    session.execute("update merge set undone = true where pk = %s", (merge,))
    return loser


def merges_of(session: Session, person: int) -> list[int]:
    """Return the merges into this person that stand, newest first."""
    found = session.execute(
        "select pk from merge where survivor = %s and not undone order by pk desc", (person,)
    ).fetchall()
    return [row[0] for row in found]


def absorbed(session: Session, loser: int) -> list[int]:
    """Return the records that this person brought into the one it was merged into; none when it stands by itself."""
    row = session.execute(
        "select moved -> 'record' from merge where loser = %s and not undone and (moved ->> 'whole')::bool"
        " order by pk desc limit 1",
        (loser,),
    ).fetchone()
    return list(row[0]) if row else []


def _standing(session: Session, merge: int) -> tuple[int, int, dict[str, Any]]:
    row = session.execute(
        """select m.survivor, m.loser, m.moved, m.undone, t.merged_into from merge m
        join tracked_entity t on t.pk = m.survivor where m.pk = %s for update of m""",
        (merge,),
    ).fetchone()
    if row is None:
        raise NotFound(f"no merge {merge}")
    if row[3]:
        raise Conflict(f"merge {merge} is undone already")
    if row[4] is not None:
        raise Conflict("the survivor has been merged into another person since; undo that merge first")
    return row[0], row[1], row[2]


def _live(session: Session, people: list[int]) -> dict[int, int]:
    """Follow earlier merges to the persons that live, and lock those in order of pk."""
    now = persons.living(session, set(people))
    found = session.execute(
        "select pk from tracked_entity where pk = any(%b) and not deleted order by pk for update",
        (sorted(now.values()),),
    ).fetchall()
    alive = {row[0] for row in found}
    for person in people:
        if now.get(person) not in alive:
            raise NotFound(f"no person {person}")
    return now


def _retire(session: Session, context: Context, survivor: int, loser: int) -> bool:
    """Point the loser to the survivor; return whether it was inactive before."""
    row = session.execute("select inactive from tracked_entity where pk = %s", (loser,)).fetchone()
    session.execute(
        """update tracked_entity set updated = %s, updated_in = %s,
            merged_into = case when pk = %s then %s::bigint end, inactive = inactive or pk = %s, deleted = pk = %s
        where pk in (%s, %s)""",
        (context.at, context.change_set, loser, survivor, loser, loser, survivor, loser),
    )
    _log(session, context, "merge", survivor, loser, [None, survivor])
    return bool(row and row[0])


def _revive(session: Session, context: Context, survivor: int, loser: int, moved: dict[str, Any]) -> None:
    session.execute(
        """update tracked_entity set updated = %s, updated_in = %s,
            merged_into = null, inactive = case when pk = %s then %s else inactive end, deleted = false
        where pk in (%s, %s)""",
        (context.at, context.change_set, loser, moved["inactive"], survivor, loser),
    )
    moving.restore_twins(session, moved["twins"])
    bring_back(session, survivor, loser, moved)
    moving.withdraw_attributes(session, survivor, loser, moved)
    moving.hand_files(session, survivor, loser)
    restore_duplicates(session, moved["duplicates"])
    _log(session, context, "unmerge", survivor, loser, [survivor, None])


def _log(session: Session, context: Context, action: Action, survivor: int, loser: int, bond: list[int | None]) -> None:
    note_changes(
        session,
        context,
        [
            Change("tracked_entity", loser, action, loser, {"mergedInto": bond}),
            Change("tracked_entity", survivor, action, survivor, {"merged": [loser]}),
        ],
    )


def _remember(session: Session, context: Context, survivor: int, loser: int, moved: dict[str, Any]) -> int:
    row = session.execute(
        "insert into merge (survivor, loser, moved, created_in) values (%s, %s, %s, %s) returning pk",
        (survivor, loser, Jsonb(moved), context.change_set),
    ).fetchone()
    assert row is not None
    return int(row[0])
