"""Find or make the person behind each Patient record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tracker_core.context import Context
from tracker_core.database import Apart, Session, next_pks
from tracker_core.identity import persons, rows
from tracker_core.identity.duplicates import Suspicion, file_suspicions, suspect
from tracker_core.identity.facts import PatientFacts
from tracker_core.identity.keys import Claim, claim, lock_keys
from tracker_core.identity.likeness import Folded, contradicts


def assign(session: Session, context: Context, patients: list[PatientFacts]) -> list[int]:
    """Return the pk of the person (tracked entity) behind each Patient record, in order.

    A record that has a person keeps it. Else an identifier of a shared system (`trust`) finds the person, unless sex
    or birth date contradict; then, or when nothing is found, a new person is made. Records of one call that share an
    identity share the person, and so do two messages processed at the same time: the second waits for the first to
    commit. Likeness never joins: it files a potential duplicate, as do contradicted and ambiguous identifiers.
    """
    return assign_each(session, [context] * len(patients), patients)


def assign_each(session: Session, contexts: Sequence[Context], patients: list[PatientFacts]) -> list[int]:
    """Return the persons as `assign` does; each record comes under its own context.

    Raises `Apart` when what one context says of persons might be judged by what another one says.
    """
    if not patients:
        return []
    claims = [claim(facts) for facts in patients]
    lock_keys(session, {key for one in claims for key in one.keys})
    settled = _settle(session, claims)
    made = [persons.New(pk, claims[i].facts.org_unit, contexts[i]) for pk, i in settled.made.items()]
    persons.create(session, made)
    changed = rows.remember(session, claims, settled.people)
    if not _are_apart(claims, contexts, changed):
        raise Apart
    owners = {one.facts.record: person for one, person in zip(claims, settled.people, strict=True)}
    noted = dict(zip(settled.people, (context.change_set for context in contexts), strict=True))
    file_suspicions(session, noted, [*settled.suspicions, *suspect(session, changed, owners)])
    return settled.people


def _are_apart(claims: Sequence[Claim], contexts: Sequence[Context], changed: Sequence[Claim]) -> bool:
    """Tell whether each context is judged by what was stored before all of them.

    That is not so where two share an identifier. Of a record that was known before, the former facts are gone by now:
    what is said anew of it goes with nobody else's news.
    """
    holders: dict[int, int] = {}
    owners = {one.facts.record: context.change_set for one, context in zip(claims, contexts, strict=True)}
    if len({owners[one.facts.record] for one in changed}) > 1 and any(one.facts.previous for one in changed):
        return False
    return all(
        holders.setdefault(key, owners[one.facts.record]) == owners[one.facts.record]
        for one in claims
        for key in one.identifiers
    )


@dataclass(slots=True)
class _Settled:
    """The decision: a person per claim, the persons to make (pk -> index of the claim), and what looked odd."""

    people: list[int] = field(default_factory=list)
    made: dict[int, int] = field(default_factory=dict)
    suspicions: list[Suspicion] = field(default_factory=list)


def _settle(session: Session, claims: list[Claim]) -> _Settled:
    shared = rows.shared_systems(session, {system for one in claims for system, _ in one.identifiers.values()})
    trusted = [[key for key, (system, _) in one.identifiers.items() if system in shared] for one in claims]
    known = rows.known_by_key(session, {key for keys in trusted for key in keys})
    previous = persons.living(session, {one.facts.previous for one in claims if one.facts.previous})
    named = persons.by_uid(session, {one.person_uid for one in claims if one.person_uid})
    fresh = iter(next_pks(session, sum(one.facts.previous not in previous for one in claims)))
    settled = _Settled()
    for index, (one, keys) in enumerate(zip(claims, trusted, strict=True)):
        found = {key: known.get(key, []) for key in keys}
        person = previous.get(one.facts.previous or 0) or named.get(one.person_uid) or _choose(one, found)
        if not person:
            person = next(fresh)
            settled.made[person] = index
        settled.people.append(person)
        settled.suspicions.extend(_odd_ones(one, person, found))
        for key in keys:
            known.setdefault(key, []).append(_owned(one.folded, person))
    return settled


def _choose(one: Claim, found: dict[int, list[Folded]]) -> int | None:
    """Return the oldest person that shares an identifier and that nothing contradicts."""
    holders = [holder for others in found.values() for holder in others]
    refused = {holder.person for holder in holders if contradicts(one.folded, holder)}
    return min((holder.person for holder in holders if holder.person not in refused), default=None)


def _odd_ones(one: Claim, person: int, found: dict[int, list[Folded]]) -> Iterator[Suspicion]:
    """Yield a suspicion for every other person that holds one of the record's shared identifiers."""
    for key, holders in found.items():
        for holder in {holder.person: holder for holder in holders}.values():
            if holder.person != person:
                yield Suspicion.of_identifier(_owned(one.folded, person), holder, one.identifiers[key])


def _owned(folded: Folded, person: int) -> Folded:
    return Folded(folded.record, person, folded.family, folded.given, folded.birth_date, folded.sex, folded.phones)
