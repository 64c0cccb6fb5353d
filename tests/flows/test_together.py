"""Messages that arrive at one moment are applied together, and each has the end it would have had by itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.contract import Envelope
from hub import flow, work
from hub.runtime import Runtime
from tracker_core import peers, records
from tracker_core.database import transaction
from tracker_core.messages import Message, by_ids

ENVELOPE = Envelope("application/hl7-v2")


def visit(number: int, mrn: str, name: str = "Okello^Anna", doctor: str = "") -> bytes:
    """An ADT^A01 of a patient, with the doctor who attends."""
    return (
        f"MSH|^~\\&|ADT|CLINIC|HUB|MOH|20260302133100||ADT^A01|M{number}|P|2.5.1\r"
        f"PID|1||{mrn}^^^CLINIC^MR||{name}||19750712|F\r"
        f"PV1|1|I|W1^^^CLINIC||||{doctor}||||||||||||V{mrn}^^^CLINIC^VN\r"
    ).encode()


def keep(runtime: Runtime, batch: Sequence[bytes]) -> list[Message]:
    """The messages, kept and not yet processed."""
    with transaction(runtime.pool) as session:
        peer = peers.ensure(session, "hl7v2", "hl7v2")
        arrivals = [flow.arrival_of(runtime, peer, raw, ENVELOPE, "test", leased=True) for raw in batch]
        return flow.receive(session, arrivals)


def ends(runtime: Runtime, batch: Sequence[Message]) -> list[tuple[str, int]]:
    """State of each message, and how many changes sets it has."""
    with transaction(runtime.pool) as session:
        found = by_ids(session, [message.id for message in batch])
        counted = dict(session.execute("select message, count(*) from change_set group by message").fetchall())
        return [(found[message.id].state, counted.get(message.id, 0)) for message in batch]


def names(runtime: Runtime) -> dict[str, tuple[str, int]]:
    """Family name and version of every patient, by medical record number."""
    with transaction(runtime.pool) as session:
        found = records.search(session, "Patient", []).matches
        docs = [(records.documents.decode(one.doc), one.version) for one in found]
        return {doc["identifier"][0]["value"]: (doc["name"][0]["family"], version) for doc, version in docs}


def test_different_persons_are_applied_in_one_pass(runtime: Runtime) -> None:
    """All have one time, each its own change set and answer."""
    batch = keep(runtime, [visit(n, f"P{n}") for n in range(5)])
    done = work.settle_all(runtime, batch)
    assert [one is not None and b"MSA|AA|M%d" % n in one.answer for n, one in enumerate(done)] == [True] * 5
    assert ends(runtime, batch) == [("done", 1)] * 5
    with transaction(runtime.pool) as session:
        assert session.execute("select count(distinct at) from change_set where message is not null").fetchone() == (1,)
        assert session.execute("select count(distinct person) from person_facts").fetchone() == (5,)


def test_one_with_a_fault_is_refused_alone(runtime: Runtime) -> None:
    """The others do not wait for it, and it is told what is wrong as if it had come alone."""
    broken = visit(1, "P1").replace(b"|P|2.5.1", b"|P|9.9")
    batch = keep(runtime, [visit(0, "P0"), broken, visit(2, "P2")])
    done = work.settle_all(runtime, batch)
    assert [one is None for one in done] == [False, True, False]
    work.settle_claimed(runtime, batch)
    assert [state for state, _ in ends(runtime, batch)] == ["done", "rejected", "done"]


def test_one_person_is_told_of_in_order(runtime: Runtime) -> None:
    """Of two messages about a person the later one counts, whatever they are processed with."""
    batch = keep(runtime, [visit(0, "P0", "First^Anna"), visit(1, "P1"), visit(2, "P0", "Second^Anna")])
    work.settle_claimed(runtime, batch)
    assert ends(runtime, batch) == [("done", 1)] * 3
    assert names(runtime) == {"P0": ("Second", 2), "P1": ("Okello", 1)}


@pytest.mark.parametrize(("doctor", "together"), [("D1^Doe^Jane", True), ("D1^Doe^Janet", False)])
def test_a_shared_doctor(runtime: Runtime, doctor: str, together: bool) -> None:
    """A doctor of whom two messages say the same is one record; told differently, one message comes after the other."""
    batch = keep(runtime, [visit(0, "P0", doctor="D1^Doe^Jane"), visit(1, "P1", doctor=doctor)])
    done = work.settle_all(runtime, batch)
    assert [one is not None for one in done] == [together] * 2
    work.settle_claimed(runtime, batch)
    with transaction(runtime.pool) as session:
        (found,) = records.search(session, "Practitioner", []).matches
    assert found.version == (1 if together else 2)
    assert ends(runtime, batch) == [("done", 1)] * 2


def test_what_has_ended_is_left_alone(runtime: Runtime) -> None:
    """A message that was processed meanwhile is not processed again."""
    batch = keep(runtime, [visit(n, f"P{n}") for n in range(3)])
    work.settle(runtime, batch[1])
    assert [one is None for one in work.settle_all(runtime, batch)] == [False, True, False]
    assert ends(runtime, batch) == [("done", 1)] * 3


def test_senders_at_the_same_time(runtime: Runtime) -> None:
    """Eight senders who wait for each answer before they send more: all is there, in the order of each."""
    with transaction(runtime.pool) as session:
        peer = peers.ensure(session, "hl7v2", "hl7v2")

    def send(sender: int) -> list[bytes]:
        told = [(n, visit(100 * sender + n, f"P{sender}", f"Name{n}^Anna")) for n in range(12)]
        return [work.accept(runtime, peer, raw, ENVELOPE, "test").answer for _, raw in told]

    with ThreadPoolExecutor(8) as threads:
        answers = [answer for some in threads.map(send, range(8)) for answer in some]
    assert all(b"MSA|AA|" in answer for answer in answers)
    assert names(runtime) == {f"P{n}": ("Name11", 12) for n in range(8)}


def test_who_waits_too_long_waits_alone(runtime: Runtime) -> None:
    """What another transaction holds holds up nobody else: the others are applied, by themselves."""
    batch = keep(runtime, [visit(0, "P0")])
    work.settle_claimed(runtime, batch)
    again = keep(runtime, [visit(1, "P0", "New^Anna"), visit(2, "P1")])
    with transaction(runtime.pool) as session:
        (held,) = records.search(session, "Patient", []).matches
        session.execute("select from record where pk = %s for update", (held.pk,))
        assert work.settle_all(runtime, again) == [None, None]
        assert work.settle(runtime, again[1]).error is None
    work.settle_claimed(runtime, again)
    assert ends(runtime, again) == [("done", 1)] * 2
    assert names(runtime)["P0"] == ("New", 2)


@pytest.mark.parametrize("fault", ["40001", "P0001"])
def test_nothing_is_answered_before_it_is_committed(runtime: Runtime, fault: str) -> None:
    """When the commit itself fails, whatever for, no message counts as done, and all are tried again."""
    batch = keep(runtime, [visit(0, "P0"), visit(1, "P1")])
    with transaction(runtime.pool) as session:
        session.execute(
            "create function refuse() returns trigger language plpgsql as"
            f" $$begin raise exception 'too late' using errcode = '{fault}'; end$$;"
            " create constraint trigger late after update on message deferrable initially deferred"
            " for each row execute function refuse()"
        )
    assert work.settle_all(runtime, batch) == [None, None]
    assert ends(runtime, batch) == [("waiting", 0)] * 2
    with transaction(runtime.pool) as session:
        session.execute("drop trigger late on message")
    work.settle_claimed(runtime, batch)
    assert ends(runtime, batch) == [("done", 1)] * 2
