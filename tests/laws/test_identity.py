"""Identity laws: arrival doesn't matter, and a merge taken back leaves no trace."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tracker_core.identity import world
from tracker_core import identity
from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.history import open_change_set
from tracker_core.identity import PatientFacts

NID, PASSPORT = "urn:example:nid", "urn:example:passport"
relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = st.integers(1, 5)
cards = st.lists(
    st.tuples(
        numbers.map(lambda n: (NID, f"AB-{n}")) | st.none(), numbers.map(lambda n: (PASSPORT, f"P-{n}")) | st.none()
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def scratch(database_url: str) -> Iterator[Session]:
    """A session whose every example is rolled back."""
    with psycopg.connect(database_url) as connection:
        identity.trust(connection, [NID, PASSPORT])
        connection.commit()
        yield connection


def arrive(session: Session, batches: list[list[tuple[int, tuple[object, ...]]]]) -> set[frozenset[int]]:
    """Assign in this order; return which records are one person, open suspicions counted as yes."""
    context = open_change_set(session, "test")
    owner: dict[int, int] = {}
    for batch in batches:
        facts = [PatientFacts(n, identifiers=tuple(i for i in ids if i)) for n, ids in batch]  # type: ignore[misc]
        owner |= dict(zip((n for n, _ in batch), identity.assign(session, context, facts), strict=True))
    for original, duplicate in session.execute("select original, duplicate from potential_duplicate").fetchall():
        keep, drop = owner_root(owner, original), owner_root(owner, duplicate)
        owner = {n: keep if person == drop else person for n, person in owner.items()}
        owner[-duplicate] = keep
    groups: dict[int, set[int]] = {}
    for n, person in owner.items():
        if n > 0:
            groups.setdefault(person, set()).add(n)
    session.rollback()
    return {frozenset(group) for group in groups.values()}


def owner_root(owner: dict[int, int], person: int) -> int:
    """The person that `person` was folded into."""
    return owner.get(-person, person)


@relaxed
@given(cards=cards, data=st.data())
def test_order_and_batching_of_arrival_do_not_matter(
    scratch: Session, cards: list[tuple[object, ...]], data: st.DataObject
) -> None:
    """The same records in another order, one by one or together, end in the same groups."""
    numbered = list(enumerate(cards, 1))
    shuffled = data.draw(st.permutations(numbered))
    assert arrive(scratch, [numbered]) == arrive(scratch, [[one] for one in shuffled])


@relaxed
@given(merges=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6))
def test_merges_taken_back_restore_everything(scratch: Session, merges: list[tuple[int, int]]) -> None:
    """Any sequence of merges, undone from the last to the first, leaves every row as it was."""
    scratch.rollback()
    context = open_change_set(scratch, "test")
    program = world.add_metadata(scratch, context, "programs")
    name = PatientFacts(0, family="Amongi", given="Stella", birth_date="2000-10-10")
    people = identity.assign(
        scratch,
        context,
        [PatientFacts(n, family=name.family, given=name.given, birth_date=name.birth_date) for n in range(1, 6)],
    )
    for n, person in enumerate(people, 1):
        world.add_record(scratch, context, n, person)
        world.add_enrollment(scratch, context, person, program)
        world.add_relationship(scratch, context, program, person, people[0])
        world.add_attribute(scratch, context, person, program, f"value {n % 2}")
    before = world.snapshot(scratch)
    done = []
    for survivor, loser in merges:
        try:
            done.append(identity.merge(scratch, context, people[survivor], people[loser]))
        except Conflict:
            continue
    for merge in reversed(done):
        identity.unmerge(scratch, context, merge)
    assert world.snapshot(scratch) == before
