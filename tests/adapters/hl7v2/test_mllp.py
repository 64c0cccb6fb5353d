"""The MLLP server over real sockets, with senders that behave and senders that do not."""

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hl7
import pytest
from hl7.client import MLLPClient

from adapters.contract import Envelope, Outgoing
from adapters.hl7v2 import acks, client, mllp, sending
from adapters.hl7v2.framing import frame
from adapters.hl7v2.mllp import Limits
from tests.adapters.hl7v2.wire import certify, connected, listening, receive, sample
from tracker_core.context import Peer
from tracker_core.errors import Unavailable
from tracker_core.issues import Report


async def accept(raw: bytes, address: str) -> bytes:
    """Answer AA to everything."""
    return acks.answer(raw, Report())


async def echo(raw: bytes, address: str) -> bytes:
    """Answer with the message itself."""
    return raw


def verdict(answer: bytes) -> list[str]:
    """MSA-1 and MSA-2 of an answer."""
    return answer.split(b"\rMSA|")[1].split(b"\r")[0].decode().split("|")[:2]


def test_a_foreign_client_gets_its_acknowledgement() -> None:
    """The client of another library sends and reads the answer with its own parser."""
    with listening(accept) as wire, MLLPClient("127.0.0.1", wire.port) as foreign:
        for name in ("adt_a01", "oru_r01"):
            answer = foreign.send_message(sample(name))
            parsed = hl7.parse(answer.strip(b"\x0b\x1c\r").decode() + "\r")
            assert str(parsed.segment("MSA")[1]) == "AA"
            assert str(parsed.segment("MSA")[2]).startswith("S-")


def test_one_byte_segments_make_a_message() -> None:
    """A sender that writes single bytes is understood."""
    with listening(accept) as wire, connected(wire.port) as sender:
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(sample("adt_a03")):
            sender.send(bytes([byte]))
        assert verdict(receive(sender)[0]) == ["AA", "S-A03"]


def test_many_frames_in_one_segment_are_answered_in_order() -> None:
    """Pipelined messages are handled one after the other, each answered in its turn."""
    running: list[int] = []

    async def one_at_a_time(raw: bytes, address: str) -> bytes:
        running.append(1)
        assert sum(running) == 1
        await asyncio.sleep(0)
        running.append(-1)
        return raw

    with listening(one_at_a_time) as wire, connected(wire.port) as sender:
        sender.sendall(b"".join(frame(b"%d" % n) for n in range(200)))
        assert receive(sender, 200) == [b"%d" % n for n in range(200)]


def test_junk_is_reported_and_the_message_behind_it_answered() -> None:
    """Bytes before VT become a visible fault, and the final CR may be missing."""
    with listening(echo) as wire, connected(wire.port) as sender:
        sender.sendall(b"MSH|unframed\r\x0bone\x1c\x0btwo\x1c")
        assert receive(sender, 2) == [b"one", b"two"]
        fault = wire.wait_fault()
        assert (fault.reason, fault.data) == ("bytes outside any message", b"MSH|unframed\r")
        assert fault.address.startswith("127.0.0.1:")


def test_endless_junk_ends_the_connection() -> None:
    """A sender that never frames is reported and hung up on, in bounded memory."""
    with listening(echo) as wire, connected(wire.port) as sender:
        sender.sendall(b"GET / HTTP/1.1\r\n" + b"x" * 70000)
        wire.wait_fault()
        assert receive(sender) == []


def test_a_message_beyond_the_limit_is_refused_and_the_connection_kept() -> None:
    """The answer is AR for the right control id, the beginning is kept, the next message is served."""
    big = sample("oru_r01") + b"OBX|9|ED|x||" + b"A" * 200_000 + b"\r"
    with listening(accept, Limits(frame=100_000)) as wire, connected(wire.port) as sender:
        sender.sendall(frame(big) + frame(sample("adt_a01")))
        first, second = receive(sender, 2)
        assert verdict(first) == ["AR", "S-R01"]
        assert b"more than the 100000 allowed" in first
        assert verdict(second) == ["AA", "S-A01"]
        fault = wire.wait_fault()
        assert (fault.size, len(fault.data)) == (len(big), 65536)


