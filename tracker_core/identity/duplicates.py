"""Potential duplicates: pairs of persons that a human should look at, with score and reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from tracker_core.database import Session
from tracker_core.errors import Conflict, NotFound
from tracker_core.identity import rows
from tracker_core.identity.keys import Claim
from tracker_core.identity.likeness import REVIEW, Folded, Likeness, compare
from tracker_core.uids import new_uid


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Two persons that may be one, and why. The older one is the original."""

    original: int
    duplicate: int
    score: float
    reasons: dict[str, str]

    @classmethod
    def of(cls, one: Folded, other: Folded, likeness: Likeness) -> "Suspicion":
        """Return the suspicion that two records of different persons give by their likeness."""
        first, second = sorted((one.person, other.person))
        return cls(first, second, likeness.score, likeness.reasons)

    @classmethod
    def of_identifier(cls, one: Folded, other: Folded, identifier: tuple[str, str]) -> "Suspicion":
        """Return the suspicion that one shared identifier on two persons gives."""
        likeness = compare(one, other)
        reasons = {"identifier": "|".join(identifier)} | likeness.reasons
        return cls.of(one, other, Likeness(max(likeness.score, REVIEW), reasons))


def suspect(session: Session, claims: list[Claim], owners: dict[int, int]) -> list[Suspicion]:
    """Compare these records with all that share a key with them; return the pairs alike enough to review."""
    if not claims:
        return []
    mine = {one.facts.record: one.folded for one in claims}
    suspicions = []
    for record, other in rows.blocks(session, claims):
        likeness = compare(mine[record], other)
        if likeness.score >= REVIEW:
            own = Folded(record, owners[record])
            suspicions.append(Suspicion.of(own, other, likeness))
    return suspicions


def file_suspicions(session: Session, sets: Mapping[int, int], suspicions: list[Suspicion]) -> None:
    """Store the strongest suspicion of each pair, in the change set by which one of them was looked at: person -> set.

    What a human has closed stays closed.
    """
    best: dict[tuple[int, int], Suspicion] = {}
    for one in sorted(suspicions, key=lambda each: each.score):
        pair = (one.original, one.duplicate)
        best[pair] = Suspicion(*pair, one.score, best[pair].reasons | one.reasons if pair in best else one.reasons)
    if not best:
        return
    ordered = [best[pair] for pair in sorted(best)]
    session.execute(
        """insert into potential_duplicate (uid, original, duplicate, score, reasons, created_in)
        select uid, original, duplicate, score, reasons, created_in
        from unnest(%b::text[], %b::bigint[], %b::bigint[], %b::real[], %b::jsonb[], %b::bigint[])
            as new (uid, original, duplicate, score, reasons, created_in)
        where not exists (select from potential_duplicate turned
            where turned.original = new.duplicate and turned.duplicate = new.original)
        on conflict (original, duplicate) do update
            set score = excluded.score, reasons = potential_duplicate.reasons || excluded.reasons, updated = now()
            where potential_duplicate.status = 'OPEN' and potential_duplicate.score <= excluded.score""",
        (
            [new_uid() for _ in ordered],
            [one.original for one in ordered],
            [one.duplicate for one in ordered],
            [one.score for one in ordered],
            [Jsonb(one.reasons) for one in ordered],
            [sets.get(one.duplicate, sets.get(one.original)) for one in ordered],
        ),
    )


def dismiss(session: Session, uid: str) -> None:
    """Record that a human looked and these are two persons. Raises NotFound, or Conflict when they are merged."""
    row = session.execute("select status from potential_duplicate where uid = %s for update", (uid,)).fetchone()
    if not row:
        raise NotFound(f"no potential duplicate {uid}")
    if row[0] == "MERGED":
        raise Conflict(f"the persons of potential duplicate {uid} are merged")
    session.execute("update potential_duplicate set status = 'INVALID', updated = now() where uid = %s", (uid,))


def redirect_duplicates(session: Session, username: str, survivor: int, loser: int) -> list[list[Any]]:
    """Close the pair itself; let the loser's other open suspicions name the survivor. Return how they were."""
    found = session.execute(
        """select pk, original, duplicate, status from potential_duplicate
        where %s in (original, duplicate) and status <> 'MERGED' order by pk for update""",
        (loser,),
    ).fetchall()
    session.execute(
        """update potential_duplicate p set status = 'MERGED', updated = now(), updated_by = %(username)s
        where pk = any(%(pks)b) and %(survivor)s in (original, duplicate)""",
        {"pks": [row[0] for row in found], "survivor": survivor, "username": username},
    )
    session.execute(
        """with facing as (
            select pk, case when original = %(loser)s then duplicate else original end as other
            from potential_duplicate where pk = any(%(pks)b) and status <> 'MERGED')
        update potential_duplicate p set original = least(%(survivor)s, facing.other),
            duplicate = greatest(%(survivor)s, facing.other), updated = now()
        from facing where p.pk = facing.pk and not exists (
            select from potential_duplicate q where least(q.original, q.duplicate) = least(%(survivor)s, facing.other)
            and greatest(q.original, q.duplicate) = greatest(%(survivor)s, facing.other))""",
        {"pks": [row[0] for row in found], "survivor": survivor, "loser": loser},
    )
    return [list(row) for row in found]


def restore_duplicates(session: Session, before: list[list[Any]]) -> None:
    """Bring potential duplicates back to what `redirect_duplicates` returned."""
    session.execute(
        """update potential_duplicate p
        set original = b.original, duplicate = b.duplicate, status = b.status, updated = now()
        from unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[]) as b (pk, original, duplicate, status)
        where p.pk = b.pk""",
        (*([row[column] for row in before] for column in range(3)), [row[3] for row in before]),
    )
