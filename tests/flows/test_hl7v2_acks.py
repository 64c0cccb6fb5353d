"""Which answers a sender gets and when: two of them, sequence numbers, its own character set; and answers that come in.

HL7 v2.5.1, 2.9 (acknowledgements) and 2.10.1 (sequence numbers).
"""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adapters.hl7v2 import client, mllp
from adapters.hl7v2.framing import frame
from hub import work
from hub.runtime import Runtime
from hub.wire import listen
from tests.adapters.hl7v2.wire import answering, connected, listening, receive, sample
from tests.flows.test_hl7v2 import WIRE, found
from tracker_core import history, messages, peers, routes
from tracker_core.database import transaction
from tracker_core.messages import Message
from tracker_core.traffic import searching
from tracker_core.traffic.searching import Wanted

SENDER = "CLINIC|KIVU-HC"


def numbered(control_id: str, accept: str = "", application: str = "", sequence: str = "") -> bytes:
    """The admission under another control id, with MSH-13, 15 and 16."""
    head, rest = sample("adt_a01").split(b"\r", 1)
    fields = head.split(b"|")
    fields[9], fields[12:16] = control_id.encode(), [part.encode() for part in (sequence, "", accept, application)]
    return b"|".join(fields) + b"\r" + rest


def codes(answers: list[bytes]) -> list[str]:
    """MSA-1 of each answer."""
    return [match[1].decode() for answer in answers if (match := re.search(rb"\rMSA.(\w\w)", answer))]


def register(runtime: Runtime, **settings: Any) -> None:
    """Make the sender known with these settings."""
    with transaction(runtime.pool) as session:
        peers.save(session, SENDER, "hl7v2", settings=settings)


def stored(runtime: Runtime, direction: str = "in") -> list[Message]:
    """What the message store holds, oldest first."""
    with transaction(runtime.pool) as session:
        listed = searching.search(session, Wanted(direction=direction)).messages
        return [messages.read(session, row["id"]) for row in reversed(listed)]


@pytest.fixture
def sender(runtime: Runtime) -> Iterator[socket.socket]:
    """A bare connection to the hub."""
    with (
        ThreadPoolExecutor(2) as threads,
        listening(mllp.threaded(listen(runtime, WIRE), threads)) as server,
        connected(server.port) as opened,
    ):
        yield opened


def ask(sender: socket.socket, raw: bytes, answers: int = 1) -> list[bytes]:
    """Send a message; return so many answers."""
    sender.sendall(frame(raw))
    return receive(sender, answers)


@pytest.mark.parametrize(
    ("accept", "application", "expected"),
    [
        ("AL", "AL", ["CA", "AA"]),
        ("AL", "SU", ["CA", "AA"]),
        ("SU", "AL", ["CA", "AA"]),
        ("AL", "NE", ["CA"]),
        ("AL", "ER", ["CA"]),
        ("ER", "AL", ["AA"]),
        ("NE", "AL", ["AA"]),
        ("", "", ["AA"]),
    ],
)
def test_a_good_message_has_the_answers_it_asks_for(
    runtime: Runtime, sender: socket.socket, accept: str, application: str, expected: list[str]
) -> None:
    """CA when it is kept, then AA when it is applied, each by its condition; one answer in original mode."""
    register(runtime, acks="enhanced")
    assert codes(ask(sender, numbered("1", accept, application), len(expected))) == expected
    assert codes(ask(sender, numbered("2"))) == ["AA"]
    assert [message.state for message in stored(runtime)] == ["done", "done"]


def test_a_message_that_wants_no_answer_gets_none(runtime: Runtime, sender: socket.socket) -> None:
    """NE and NE: nothing is written, and the message is applied; the next one is answered."""
    register(runtime, acks="enhanced")
    sender.sendall(frame(numbered("1", "NE", "NE")))
    assert codes(ask(sender, numbered("2"))) == ["AA"]
    assert [message.state for message in stored(runtime)] == ["done", "done"]


@pytest.mark.parametrize(
    ("accept", "application", "expected"), [("AL", "AL", ["CR"]), ("ER", "NE", ["CR"]), ("NE", "ER", ["AR"])]
)
def test_what_cannot_be_read_is_refused_at_once(
    runtime: Runtime, sender: socket.socket, accept: str, application: str, expected: list[str]
) -> None:
    """An unknown type is CR and nothing follows; AR where only the application's answer is wanted. It is kept."""
    register(runtime, acks="enhanced")
    raw = numbered("1", accept, application).replace(b"ADT^A01^ADT_A01", b"ZZZ^Z99")
    assert codes(ask(sender, raw, len(expected))) == expected
    assert codes(ask(sender, numbered("2"))) == ["AA"]
    assert [message.state for message in stored(runtime)] == ["rejected", "done"]


def test_what_cannot_be_applied_is_accepted_first(runtime: Runtime, sender: socket.socket) -> None:
    """A message without a patient is CA, then AE with the reason."""
    register(runtime, acks="enhanced")
    raw = re.sub(rb"\rPID[^\r]*", b"", numbered("1", "AL", "AL"))
    first, second = ask(sender, raw, 2)
    assert codes([first, second]) == ["CA", "AE"]
    assert b"\rERR|" in second


def test_a_repeat_has_both_answers_again(runtime: Runtime, sender: socket.socket) -> None:
    """The same message again: CA and the very answer of the first time; other content under its control id: CR."""
    register(runtime, acks="enhanced")
    first, again = (ask(sender, numbered("1", "AL", "AL"), 2) for _ in range(2))
    assert codes(again) == ["CA", "AA"]
    assert again[1] == first[1]
    assert codes(ask(sender, numbered("1", "AL", "AL").replace(b"Amara", b"Other"))) == ["CR"]