def test_a_message_of_twenty_megabytes_passes() -> None:
    """The default limit is far beyond what other servers take."""
    size = 20 * 1024 * 1024

    async def measure(raw: bytes, address: str) -> bytes:
        return b"%d" % len(raw)

    with listening(measure) as wire, connected(wire.port) as sender:
        sender.sendall(frame(b"M" * size))
        assert receive(sender) == [b"%d" % size]


def test_a_connection_that_ends_within_a_message_leaves_a_trace() -> None:
    """Half a message is reported with its bytes."""
    with listening(echo) as wire:
        with connected(wire.port) as sender:
            sender.sendall(b"\x0bMSH|half")
        fault = wire.wait_fault()
        assert (fault.reason, fault.data) == ("the connection ended within a message", b"MSH|half")


def test_a_reset_connection_leaves_a_trace() -> None:
    """A connection that breaks hard is no different."""
    with listening(echo) as wire:
        with connected(wire.port) as sender:
            sender.sendall(b"\x0bone\x1c\r\x0bMSH|half")
            assert receive(sender) == [b"one"]
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert wire.wait_fault().data == b"MSH|half"


def test_silence_within_a_message_ends_the_connection() -> None:
    """A sender that stalls is hung up on, and what it sent is reported."""
    with listening(echo, Limits(stall=0.05)) as wire, connected(wire.port) as sender:
        sender.sendall(b"\x0bMSH|slow")
        assert receive(sender) == []
        assert wire.wait_fault().reason == "the sender went silent within a message"


def test_an_idle_connection_is_closed_without_a_fault() -> None:
    """Nothing was lost when nothing was begun."""
    with listening(echo, Limits(idle=0.05)) as wire, connected(wire.port) as sender:
        assert receive(sender) == []
        assert wire.faults == []


def test_a_sender_that_does_not_read_its_answers_is_hung_up_on() -> None:
    """Answers that nobody takes do not fill memory."""
    answer = b"x" * 8_000_000

    async def talkative(raw: bytes, address: str) -> bytes:
        return answer

    with listening(talkative, Limits(stall=0.2)) as wire, connected(wire.port) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sender.sendall(frame(b"one") + frame(b"two") + frame(b"three"))
        while wire.listener.tasks:
            threading.Event().wait(0.01)
        with pytest.raises(ConnectionError):
            sender.sendall(b"x" * 50_000_000)


def test_a_busy_connection_is_not_read_from() -> None:
    """While a message is in hand its sender is held back by TCP, not by our memory."""
    release = threading.Event()

    async def slow(raw: bytes, address: str) -> bytes:
        await asyncio.to_thread(release.wait)
        return raw[:3]

    with listening(slow) as wire, connected(wire.port) as sender:
        sender.sendall(frame(b"one"))
        sender.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sender.sendall(frame(b"y" * 30_000_000))
        release.set()


def test_a_handler_that_fails_is_answered_and_the_connection_kept() -> None:
    """A fault of ours is AE without its inside; one of the six errors has its own code."""

    async def failing(raw: bytes, address: str) -> bytes:
        if b"ADT" in raw:
            raise Unavailable("the database is away")
        raise RuntimeError("secret")

    with listening(failing) as wire, connected(wire.port) as sender:
        sender.sendall(frame(sample("adt_a01")) + frame(sample("oru_r01")))
        first, second = receive(sender, 2)
        assert verdict(first) == ["AE", "S-A01"]
        assert b"the database is away" in first
        assert verdict(second) == ["AE", "S-R01"]
        assert b"secret" not in second


def test_a_fault_that_cannot_be_recorded_does_not_stop_the_connection() -> None:
    """The next message is served all the same."""

    async def failing(fault: mllp.Fault) -> None:
        raise RuntimeError("no room")

    with listening(echo) as wire, connected(wire.port) as sender:
        wire.listener.notice = failing
        sender.sendall(b"junk\x0bone\x1c\r")
        assert receive(sender) == [b"one"]


def test_connections_beyond_the_limit_are_refused() -> None:
    """One too many is hung up on; when another has gone there is room again."""
    with listening(echo, Limits(connections=1)) as wire:
        with connected(wire.port) as first:
            first.sendall(frame(b"a"))
            assert receive(first) == [b"a"]
            with connected(wire.port) as second:
                assert receive(second) == []
        while wire.listener.tasks:
            threading.Event().wait(0.01)
        with connected(wire.port) as third:
            third.sendall(frame(b"b"))
            assert receive(third) == [b"b"]


