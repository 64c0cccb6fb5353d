"""A merge moves everything and forgets nothing."""

import pytest

from tests.tracker_core.identity import world
from tracker_core import identity
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict, NotFound
from tracker_core.history import open_change_set
from tracker_core.identity import PatientFacts
from tracker_core.identity.merging import move_records


def people(session: Session, context: Context, count: int) -> list[int]:
    """Persons alike enough to be suspected, each with a Patient record 1, 2, 3 …"""
    persons = identity.assign(
        session,
        context,
        [
            PatientFacts(n, family="Okot", given="Peter", birth_date="1970-07-07", sex="male")
            for n in range(1, count + 1)
        ],
    )
    for n, person in enumerate(persons, 1):
        world.add_record(session, context, n, person)
    return persons


def test_merge_moves_everything_and_unmerge_restores_it(session: Session) -> None:
    """Records, enrollments, events, relationships, attributes, suspicions: all there, then all back."""
    context = open_change_set(session, "test")
    survivor, loser, third = people(session, context, 3)
    program = world.add_metadata(session, context, "programs")
    phone, name = (world.add_metadata(session, context, "trackedEntityAttributes") for _ in range(2))
    enrollment, event = world.add_enrollment(session, context, loser, program)
    world.add_relationship(session, context, program, loser, third)
    world.add_relationship(session, context, program, third, loser)
    world.add_attribute(session, context, survivor, name, "Okot")
    world.add_attribute(session, context, loser, name, "Okott")
    world.add_attribute(session, context, loser, phone, "0772123456", key="0772123456")
    before = world.snapshot(session)

    merge = identity.merge(session, context, survivor, loser)

    assert identity.merges_of(session, survivor) == [merge]
    after = world.snapshot(session)
    assert (loser, True, True, survivor) in after["tracked_entity"]
    assert after["record"] == [(1, survivor), (2, survivor), (3, third)]
    assert (after["enrollment"], after["event"]) == ([(enrollment, survivor)], [(event, survivor)])
    assert (survivor, program) in {row[:2] for row in after["program_owner"]}
    assert {row[1:] for row in after["relationship"]} == {(survivor, third, False), (third, survivor, False)}
    assert {row[1:] for row in after["attribute_value"] if row[0] == survivor} == {
        (name, "Okot", None),
        (phone, "0772123456", "0772123456"),
    }
    assert {row[3] for row in after["attribute_value"] if row[0] == loser} == {None}
    assert [row[1:] for row in after["potential_duplicate"] if row[3] == "OPEN"] != []
    assert (survivor, loser, "MERGED") in {row[1:] for row in after["potential_duplicate"]}

    assert identity.unmerge(session, context, merge) == loser
    assert world.snapshot(session) == before
    assert identity.merges_of(session, survivor) == []
    actions = session.execute("select action from change where target = %s order by id", (loser,)).fetchall()
    assert [row[0] for row in actions] == ["create", "merge", "unmerge"]


def test_relationships_that_would_be_double_are_one(session: Session) -> None:
    """Both knew the same third person: one relationship is left; the others, also between the two, come back later."""
    context = open_change_set(session, "test")
    survivor, loser, third = people(session, context, 3)
    type = world.add_metadata(session, context, "relationshipTypes")
    for source, target in ((survivor, third), (loser, third), (survivor, loser), (loser, survivor)):
        world.add_relationship(session, context, type, source, target)
    before = world.snapshot(session)
    merge = identity.merge(session, context, survivor, loser)
    live = [row[1:3] for row in world.snapshot(session)["relationship"] if not row[3]]
    assert live == [(survivor, third)]
    identity.unmerge(session, context, merge)
    assert world.snapshot(session) == before


