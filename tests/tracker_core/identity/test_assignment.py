"""Who gets which person: identifiers join, likeness only suggests, and nothing depends on arrival."""

from threading import Thread
from typing import Any

from tracker_core import identity
from tracker_core.context import Context
from tracker_core.database import Pool, Session, next_pks, transaction
from tracker_core.history import open_change_set
from tracker_core.identity import PERSON_SYSTEM, PatientFacts

NID = "urn:example:national-id"


def facts(record: int, number: str = "", **known: Any) -> PatientFacts:
    """A Patient record with a national id, unless that is empty."""
    return PatientFacts(record, identifiers=((NID, number),) if number else (), **known)


def duplicates(session: Session) -> list[tuple[int, int, dict[str, str]]]:
    """The open pairs with their reasons."""
    rows = session.execute("select original, duplicate, reasons from potential_duplicate where status = 'OPEN'")
    return rows.fetchall()


def opened(session: Session) -> Context:
    """A change set, with the national id declared shared."""
    identity.trust(session, [NID])
    return open_change_set(session, "test")


def test_a_shared_identifier_joins_records_of_several_sources(session: Session) -> None:
    """Two records with one national id are one person, whether they come together or apart."""
    context = opened(session)
    first, second = identity.assign(session, context, [facts(1, "AB-1", sex="male"), facts(2, "AB-1")])
    (third,) = identity.assign(session, context, [facts(3, "AB-1", sex="male")])
    assert first == second == third
    assert session.execute("select count(*) from tracked_entity").fetchone() == (1,)
    assert session.execute("select kind, action, subject from change where subject is not null").fetchall() == [
        ("tracked_entity", "create", first)
    ]


def test_an_identifier_of_an_undeclared_system_joins_nobody(session: Session) -> None:
    """A hospital's own number means nothing elsewhere, and a filler never identifies."""
    context = opened(session)
    local = [PatientFacts(n, identifiers=(("urn:hospital:mrn", "17"),)) for n in (1, 2)]
    fillers = [facts(3, "0000"), facts(4, "0000"), facts(5, "N/A"), facts(6, "N/A")]
    assert len(set(identity.assign(session, context, [*local, *fillers]))) == 6


def test_a_record_keeps_its_person(session: Session) -> None:
    """A changed identifier doesn't move a record; that it now names another person is filed."""
    context = opened(session)
    first, second = identity.assign(session, context, [facts(1, "A1"), facts(2, "B2")])
    assert identity.assign(session, context, [facts(2, "A1", previous=second)]) == [second]
    assert [(pair[0], pair[1]) for pair in duplicates(session)] == [(first, second)]


def test_contradicting_demographics_file_a_duplicate_instead(session: Session) -> None:
    """One national id on a man and a woman: two persons, one question."""
    context = opened(session)
    man, woman = identity.assign(session, context, [facts(1, "C3", sex="male"), facts(2, "C3", sex="female")])
    assert man != woman
    assert duplicates(session) == [(man, woman, {"identifier": f"{NID}|C3", "sex": "differs"})]


def test_a_record_that_names_two_persons_joins_the_older(session: Session) -> None:
    """Two identifiers of two persons on one record: it joins one, the pair is filed."""
    identity.trust(session, ["urn:example:passport"])
    context = opened(session)
    first, second = identity.assign(
        session, context, [facts(1, "D4"), PatientFacts(2, identifiers=(("urn:example:passport", "P4"),))]
    )
    both = PatientFacts(3, identifiers=((NID, "D4"), ("urn:example:passport", "P4")))
    assert identity.assign(session, context, [both]) == [first]
    assert [pair[:2] for pair in duplicates(session)] == [(first, second)]


def test_a_record_may_name_the_person_itself(session: Session) -> None:
    """The hub's own identifier is the tracked entity's uid; nothing contradicts it."""
    context = opened(session)
    (person,) = identity.assign(session, context, [facts(1, "E5", sex="male")])
    uid = session.execute("select uid from tracked_entity").fetchall()[0][0]
    named = PatientFacts(2, identifiers=((PERSON_SYSTEM, uid),), sex="female")
    assert identity.assign(session, context, [named]) == [person]
    unknown = PatientFacts(3, identifiers=((PERSON_SYSTEM, "aaaaaaaaaaa"),))
    assert identity.assign(session, context, [unknown]) != [person]


