"""What a merge of a potential duplicate may do: DHIS2's rules for merging by itself, and for what a person chose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracker_core import access
from tracker_core.access import Actor
from tracker_core.database import Session
from tracker_core.identity.reviewing import Pair
from tracker_core.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Belongings:
    """What of one person a merge can move, live only: pks by uid; `programs` of the enrollments, `values` by attribute.

    `links` has (relationship type, from, to) of each relationship, by its uid.
    """

    attributes: dict[str, str] = field(default_factory=dict)
    enrollments: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    @property
    def programs(self) -> set[int]:
        """The programs in which the person is enrolled."""
        return {program for _, program in self.enrollments.values()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person chose to move from the duplicate to the original, by uid."""

    attributes: Sequence[str] = ()
    enrollments: Sequence[str] = ()
    relationships: Sequence[str] = ()


def belongings(session: Session, known: Metadata, person: int) -> Belongings:
    """Return what the tracked entity with this pk has."""
    values = session.execute("select attribute, value from attribute_value where entity = %s", (person,)).fetchall()
    enrollments = session.execute(
        "select uid, pk, program from enrollment where entity = %s and not deleted", (person,)
    ).fetchall()
    links = session.execute(
        "select uid, pk, type, from_pk, to_pk from relationship where not deleted and %s in (from_pk, to_pk)", (person,)
    ).fetchall()
    return Belongings(
        {known.uids[attribute]: value for attribute, value in values},
        {uid: (pk, program) for uid, pk, program in enrollments},
        {uid: (pk, type, source, target) for uid, pk, type, source, target in links},
    )


def why_not_alone(session: Session, known: Metadata, pair: Pair) -> str:
    """Return why the pair cannot be merged without a person's choice; empty when it can."""
    rows = session.execute(
        "select type, deleted from tracked_entity where pk = any(%b)", ([pair.original_pk, pair.duplicate_pk],)
    ).fetchall()
    if len({type for type, _ in rows}) > 1:
        return "Entities have different Tracked Entity Types."
    if any(deleted for _, deleted in rows):
        return "One or both entities have already been marked as deleted."
    original, duplicate = (belongings(session, known, pk) for pk in (pair.original_pk, pair.duplicate_pk))
    if original.programs & duplicate.programs:
        return "Both entities enrolled in the same program."
    if any(original.attributes.get(uid, value) != value for uid, value in duplicate.attributes.items()):
        return "Entities have conflicting values for the same attributes."
    return ""


def why_not_so(known: Metadata, original: Belongings, duplicate: Belongings, chosen: Chosen, pair: Pair) -> str:
    """Return why what was chosen cannot be moved; empty when it can."""
    for kind, given, held in (
        ("attribute", chosen.attributes, duplicate.attributes),
        ("relationship", chosen.relationships, duplicate.links),
        ("enrollment", chosen.enrollments, duplicate.enrollments),
    ):
        if missing := next((uid for uid in given if uid not in held), ""):
            return f"Duplicate has no {kind} '{missing}'."
    for uid in chosen.enrollments:
        if duplicate.enrollments[uid][1] in original.programs:
            return f"Invalid enrollment '{uid}'. A similar enrollment already exists on original."
    for uid in chosen.relationships:
        if uid in original.links:
            return f"Invalid relationship '{uid}'. Relationship is between original and duplicate."
        if _is_there(known, duplicate.links[uid], original.links.values(), pair):
            return f"Invalid relationship '{uid}'. A similar relationship already exists on original."
    return ""


def _is_there(
    known: Metadata, link: tuple[int, int, int, int], others: Iterable[tuple[int, int, int, int]], pair: Pair
) -> bool:
    """Tell whether the original has a relationship like `link` already, once the duplicate is part of it."""
    _, type, source, target = link
    type_ = known.relationship_types.get(known.uids.get(type, ""))
    ends = tuple(pair.original_pk if pk == pair.duplicate_pk else pk for pk in (source, target))
    same = {ends, ends[::-1]} if type_ and type_.bidirectional else {ends}
    return any(other_type == type and (a, b) in same for _, other_type, a, b in others)


def why_forbidden(session: Session, known: Metadata, actor: Actor, pair: Pair, moved: Belongings) -> str:
    """Return what right `actor` lacks to merge the pair and move `moved`; empty when none."""
    if not actor.may("F_TRACKED_ENTITY_MERGE"):
        return "Missing required authority for merging tracked entities."
    rows: list[Any] = session.execute(
        "select type, org_unit from tracked_entity where pk = any(%b)", ([pair.original_pk, pair.duplicate_pk],)
    ).fetchall()
    if not {type for type, _ in rows} <= set(access.data_pks(actor, "trackedEntityTypes", write=True)):
        return "Missing data write access to Tracked Entity Type."
    links = {type for _, type, _, _ in moved.links.values()}
    if not links <= set(access.data_pks(actor, "relationshipTypes", write=True)):
        return "Missing data write access to one or more Relationship Types."
    if not moved.programs <= set(access.data_pks(actor, "programs", write=True)):
        return "Missing data write access to one or more Programs."
    units = [known.org_units[known.uids[unit]] for _, unit in rows]
    if not all(access.in_scope(actor, "capture", unit.path) for unit in units):
        return "Missing access to organisation unit of one or both entities."
    return ""
