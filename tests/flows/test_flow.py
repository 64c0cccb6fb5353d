"""The central flow on a real database: nothing lost, nothing doubled, order kept, faults parked."""

import json
from collections.abc import Callable

from adapters.contract import Envelope
from hub import work
from hub.runtime import Runtime
from tests.flows.receivers import Receiver
from tracker_core import messages, peers, records, routes
from tracker_core.context import Peer
from tracker_core.database import transaction
from tracker_core.errors import Conflict
from tracker_core.messages import Arrival
from tracker_core.traffic import dead, searching
from tracker_core.traffic.searching import Wanted

Start = Callable[[list[tuple[int, bytes]]], Receiver]
OK = b'{"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "200 OK"}}]}'


def patient(id: str, family: str) -> tuple[bytes, Envelope]:
    """A PUT of one Patient, as the FHIR face hands it on."""
    body = {"resourceType": "Patient", "id": id, "name": [{"family": family}], "birthDate": "1990-04-17"}
    return json.dumps(body).encode(), Envelope(
        content_type="application/fhir+json", method="PUT", target=f"/fhir/Patient/{id}"
    )


def peer(runtime: Runtime, code: str, address: str | None = None) -> Peer:
    """A FHIR peer."""
    with transaction(runtime.pool) as session:
        return peers.save(session, code, "fhir", address=address)


def states(runtime: Runtime, direction: str) -> list[tuple[str, str]]:
    """(type, state) of every message of a direction, oldest first."""
    with transaction(runtime.pool) as session:
        listed = searching.search(session, Wanted(direction=direction), limit=100).messages
    return [(row["type"], row["state"]) for row in reversed(listed)]


def test_a_message_is_stored_applied_and_answered(runtime: Runtime) -> None:
    """The bytes, the report and the answer stand beside each other, and the record is there."""
    raw, envelope = patient("p1", "Abara")
    done = work.accept(runtime, peer(runtime, "clinic"), raw, envelope, "tester")
    assert done.error is None
    with transaction(runtime.pool) as session:
        kept = messages.read(session, done.message)
        stored = records.read(session, [("Patient", "p1")])
    assert (kept.state, kept.body, kept.answer) == ("done", raw, done.answer)
    assert ("Patient", "p1") in stored


def test_wrong_bytes_are_kept_and_refused(runtime: Runtime) -> None:
    """Bytes that cannot be read end as rejected, with the reason, and nothing is applied."""
    envelope = patient("p1", "Abara")[1]
    done = work.accept(runtime, peer(runtime, "clinic"), b"not JSON at all", envelope, "tester")
    assert done.report.rejected
    with transaction(runtime.pool) as session:
        kept = messages.read(session, done.message)
        assert records.read(session, [("Patient", "p1")]) == {}
    assert (kept.state, kept.body) == ("rejected", b"not JSON at all")
    assert kept.report is not None
    assert kept.report["issues"]


def test_a_repeat_gets_the_first_answer_and_no_second_effect(runtime: Runtime) -> None:
    """Equal key and equal bytes: answered from the first; equal key and other bytes: a conflict that stays visible."""
    clinic = peer(runtime, "clinic")
    raw, envelope = patient("p1", "Abara")
    with transaction(runtime.pool) as session:
        first = messages.store(
            session, [Arrival(peer=clinic.id, format="fhir", body=raw, dedup="k1", about=_about(envelope))]
        )[0]
    settled = work.settle(runtime, first)
    with transaction(runtime.pool) as session:
        again = messages.store(session, [Arrival(peer=clinic.id, format="fhir", body=raw, dedup="k1")] * 2)
    assert [message.id for message in again] == [first.id, first.id]
    assert all(message.repeated for message in again)
    same = work.answer_repeat(runtime, clinic, again[0], raw, envelope, "tester")
    assert (same.message, same.answer) == (first.id, settled.answer)
    other = work.answer_repeat(runtime, clinic, again[0], b"{}", envelope, "tester")
    assert isinstance(other.error, Conflict)
    assert [state for _, state in states(runtime, "in")] == ["done", "rejected"]


def _about(envelope: Envelope) -> dict[str, object]:
    return {"content_type": envelope.content_type, "method": envelope.method, "target": envelope.target}


def test_a_poison_message_holds_up_its_own_lane_only(runtime: Runtime) -> None:
    """What follows a parked message of one person waits; everybody else's goes on; discarding it frees the lane."""
    clinic = peer(runtime, "clinic")
    with transaction(runtime.pool) as session:
        ids = [
            message.id
            for message in messages.store(
                session,
                [Arrival(peer=clinic.id, format="fhir", body=b"x", lane=lane, about={}) for lane in (1, 1, 2, 1)],
            )
        ]
    claimed = [message.id for message in work.claim(runtime, "in", "w1", 10)]
    assert claimed == [ids[0], ids[2]]
    with transaction(runtime.pool) as session:
        messages.finish(session, ids[0], "parked", error="poison")
        messages.finish(session, ids[2], "done")
    assert work.claim(runtime, "in", "w1", 10) == []
    with transaction(runtime.pool) as session:
        assert dead.discard(session, [ids[0]], "wrong person") == 1
    assert [message.id for message in work.claim(runtime, "in", "w2", 10)] == [ids[1]]