def test_likeness_is_filed_with_its_reasons_and_never_joins(session: Session) -> None:
    """A transliterated name, swapped day and month, one phone: a likely duplicate."""
    context = opened(session)
    left = facts(1, family="Nakku", given="Fatuma", birth_date="1990-04-07", sex="female", phones=("0772 123 456",))
    right = facts(2, family="Naku", given="Phatuma", birth_date="1990-07-04", sex="female", phones=("+256772123456",))
    first, second = identity.assign(session, context, [left, right])
    assert duplicates(session) == [
        (
            first,
            second,
            {"family": "close", "given": "sound", "birthDate": "swapped", "sex": "equal", "phone": "equal"},
        )
    ]


def test_what_a_human_dismissed_stays_closed(session: Session) -> None:
    """The same likeness does not come back after it was judged."""
    context = opened(session)
    same = {"family": "Okello", "given": "James", "birth_date": "1980-01-02", "sex": "male"}
    people = identity.assign(session, context, [facts(1, **same), facts(2, **same)])
    (uid,) = session.execute("select uid from potential_duplicate").fetchall()[0]
    identity.dismiss(session, uid)
    identity.assign(session, context, [facts(2, **same, previous=people[1], phones=("0772999888",))])
    assert duplicates(session) == []


def test_forgotten_records_identify_nobody(session: Session) -> None:
    """After `forget`, the identifier is free again."""
    context = opened(session)
    (first,) = identity.assign(session, context, [facts(1, "F6")])
    identity.forget(session, [1])
    assert identity.assign(session, context, [facts(2, "F6")]) != [first]


def test_a_new_person_belongs_to_the_named_org_unit_the_peers_or_the_root(session: Session) -> None:
    """The record's org unit wins, then the peer's setting, then the root, which is made when missing."""
    context = opened(session)
    (rooted,) = identity.assign(session, context, [facts(1)])
    root = session.execute("select pk from org_unit").fetchall()[0][0]
    pk = next_pks(session, 1)[0]
    session.execute(
        "insert into org_unit (pk, uid, code, name, parent, path, level, created_in, updated_in)"
        " values (%s, 'Clinic00001', 'CLINIC', 'Clinic', %s, '/Root/Clinic00001', 2, %s, %s)",
        (pk, root, context.change_set, context.change_set),
    )
    peer = identity_peer("CLINIC")
    at_clinic = Context(context.change_set, context.at, "test", peer, None)
    people = [rooted, *identity.assign(session, at_clinic, [facts(2), facts(3, org_unit=root)])]
    units = dict(session.execute("select pk, org_unit from tracked_entity").fetchall())
    assert [units[person] for person in people] == [root, pk, root]
    lost = Context(context.change_set, context.at, "test", identity_peer("NOWHERE"), None)
    (person,) = identity.assign(session, lost, [facts(4)])
    assert session.execute("select org_unit from tracked_entity where pk = %s", (person,)).fetchone() == (root,)


def identity_peer(unit: str) -> Any:
    """A peer whose new persons belong to `unit`."""
    from tracker_core.context import Peer

    return Peer(1, "p", "P", "fhir", None, {"org_unit": unit})


def test_parallel_messages_of_one_new_person_make_one(pool: Pool) -> None:
    """Four transactions at once with overlapping new persons: each identity gets one person."""
    with transaction(pool) as session:
        opened(session)
    results: dict[int, list[int]] = {}

    def run(worker: int) -> None:
        with transaction(pool) as session:
            context = open_change_set(session, f"worker {worker}")
            batch = [
                facts(worker * 100 + n, f"ID-{n}", family="Auma", given=f"Rose{n}", birth_date="2001-02-03")
                for n in range(20)
            ]
            results[worker] = identity.assign(session, context, batch if worker % 2 else batch[::-1])

    threads = [Thread(target=run, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = [people if worker % 2 else people[::-1] for worker, people in results.items()]
    assert len(ordered) == 4
    assert all(people == ordered[0] for people in ordered)
    assert len(set(ordered[0])) == 20


def test_nothing_to_assign_asks_nothing(session: Session) -> None:
    """An empty list is answered without a change."""
    assert identity.assign(session, opened(session), []) == []