def test_closing_answers_the_message_in_hand() -> None:
    """The server stops listening, hangs up on the idle, finishes what it began, and reports what was half sent."""
    started, release = threading.Event(), threading.Event()

    async def slow(raw: bytes, address: str) -> bytes:
        started.set()
        await asyncio.to_thread(release.wait)
        return raw

    with (
        listening(slow) as wire,
        connected(wire.port) as busy,
        connected(wire.port) as idle,
        connected(wire.port) as half,
    ):
        half.sendall(b"\x0bhalf")
        busy.sendall(frame(b"one"))
        assert started.wait(10)
        while len(wire.listener.tasks) < 3:
            threading.Event().wait(0.01)
        port = wire.port
        closing = wire.close()
        assert receive(idle) == []
        assert receive(half) == []
        with pytest.raises(ConnectionError), connected(port):
            pass
        release.set()
        assert receive(busy) == [b"one"]
        closing.result(10)
        assert wire.wait_fault().data == b"half"


def test_closing_does_not_wait_for_ever() -> None:
    """A message that takes longer than the grace is left to be sent again."""
    started = threading.Event()

    async def stuck(raw: bytes, address: str) -> bytes:
        started.set()
        await asyncio.sleep(3600)
        return raw

    with listening(stuck, Limits(grace=0.05)) as wire, connected(wire.port) as sender:
        sender.sendall(frame(b"one"))
        assert started.wait(10)
        wire.close().result(10)
        assert receive(sender) == []
        assert wire.listener.tasks == set()


def test_a_blocking_handler_runs_in_threads_once_per_message() -> None:
    """`threaded` hands each message of a batch to the hub's blocking entrance, with the envelope of the wire."""
    taken: list[tuple[bytes, Envelope]] = []

    def take(raw: bytes, envelope: Envelope) -> bytes:
        taken.append((raw, envelope))
        return acks.answer(raw, Report())

    with (
        ThreadPoolExecutor(2) as threads,
        listening(mllp.threaded(take, threads)) as wire,
        connected(wire.port) as sender,
    ):
        sender.sendall(frame(sample("batch")) + frame(sample("adt_a01")))
        batch, single = receive(sender, 2)
    assert re.findall(rb"MSA\|AA\|([^\r]*)", batch) == [b"B-1", b"B-2"]
    assert verdict(single) == ["AA", "S-A01"]
    assert len(taken) == 3
    assert taken[0][1].content_type == "application/hl7-v2"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and its key, made for this run."""
    return certify(tmp_path_factory.mktemp("tls"))


def peer_of(port: int, folder: Path, **settings: str) -> Peer:
    """Our server as a peer over TLS."""
    return Peer(1, "lab", "Lab", "hl7v2", f"mllps://localhost:{port}", {"tls_ca": str(folder / "cert"), **settings})


def test_a_second_answer_that_fails_says_so() -> None:
    """The first answer is out when the second fails: AE comes in its place, and the connection goes on."""

    async def fail() -> bytes:
        raise RuntimeError("no answer")

    async def twice(raw: bytes, address: str) -> mllp.Two[Awaitable[bytes]]:
        return mllp.Two(b"first", fail)

    with listening(twice) as wire, connected(wire.port) as sender:
        for _ in range(2):
            sender.sendall(frame(sample("adt_a01")))
            first, second = receive(sender, 2)
            assert first == b"first"
            assert b"MSA|AE|S-A01" in second


def test_tls_both_ways(certificates: Path) -> None:
    """Over TLS the client verifies the server, and the server the client, by their certificates."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "cert")
    context.load_cert_chain(certificates / "cert", certificates / "key")
    context.verify_mode = ssl.CERT_REQUIRED
    outgoing = Outgoing(sample("adt_a01"), "application/hl7-v2", "S-A01", "ADT^A01")
    own = {"tls_certificate": str(certificates / "cert"), "tls_key": str(certificates / "key"), "timeout": "10"}
    with listening(accept, tls=context) as wire:
        assert sending.send(outgoing, peer_of(wire.port, certificates, **own)).accepted
        with pytest.raises(Unavailable):
            sending.send(outgoing, peer_of(wire.port, certificates))
        client.hang_up()
