"""Which known Patient records may be of somebody: candidates by shared keys, scored, graded, with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tracker_core.database import Session
from tracker_core.identity import persons, rows
from tracker_core.identity.facts import PERSON_SYSTEM, PatientFacts
from tracker_core.identity.keys import Claim, claim
from tracker_core.identity.likeness import REVIEW, Folded, compare, contradicts

# Less likely than this is not worth a look.
POSSIBLE = 0.3

Grade: TypeAlias = Literal["certain", "probable", "possible"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Patient record (pk) and its person; `score` is a probability, `reasons` says per field how it compares.

    `certain` is who shares a trusted identifier that nothing contradicts; likeness alone is `probable` at best.
    """

    record: int
    person: int
    score: float
    grade: Grade
    reasons: dict[str, str]


def candidates(session: Session, wanted: Sequence[PatientFacts], most: int) -> list[list[Candidate]]:
    """Return for each of `wanted` up to `most` Patient records that may be of that person, the likeliest first.

    Candidates share an identifier, a phone, names by spelling or sound, or a birth date; of a key that over 100
    records share, 100 are looked at. Nothing is written.
    """
    claims = [claim(facts) for facts in wanted]
    trusted = rows.shared_systems(session, {system for one in claims for system, _ in one.identifiers.values()})
    named = persons.by_uid(session, {one.person_uid for one in claims if one.person_uid})
    found: list[dict[int, Candidate]] = [{} for _ in claims]
    for place, folded, keys in rows.meeting(session, claims, named):
        one = claims[place]
        shared = [pair for key, pair in one.identifiers.items() if key in keys]
        itself = named.get(one.person_uid) == folded.person
        candidate = _judged(one, folded, shared, trusted, itself=itself)
        if candidate.score >= POSSIBLE:
            found[place][folded.record] = candidate
    return [sorted(each.values(), key=lambda c: (-c.score, c.record))[:most] for each in found]


def _judged(
    wanted: Claim, known: Folded, shared: Sequence[tuple[str, str]], trusted: set[str], *, itself: bool
) -> Candidate:
    likeness = compare(wanted.folded, known)
    reasons = {"identifier": "|".join(shared[0])} | likeness.reasons if shared else likeness.reasons
    sure = any(system in trusted for system, _ in shared) and not contradicts(wanted.folded, known)
    if itself:
        reasons = {"identifier": f"{PERSON_SYSTEM}|{wanted.person_uid}"} | reasons
    if itself or sure:
        return Candidate(known.record, known.person, 1.0, "certain", reasons)
    score = max(likeness.score, REVIEW) if shared else likeness.score
    return Candidate(known.record, known.person, score, "probable" if score >= REVIEW else "possible", reasons)
