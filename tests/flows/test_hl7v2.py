"""HL7v2 through the hub: off a real socket into the database, and from there to a peer."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.hl7v2 import acks, client, mllp
from adapters.hl7v2.framing import frame
from adapters.hl7v2.header import read_header
from hub import work
from hub.runtime import Runtime
from hub.wire import listen
from tests.adapters.hl7v2.wire import answering, connected, listening, receive, sample
from tracker_core import history, identity, messages, peers, records, routes
from tracker_core.context import User
from tracker_core.database import transaction
from tracker_core.issues import Report
from tracker_core.records import Stored
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted

WIRE = User("", "mllp", frozenset({"ALL"}))
Send = Callable[[bytes], str]


@contextmanager
def wire(runtime: Runtime) -> Iterator[Send]:
    """The hub behind MLLP; yields what sends a message and returns MSA-1 (of a batch, all; of an ACK, none)."""
    take = listen(runtime, WIRE)
    with (
        ThreadPoolExecutor(4) as threads,
        listening(mllp.threaded(take, threads)) as server,
        connected(server.port) as sender,
    ):

        def send(raw: bytes) -> str:
            sender.sendall(frame(raw))
            header = read_header(raw)
            if header is not None and header.text(9) == "ACK":
                return ""
            (answer,) = receive(sender)
            return " ".join(code.decode() for code in re.findall(rb"\rMSA.(\w\w)", answer))

        yield send


@pytest.fixture
def send(runtime: Runtime) -> Iterator[Send]:
    """A sender connected to the hub."""
    with wire(runtime) as sending:
        yield sending


def found(runtime: Runtime, type: str, query: str = "") -> list[dict[str, Any]]:
    """The documents that a search finds."""
    with transaction(runtime.pool) as session:
        return [msgspec.json.decode(record.doc) for record in search(session, type, query)]


def search(session: Any, type: str, query: str) -> list[Stored]:
    """The records that one parameter finds; all of the type without one."""
    name, _, value = query.partition("=")
    return records.search(session, type, [(name, value)] if name else []).matches


def test_every_sample_is_applied(runtime: Runtime, send: Send) -> None:
    """Admission, discharge, arrival, update, results: acknowledged AA, and the records are there."""
    names = ("adt_a01", "oru_r01", "adt_a03", "adt_a04", "adt_a08", "adt_a08_latin1")
    assert [send(sample(name)) for name in names] == ["AA"] * len(names)
    (patient,) = found(runtime, "Patient", "identifier=P-1001")
    assert patient["name"][0]["family"] == "Mbeki"
    (visit,) = found(runtime, "Encounter", "identifier=V-5001")
    assert visit["status"] == "finished"
    assert visit["period"] == {"start": "2026-03-05T08:10:00+02:00", "end": "2026-03-09T09:55:00+02:00"}
    assert len(found(runtime, "Observation", "code=http://loinc.org|718-7")) == 1
    assert [p["name"][0]["family"] for p in found(runtime, "Patient", "identifier=P-1003")] == ["Élodie"]


def test_message_and_acknowledgement_are_kept(runtime: Runtime, send: Send) -> None:
    """The bytes, what they are, and the answer that was given stand in the message store, under their sender."""
    send(sample("adt_a01"))
    with transaction(runtime.pool) as session:
        (listed,) = searching.search(session, Wanted(direction="in")).messages
        kept = messages.read(session, listed["id"])
    assert (listed["peer"], kept.type, kept.control_id, kept.state) == ("CLINIC|KIVU-HC", "ADT^A01", "S-A01", "done")
    assert kept.body == sample("adt_a01")
    assert b"MSA|AA|S-A01" in (kept.answer or b"")


def test_a_repeat_has_the_same_answer_and_no_second_effect(runtime: Runtime, send: Send) -> None:
    """The same message twice is applied once; the same control id with other content is AE and visible."""
    assert [send(sample("oru_r01")), send(sample("oru_r01"))] == ["AA", "AA"]
    assert send(sample("oru_r01").replace(b"13.20", b"99.90")) == "AE"
    (value,) = found(runtime, "Observation", "code=http://loinc.org|718-7")
    assert value["valueQuantity"]["value"] == 13.2
    with transaction(runtime.pool) as session:
        states = sorted(row["state"] for row in searching.search(session, Wanted(direction="in")).messages)
    assert states == ["done", "rejected"]


def test_a_corrected_result_updates_the_result(runtime: Runtime, send: Send) -> None:
    """OBX-11 C under a new control id changes the observation instead of adding one."""
    send(sample("oru_r01"))
    corrected = sample("oru_r01").replace(b"S-R01", b"S-R02").replace(b"13.20", b"12.90")
    assert send(corrected.replace(b"N|||F|||20260305110000", b"N|||C|||20260305110000")) == "AA"
    (value,) = found(runtime, "Observation", "code=http://loinc.org|718-7")
    assert (value["valueQuantity"]["value"], value["status"]) == (12.9, "corrected")


def test_two_quotes_remove_what_was_there(runtime: Runtime, send: Send) -> None:
    """A null deletes the element and leaves the rest of the patient."""
    send(sample("adt_a01").replace(b"+243810000001^PRN^CP", b"+243810000001^PRN^PH"))
    send(sample("adt_a08"))
    (patient,) = found(runtime, "Patient", "identifier=P-1001")
    assert "telecom" not in patient
    assert patient["address"][0]["city"] == "Goma"


def test_a_merge_makes_one_person_and_can_be_taken_back(runtime: Runtime, send: Send) -> None:
    """ADT^A40 links the records and joins the persons; unmerge parts them again."""
    old = sample("adt_a04").replace(b"P-1002", b"P-0999").replace(b"V-5002", b"V-0999")
    assert [send(old), send(sample("adt_a01")), send(sample("adt_a40"))] == ["AA"] * 3
    (loser,) = found(runtime, "Patient", "identifier=P-0999")
    (survivor,) = found(runtime, "Patient", "identifier=P-1001")
    assert loser["active"] is False
    assert loser["link"] == [{"other": {"reference": f"Patient/{survivor['id']}"}, "type": "replaced-by"}]
    assert survivor["link"] == [{"other": {"reference": f"Patient/{loser['id']}"}, "type": "replaces"}]
    with transaction(runtime.pool) as session:
        persons = {r.subject for r in search(session, "Patient", "")}
        visits = {r.subject for r in search(session, "Encounter", "")}
        assert persons == visits
        assert len(persons) == 1
        (merged,) = identity.merges_of(session, persons.pop() or 0)
    assert send(sample("adt_a40").replace(b"S-A40", b"S-A40b")) == "AA"
    assert len(found(runtime, "Patient", "identifier=P-1001")[0]["link"]) == 1
    with transaction(runtime.pool) as session:
        identity.unmerge(session, history.open_change_set(session, "tester", None, None), merged)
        assert len({r.subject for r in search(session, "Patient", "")}) == 2


def test_a_merge_of_somebody_unknown_is_a_warning(runtime: Runtime, send: Send) -> None:
    """The survivor is registered, and the sender is told that there was nothing to merge."""
    assert send(sample("adt_a40")) == "AA"
    with transaction(runtime.pool) as session:
        (listed,) = searching.search(session, Wanted(direction="in")).messages
        report = messages.read(session, listed["id"]).report or {}
    assert [issue["code"] for issue in report["issues"]] == ["merge-not-found"]


def test_what_is_refused_is_kept_and_changes_nothing(runtime: Runtime, send: Send) -> None:
    """Truncated, unsupported and empty messages are answered and stand in the message store as rejected."""
    cut = sample("adt_a01")[:25]
    other = sample("adt_a01").replace(b"ADT^A01^ADT_A01", b"ZZZ^Z01").replace(b"S-A01", b"S-X")
    assert [send(cut), send(other), send(b"hello")] == ["AR", "AR", "AR"]
    with transaction(runtime.pool) as session:
        listed = searching.search(session, Wanted(direction="in")).messages
        assert [row["state"] for row in listed] == ["rejected"] * 3
        assert search(session, "Patient", "") == []


def test_a_batch_is_applied_message_by_message(runtime: Runtime, send: Send) -> None:
    """Each message of a batch has its acknowledgement and its place in the store."""
    assert send(sample("batch")) == "AA AA"
    assert len(found(runtime, "Patient")) == 2


def test_updates_and_results_reach_a_peer(runtime: Runtime, send: Send) -> None:
    """What one clinic sends goes out to another system as ADT^A08 and ORU^R01, and is acknowledged."""
    got: list[bytes] = []

    def script(connection: Any, data: bytes) -> None:
        got.append(data[1:-2])
        connection.sendall(frame(acks.answer(got[-1], Report())))

    with answering(script) as port:
        with transaction(runtime.pool) as session:
            peer = peers.save(session, "HIS|MAIN", "hl7v2", address=f"mllp://127.0.0.1:{port}")
            routes.save(session, "updates", peer.id, "ADT^A08", {"records": ["Patient"], "about": "person"})
            routes.save(session, "results", peer.id, "ORU^R01", {"records": ["DiagnosticReport"], "about": "record"})
        send(sample("oru_r01"))
        work.dispatch(runtime)
        receipts = [work.send(runtime, one) for one in work.claim(runtime, "out", "test", 10)]
        client.hang_up()
    assert [receipt and receipt.accepted for receipt in receipts] == [True, True]
    update, results = sorted(got, key=lambda raw: b"ORU^R01" in raw)
    assert b"|ADT^A08^ADT_A01|" in update
    assert b"P-1001^^^" in update
    assert b"OBX|1|NM|718-7^Hemoglobin^LN||13.20|" in results


def test_every_message_of_the_corpus_is_applied_or_refused_with_a_reason(runtime: Runtime, corpora: Path) -> None:
    """Nothing is lost, nothing crashes: each message has an answer and stands in the store, done or rejected."""
    paths = sorted((corpora / "hl7v2" / "messages").rglob("*.hl7"))
    answered = acknowledgements = 0
    with wire(runtime) as send:
        for path in paths:
            verdicts = send(path.read_bytes()).split()
            assert set(verdicts) <= {"AA", "AE", "AR", "CA", "CE", "CR"}, path.name
            answered += len(verdicts)
            acknowledgements += not verdicts
    with transaction(runtime.pool) as session:
        states = {state: count for _, _, state, count in messages.balance(session)}
        silent = session.execute("select count(*) from message where answer = '' and type not like 'ACK%'").fetchone()
    assert states.keys() == {"done", "rejected"}
    assert sum(states.values()) <= answered + acknowledgements
    assert states["done"] > 100
    assert silent == (0,)