def test_a_lease_that_ran_out_is_taken_up_by_another_worker(runtime: Runtime) -> None:
    """A worker that died loses its messages to the next one; until then nobody else takes them."""
    clinic = peer(runtime, "clinic")
    with transaction(runtime.pool) as session:
        messages.store(session, [Arrival(peer=clinic.id, format="fhir", body=b"x", about={})])
    assert len(work.claim(runtime, "in", "dies", 10)) == 1
    assert work.claim(runtime, "in", "other", 10) == []
    with transaction(runtime.pool) as session:
        session.execute("update message set lease_until = now() - interval '1 second'")
    taken = work.claim(runtime, "in", "other", 10)
    assert [message.attempts for message in taken] == [2]


def test_changes_go_by_their_routes_and_never_back_to_their_source(runtime: Runtime, receiver: Start) -> None:
    """A patient of clinic A goes to B once, in its newest state however often it changed, and not back to A."""
    national = receiver([(200, OK)])
    clinic, other = peer(runtime, "a", national.url), peer(runtime, "b", national.url)
    with transaction(runtime.pool) as session:
        for target in (clinic, other):
            routes.save(session, f"to-{target.code}", target.id, "Bundle", {"records": ["Patient"], "about": "record"})
    for family in ("Abara", "Adeyo", "Banele"):
        work.accept(runtime, clinic, *patient("p1", family), "tester")
    assert work.dispatch(runtime) == 1
    claimed = work.claim(runtime, "out", "w", 10)
    assert [message.peer for message in claimed] == [other.id]
    receipt = work.send(runtime, claimed[0])
    assert receipt is not None
    assert receipt.accepted
    assert len(national.received) == 1
    assert b"Banele" in national.received[0]
    assert [state for _, state in states(runtime, "out")] == ["done"]


def test_a_receiver_that_is_away_gets_the_same_bytes_later(runtime: Runtime, receiver: Start) -> None:
    """503 postpones; the retry sends the very bytes of the first try; a later change is a message of its own."""
    national = receiver([(503, b""), (200, OK)])
    clinic, other = peer(runtime, "a"), peer(runtime, "b", national.url)
    with transaction(runtime.pool) as session:
        routes.save(session, "r", other.id, "Bundle", {"records": ["Patient"], "about": "record"})
    work.accept(runtime, clinic, *patient("p1", "Abara"), "tester")
    work.dispatch(runtime)
    assert work.send(runtime, work.claim(runtime, "out", "w", 10)[0]) is None
    work.accept(runtime, clinic, *patient("p1", "Adeyo"), "tester")
    assert work.dispatch(runtime) == 1
    with transaction(runtime.pool) as session:
        session.execute("update message set due = now()")
    for _ in range(2):
        for message in work.claim(runtime, "out", "w", 10):
            work.send(runtime, message)
    first, second, third = national.received
    assert first == second
    assert b"Adeyo" in third
    assert [state for _, state in states(runtime, "out")] == ["done", "done"]


def test_a_message_that_lost_its_lease_is_not_sent_twice(runtime: Runtime, receiver: Start) -> None:
    """A worker whose lease ran out before the message's turn came leaves it to the worker that has it now."""
    national = receiver([(200, OK)])
    clinic, other = peer(runtime, "a"), peer(runtime, "b", national.url)
    with transaction(runtime.pool) as session:
        routes.save(session, "r", other.id, "Bundle", {"records": ["Patient"], "about": "record"})
    work.accept(runtime, clinic, *patient("p1", "Abara"), "tester")
    work.dispatch(runtime)
    [late] = work.claim(runtime, "out", "slow", 10)
    with transaction(runtime.pool) as session:
        session.execute("update message set lease_until = now() - interval '1 second'")
    [taken] = work.claim(runtime, "out", "other", 10)
    assert work.send(runtime, late) is None
    assert national.received == []
    assert work.send(runtime, taken) is not None
    assert work.send(runtime, taken) is None
    assert len(national.received) == 1


def test_a_refusal_is_final_and_a_replay_tries_again(runtime: Runtime, receiver: Start) -> None:
    """A 4xx ends the message as rejected with the receiver's words; replaying sends it once more."""
    national = receiver([(400, b'{"resourceType": "OperationOutcome"}'), (200, OK)])
    clinic, other = peer(runtime, "a"), peer(runtime, "b", national.url)
    with transaction(runtime.pool) as session:
        routes.save(session, "r", other.id, "Bundle", {"records": ["Patient"], "about": "record"})
    work.accept(runtime, clinic, *patient("p1", "Abara"), "tester")
    work.dispatch(runtime)
    message = work.claim(runtime, "out", "w", 10)[0]
    receipt = work.send(runtime, message)
    assert receipt is not None
    assert not receipt.accepted
    assert states(runtime, "out")[0][1] == "rejected"
    with transaction(runtime.pool) as session:
        assert messages.replay(session, [message.id]) == 1
    work.send(runtime, work.claim(runtime, "out", "w", 10)[0])
    assert states(runtime, "out")[0][1] == "done"


def test_the_balance_always_adds_up(runtime: Runtime) -> None:
    """Received equals the sum over the states, whatever became of each."""
    clinic = peer(runtime, "clinic")
    work.accept(runtime, clinic, *patient("p1", "Abara"), "tester")
    work.accept(runtime, clinic, b"no", patient("p1", "Abara")[1], "tester")
    with transaction(runtime.pool) as session:
        messages.store(session, [Arrival(peer=clinic.id, format="fhir", body=b"x", about={})])
        balance = messages.balance(session)
    assert sorted(balance) == [("in", "fhir", "done", 1), ("in", "fhir", "rejected", 1), ("in", "fhir", "waiting", 1)]
