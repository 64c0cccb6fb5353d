"""The MLLP client against receivers that misbehave in every way we know of."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.contract import Outgoing, Receipt
from adapters.hl7v2 import client, sending
from adapters.hl7v2.framing import frame
from tests.adapters.hl7v2.wire import answering, listening
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported

MESSAGE = b"MSH|^~\\&|HUB|MOH|LAB|KIVU|2026||ADT^A08|TH1|P|2.5\rPID|||1\r"
OUTGOING = Outgoing(MESSAGE, "application/hl7-v2", "TH1", "ADT^A08")


@pytest.fixture(autouse=True)
def no_connection_outlives_its_test() -> Iterator[None]:
    """Close what the client keeps open."""
    yield
    client.hang_up()


def ack(code: str, control_id: str = "TH1", more: bytes = b"") -> bytes:
    """A framed acknowledgement."""
    return frame(
        b"MSH|^~\\&|LAB|KIVU|HUB|MOH|2026||ACK^A08^ACK|9|P|2.5\rMSA|%b|%b\r%b"
        % (code.encode(), control_id.encode(), more)
    )


def peer_of(port: int, **settings: Any) -> Peer:
    """A peer on `port`, with short waits unless given."""
    return Peer(1, "lab", "Lab", "hl7v2", f"mllp://127.0.0.1:{port}", {"timeout": 5, "second_timeout": 5, **settings})


def send_to(*answers: bytes, **settings: Any) -> Receipt:
    """Send to a receiver that answers with these bytes, one write each."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for answer in answers:
            connection.sendall(answer)

    with answering(script) as port:
        return sending.send(OUTGOING, peer_of(port, **settings))


def test_acceptance_keeps_the_answer() -> None:
    """AA is acceptance; the answer is kept as received."""
    receipt = send_to(ack("AA"))
    assert receipt.accepted
    assert receipt.answer == ack("AA")[1:-2]
    assert receipt.issues == []


@pytest.mark.parametrize("code", ["AE", "AR", "CR"])
def test_refusal_is_final_and_says_why(code: str) -> None:
    """The reasons come from ERR with their place and severity, and from MSA-3 where there is no ERR."""
    err = b"ERR||PID^1^8^1^2|103^Table value not found^HL70357|E|sex^x|||no such sex\rERR||OBX^2^5^3|102|W\r"
    receipt = send_to(ack(code, more=err))
    assert not receipt.accepted
    first, second = receipt.issues
    assert (first.code, first.text, first.severity, first.where) == ("sex", "no such sex", "error", "PID-8.2")
    assert (second.code, second.text, second.severity) == ("102", "Data type error", "warning")
    assert second.where == "OBX:2-5(3)"
    assert send_to(ack(code, "TH1|wrong day")).issues[0].text == "wrong day"
    assert send_to(ack(code)).issues[0].text == f"answered {code} without a reason"


def test_refusal_in_the_form_of_old_versions() -> None:
    """ERR-1 of version 2.4 is read too."""
    err = b"ERR|PID^1^5^101&Required field missing&HL70357&x&no name~PV1^^^102\r"
    first, second = send_to(ack("AE", more=err)).issues
    assert (first.code, first.text, first.where) == ("x", "no name", "PID-5")
    assert (second.code, second.text, second.where) == ("102", "Data type error", "PV1")


@pytest.mark.parametrize(
    "answer",
    [
        ack("CE"),
        ack("AE", more=b"ERR||PID^1|206^locked^HL70357|E\r"),
        ack("AE", more=b"ERR||||E|transient\r"),
        frame(b"\x15"),
        frame(b"hello"),
        ack("XX"),
    ],
)
def test_what_may_succeed_later_is_sent_again(answer: bytes) -> None:
    """CE, a locked record, a NAK byte, and an answer that is none: not accepted, and not refused."""
    with pytest.raises(Unavailable):
        send_to(answer)


def test_an_answer_to_another_message_is_not_ours() -> None:
    """A late answer with another MSA-2 is passed over; alone it counts as no answer."""
    assert send_to(ack("AR", "TH0"), ack("AA")).accepted
    with pytest.raises(Unavailable, match="did not answer within"):
        send_to(ack("AA", "TH0"), timeout=0.1)


def test_an_answer_without_control_id_is_ours() -> None:
    """A receiver that could not read our header cannot echo it."""
    assert not send_to(ack("AR", "")).accepted


def test_a_second_answer_counts() -> None:
    """CA then AE is a refusal, CA then AA an acceptance, also when they come in one write; so with an ACK byte."""
    assert not send_to(ack("CA"), ack("AE")).accepted
    assert send_to(ack("CA") + ack("AA")).issues == []
    assert send_to(frame(b"\x06"), ack("AA")).accepted


