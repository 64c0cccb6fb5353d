"""A merge in which a person chose what moves: the rest goes with the loser, and comes back with it."""

from dataclasses import dataclass
from typing import Any

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.history import Change, note_changes
from tracker_core.identity import moving


@dataclass(frozen=True, slots=True)
class Choice:
    """What moves from the loser, by pk. Of an attribute that both have the loser's value wins."""

    attributes: frozenset[int] = frozenset()
    enrollments: frozenset[int] = frozenset()
    relationships: frozenset[int] = frozenset()


def pick(session: Session, context: Context, survivor: int, loser: int, choice: Choice) -> dict[str, Any]:
    """Delete of the loser what was not chosen and return what moves, as a merge remembers it; records always move."""
    owned = moving.owned(session, loser)
    enrollments = sorted(choice.enrollments & set(owned["enrollment"]))
    lacking = set(moving.lacking(session, survivor, loser))
    return {
        "record": owned["record"],
        "enrollment": enrollments,
        "event": _events_of(session, enrollments),
        "sides": [side for side in moving.sides(session, loser) if side[0] in choice.relationships],
        "twins": [],
        "left": _leave(session, context, loser, choice),
        "attributes": sorted(choice.attributes & lacking),
        "replaced": _replace(session, context, survivor, loser, sorted(choice.attributes - lacking)),
    }


def bring_back(session: Session, survivor: int, loser: int, moved: dict[str, Any]) -> None:
    """Take back what `pick` did beside moving; the survivor's values only where nobody has changed them since."""
    for kind, pks in moved.get("left", {}).items():
        session.execute(f"update {kind} set deleted = false where pk = any(%b)", (pks,))
    replaced = moved.get("replaced", [])
    session.execute(
        """update attribute_value s set value = o.value, folded = o.folded, unique_key = o.key
        from unnest(%b::bigint[], %b::text[], %b::text[], %b::text[]) as o (attribute, value, folded, key),
            attribute_value l
        where s.entity = %s and s.attribute = o.attribute
            and l.entity = %s and l.attribute = o.attribute and l.value = s.value""",
        (*([row[column] for row in replaced] for column in range(4)), survivor, loser),
    )


def _events_of(session: Session, enrollments: list[int]) -> list[int]:
    rows = session.execute("select pk from event where enrollment = any(%b) order by pk", (enrollments,))
    return [row[0] for row in rows]


def _leave(session: Session, context: Context, loser: int, choice: Choice) -> dict[str, list[int]]:
    """Delete the loser's enrollments, their events, and relationships that were not chosen; return them by kind."""
    stamp = (context.at, context.change_set)
    left: dict[str, list[int]] = {}
    for kind, condition, kept in (
        ("relationship", "%s in (from_pk, to_pk) and not pk = any(%b)", choice.relationships),
        ("event", "entity = %s and not enrollment = any(%b)", choice.enrollments),
        ("enrollment", "entity = %s and not pk = any(%b)", choice.enrollments),
    ):
        rows = session.execute(
            f"update {kind} set deleted = true, updated = %s, updated_in = %s"
            f" where not deleted and {condition} returning pk",
            (*stamp, loser, sorted(kept)),
        )
        left[kind] = sorted(row[0] for row in rows)
    changes = [Change(kind, pk, "delete", loser) for kind, pks in left.items() for pk in pks]
    note_changes(session, context, changes)
    return left


def _replace(session: Session, context: Context, survivor: int, loser: int, attributes: list[int]) -> list[list[Any]]:
    """Let the loser's values of `attributes` stand on the survivor; return the survivor's: attribute, value, …, key."""
    before = session.execute(
        """select s.attribute, s.value, s.folded, s.unique_key from attribute_value s
        join attribute_value l on l.entity = %s and l.attribute = s.attribute and l.value <> s.value
        where s.entity = %s and s.attribute = any(%b) order by s.attribute""",
        (loser, survivor, attributes),
    ).fetchall()
    session.execute(
        """update attribute_value s
        set value = l.value, folded = l.folded, unique_key = null, updated = %s, updated_in = %s
        from attribute_value l where l.entity = %s and l.attribute = s.attribute and s.entity = %s
            and s.attribute = any(%b)""",
        (context.at, context.change_set, loser, survivor, [row[0] for row in before]),
    )
    return [list(row) for row in before]