def test_other_suspicions_follow_the_survivor(session: Session) -> None:
    """A pair with the loser becomes a pair with the survivor, unless that one is filed already."""
    context = open_change_set(session, "test")
    third = identity.assign(
        session,
        context,
        [PatientFacts(9, family="Okot", given="Peter", birth_date="1970-07-07")],
    )[0]
    survivor, loser = people(session, context, 2)
    session.execute("delete from potential_duplicate where duplicate = %s and original = %s", (survivor, third))
    identity.merge(session, context, survivor, loser)
    rows = session.execute("select original, duplicate, status from potential_duplicate order by status").fetchall()
    assert rows == [(survivor, loser, "MERGED"), (third, survivor, "OPEN")]


def test_later_data_follows_the_link_and_returns_with_its_record(session: Session) -> None:
    """After a merge the loser's records lead to the survivor; undone, what they brought since goes back with them."""
    identity.trust(session, ["urn:nid"])
    context = open_change_set(session, "test")
    survivor, loser = identity.assign(
        session, context, [PatientFacts(n, identifiers=(("urn:nid", f"N-{n}"),)) for n in (1, 2)]
    )
    for n, person in ((1, survivor), (2, loser)):
        world.add_record(session, context, n, person)
    merge = identity.merge(session, context, survivor, loser)

    again = PatientFacts(2, previous=loser, identifiers=(("urn:nid", "N-2"),))
    another = PatientFacts(3, identifiers=(("urn:nid", "N-2"),))
    assert identity.assign(session, context, [again, another]) == [survivor, survivor]
    world.add_record(session, context, 4, survivor, refers=2)
    world.add_record(session, context, 5, survivor, refers=1)
    program = world.add_metadata(session, context, "programs")
    _, event = world.add_enrollment(session, context, survivor, program, origin=4)

    identity.unmerge(session, context, merge)
    assert dict(world.snapshot(session)["record"]) == {1: survivor, 2: loser, 4: loser, 5: survivor}
    assert world.snapshot(session)["event"] == [(event, loser)]


def test_moving_records_leaves_the_person_to_its_other_sources(session: Session) -> None:
    """One source joins two of its records: only what that source said of the loser moves."""
    context = open_change_set(session, "test")
    survivor, loser = people(session, context, 2)
    world.add_record(session, context, 10, loser, refers=2)
    world.add_record(session, context, 11, loser)
    before = world.snapshot(session)
    merge = move_records(session, context, [2], survivor, loser)
    assert dict(world.snapshot(session)["record"]) == {1: survivor, 2: survivor, 10: survivor, 11: loser}
    assert (loser, False, False, None) in world.snapshot(session)["tracked_entity"]
    identity.unmerge(session, context, merge)
    assert world.snapshot(session) == before


def test_chains_of_merges_come_apart_in_reverse_order(session: Session) -> None:
    """Of c into b into a, the older merge is undone only after the newer; naming the loser means the survivor."""
    context = open_change_set(session, "test")
    a, b, c = people(session, context, 3)
    before = world.snapshot(session)
    inner = identity.merge(session, context, b, c)
    outer = identity.merge(session, context, a, c)
    assert dict(world.snapshot(session)["record"]) == {1: a, 2: a, 3: a}
    with pytest.raises(Conflict):
        identity.merge(session, context, a, b)
    with pytest.raises(Conflict):
        identity.unmerge(session, context, inner)
    identity.unmerge(session, context, outer)
    identity.unmerge(session, context, inner)
    assert world.snapshot(session) == before


def test_a_merge_of_nobody_is_refused(session: Session) -> None:
    """Unknown persons and merges are not found; an undone merge cannot be undone again."""
    context = open_change_set(session, "test")
    survivor, loser = people(session, context, 2)
    with pytest.raises(NotFound):
        identity.merge(session, context, survivor, 999_999)
    with pytest.raises(NotFound):
        identity.unmerge(session, context, 999_999)
    merge = identity.merge(session, context, survivor, loser)
    (uid,) = session.execute("select uid from potential_duplicate").fetchall()[0]
    with pytest.raises(Conflict):
        identity.dismiss(session, uid)
    with pytest.raises(NotFound):
        identity.dismiss(session, "nobodyknows")
    identity.unmerge(session, context, merge)
    with pytest.raises(Conflict):
        identity.unmerge(session, context, merge)