def test_an_accept_acknowledgement_alone_is_acceptance() -> None:
    """After the wait it counts, with a remark; with the setting at once, without one."""
    receipt = send_to(ack("CA"), second_timeout=0.1)
    assert (receipt.accepted, receipt.issues[0].code) == (True, "accept-only")
    assert send_to(ack("CA"), acks="accept").issues == []


def test_answers_in_single_bytes_are_read() -> None:
    """An answer that comes byte by byte, behind junk, is an answer."""
    assert send_to(b"junk", *(bytes([byte]) for byte in ack("AA"))).accepted


@pytest.mark.parametrize("part", [b"", ack("AA")[:30]])
def test_a_dropped_connection_is_unknown(part: bytes) -> None:
    """Nobody knows whether the message arrived: it is sent again under the same control id."""

    def script(connection: socket.socket, _: bytes) -> str:
        connection.sendall(part)
        return "hang up"

    with answering(script) as port, pytest.raises(Unavailable, match="hung up"):
        sending.send(OUTGOING, peer_of(port))


def test_half_an_answer_and_silence_is_unknown() -> None:
    """Half an answer is none when its time is over."""
    with pytest.raises(Unavailable, match="did not answer"):
        send_to(ack("AA")[:30], timeout=0.1)


def test_nobody_listening_is_unavailable() -> None:
    """A closed port is a receiver that is away."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable, match="cannot be reached"):
        sending.send(OUTGOING, peer_of(port))


def test_a_connection_is_used_again_and_replaced_when_it_died() -> None:
    """Messages share a connection; one that the receiver closed in the meantime is noticed before it is used."""
    connections: list[tuple[int, int]] = []
    hang_up = [False, True, False]

    def script(connection: socket.socket, _: bytes) -> str:
        connections.append(connection.getpeername())
        connection.sendall(ack("AA"))
        return "hang up" if hang_up[len(connections) - 1] else ""

    with answering(script) as port:
        for _ in range(2):
            assert sending.send(OUTGOING, peer_of(port)).accepted
        wait_for_end(port)
        assert sending.send(OUTGOING, peer_of(port)).accepted
    assert connections[0] == connections[1] != connections[2]


def wait_for_end(port: int) -> None:
    """Wait until the kept connection to `port` has seen the receiver close it."""
    link = client._idle[client.line_of(f"mllp://127.0.0.1:{port}", peer_of(port).settings)][0]
    while client.is_quiet(link):
        time.sleep(0.005)


def test_a_late_answer_never_answers_the_next_message() -> None:
    """After a time-out the connection is closed, so that the answer still under way meets nobody."""
    seen: list[bytes] = []

    def script(connection: socket.socket, data: bytes) -> None:
        seen.append(data)
        if len(seen) > 1:
            connection.sendall(ack("AA", "TH2"))

    with answering(script) as port:
        hasty = peer_of(port, timeout=0.1)
        with pytest.raises(Unavailable):
            sending.send(OUTGOING, hasty)
        assert not client._idle.get(client.line_of(hasty.address or "", hasty.settings))
        second = Outgoing(MESSAGE.replace(b"TH1", b"TH2"), "application/hl7-v2", "TH2", "ADT^A08")
        assert sending.send(second, peer_of(port)).accepted


def test_a_plain_receiver_is_no_tls_receiver() -> None:
    """TLS with a receiver that does not speak it is unavailable, and files that cannot be read are a wrong setting."""
    with listening(quiet) as wire:
        peer = Peer(1, "lab", "Lab", "hl7v2", f"mllps://127.0.0.1:{wire.port}", {"connect_timeout": 0.2})
        with pytest.raises(Unavailable, match="no TLS"):
            sending.send(OUTGOING, peer)
        wrong = Peer(1, "lab", "Lab", "hl7v2", peer.address, {"tls_ca": "/nowhere/ca.pem"})
        with pytest.raises(Unsupported, match="TLS files"):
            sending.send(OUTGOING, wrong)


async def quiet(raw: bytes, address: str) -> bytes:
    """Answer nothing."""
    return b""


@pytest.mark.parametrize(
    "address", [None, "", "ftp://x", "mllp://", "mllp://host:port", "https://lab:port", "nonsense"]
)
def test_an_address_that_is_none_is_refused(address: str | None) -> None:
    """A wrong address is a wrong setting, which no repetition heals."""
    with pytest.raises(Unsupported):
        sending.send(OUTGOING, Peer(1, "lab", "Lab", "hl7v2", address, {}))


def test_our_server_and_our_client_agree() -> None:
    """Over one connection many messages are sent and answered."""

    async def accept(raw: bytes, address: str) -> bytes:
        return ack("AA")[1:-2]

    with listening(accept) as wire:
        assert all(sending.send(OUTGOING, peer_of(wire.port)).accepted for _ in range(50))
        assert len(wire.listener.tasks) == 1