def test_a_batch_has_one_answer_per_message(runtime: Runtime, sender: socket.socket) -> None:
    """Within a batch there is no room for two: the application's answers come, in a batch."""
    register(runtime, acks="enhanced")
    (answer,) = ask(sender, b"BHS|^~\\&|CLINIC\r" + numbered("1", "AL", "AL") + numbered("2", "AL", "NE") + b"BTS|2\r")
    assert re.findall(rb"\rMSA.(\w\w)", answer) == [b"AA", b"CA"]


def test_answers_are_in_the_character_set_of_the_peer(runtime: Runtime, sender: socket.socket) -> None:
    """A peer that names no character set is answered in its own, as it is read."""
    register(runtime, charset="8859/1")
    raw = numbered("1").replace(b"|UNICODE UTF-8", b"").replace(b"|S-A01|", b"|1|")
    wrong = raw.replace(b"ADT^A01^ADT_A01", "ADÉ^A01".encode("latin-1"))
    (answer,) = ask(sender, wrong)
    assert "ADÉ".encode("latin-1") in answer
    assert codes(ask(sender, raw.replace(b"Amara", "Amélie".encode("latin-1")).replace(b"|1|", b"|2|"))) == ["AA"]
    (patient,) = found(runtime, "Patient", "identifier=P-1001")
    assert patient["name"][0]["given"] == ["Amélie", "Ruth"]


def test_sequence_numbers(runtime: Runtime, sender: socket.socket) -> None:
    """Start, numbers in turn, a repeat, a gap, and a new beginning by -1; MSA-4 always names the next one."""
    register(runtime, sequence=True)

    def say(control_id: str, number: str) -> tuple[str, str]:
        (answer,) = ask(sender, numbered(control_id, sequence=number))
        match = re.search(rb"\rMSA\|(\w\w)\|[^|]*\|[^|]*\|(-?\d*)", answer)
        return (match[1].decode(), match[2].decode()) if match else (answer.decode(), "")

    assert say("start", "0") == ("AA", "-1")
    assert say("1", "7") == ("AA", "8")
    assert say("1", "7") == ("AA", "8")
    assert say("2", "8") == ("AA", "9")
    assert say("3", "11") == ("AE", "9")
    assert say("start again", "0") == ("AA", "9")
    assert say("resync", "-1") == ("AA", "-1")
    assert say("3", "100") == ("AA", "101")
    assert [message.type for message in stored(runtime)] == [
        "sequence-start",
        "ADT^A01",
        "ADT^A01",
        "sequence-gap",
        "sequence-start",
        "sequence-resync",
        "ADT^A01",
    ]
    (answer,) = ask(sender, numbered("4", sequence="next"))
    assert b"MSA|AR|4" in answer
    assert b"MSH^1^13" in answer


def test_both_answers_name_the_next_number(runtime: Runtime, sender: socket.socket) -> None:
    """Sequence numbers go with two answers as well."""
    register(runtime, sequence=True, acks="enhanced")
    answers = ask(sender, numbered("1", "AL", "AL", "1"), 2)
    assert [re.findall(rb"MSA\|(\w\w)\|1\|\|2\r", answer) for answer in answers] == [[b"CA"], [b"AA"]]


def outbound(runtime: Runtime, port: int) -> Message:
    """A registration sent to a laboratory that answers CA and nothing more within a moment."""
    settings = {"accept_ack": "AL", "application_ack": "AL", "second_timeout": 0.05}
    with transaction(runtime.pool) as session:
        lab = peers.save(session, "LAB|TOWN", "hl7v2", address=f"mllp://127.0.0.1:{port}", settings=settings)
        routes.save(session, "lab", lab.id, "ADT^A28", {"records": ["Patient"], "about": "person"})
    work.dispatch(runtime)
    (claimed,) = work.claim(runtime, "out", "test", 5)
    work.send(runtime, claimed)
    return stored(runtime, "out")[0]


def accepting(connection: socket.socket, data: bytes) -> None:
    """Answer CA."""
    control_id = data.split(b"|")[9]
    connection.sendall(frame(b"MSH|^~\\&|LAB|TOWN|HUB||2026||ACK|1|P|2.5\rMSA|CA|" + control_id + b"\r"))


@pytest.mark.parametrize(
    ("code", "state"), [("AA", "done"), ("AE", "rejected"), ("AR", "rejected"), ("CA", "done"), ("CE", "done")]
)
def test_an_answer_on_another_connection_ends_its_message(
    runtime: Runtime, sender: socket.socket, code: str, state: str
) -> None:
    """CA comes at once, the application's answer later as an ACK message of the peer: it has the last word."""
    with transaction(runtime.pool) as session:
        history.open_change_set(session, "tester")
    ask(sender, numbered("1"))
    with answering(accepting) as port:
        message = outbound(runtime, port)
        client.hang_up()
    assert (message.state, b"MSA|CA" in (message.answer or b"")) == ("done", True)
    later = b"MSH|^~\\&|LAB|TOWN|HUB||2026||ACK^A28|L9|P|2.5\rMSA|%b|%b|why\r"
    sender.sendall(frame(later % (code.encode(), message.control_id.encode())))
    sender.sendall(frame(later.replace(b"L9", b"L10") % (b"AA", b"nothing of ours")))
    assert codes(ask(sender, numbered("2"))) == ["AA"]
    ended = stored(runtime, "out")[0]
    assert (ended.state, "why" in ended.error) == (state, state == "rejected")
    kept = [message for message in stored(runtime) if message.type.startswith("ACK")]
    assert [(message.state, message.answer) for message in kept] == [("done", b""), ("done", b"")]
    assert kept[1].report
    assert kept[1].report["issues"][0]["code"] == "unknown-control-id"
