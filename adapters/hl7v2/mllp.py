"""The MLLP server: messages off the wire in order, one answer each, nothing lost without a trace."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from adapters.contract import Envelope
from adapters.hl7v2 import acks, batches
from adapters.hl7v2.framing import FRAME_LIMIT, KEPT, Deframer, Piece, frame
from tracker_core.issues import Report

log = logging.getLogger(__name__)

CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that never became a message: why, from where, the first 64 KiB of them, and how many there were."""

    reason: str
    address: str
    data: bytes
    size: int


Later = TypeVar("Later")


@dataclass(frozen=True, slots=True)
class Two(Generic[Later]):
    """Two answers to one message: the first as it is, and what gives the second once the message was dealt with."""

    first: bytes
    rest: Callable[[], Later]


Take: TypeAlias = Callable[[bytes, Envelope], bytes | Two[bytes]]
Handle: TypeAlias = Callable[[bytes, str], Awaitable[bytes | Two[Awaitable[bytes]]]]
Notice: TypeAlias = Callable[[Fault], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server allows. `frame` in bytes, the rest but `connections` in seconds.

    `idle` between messages, `stall` within a message and for a sender that does not read its answers, `grace` for the
    messages in hand when the server closes.
    """

    frame: int = FRAME_LIMIT
    idle: float = 3600.0
    stall: float = 60.0
    grace: float = 10.0
    connections: int = 1000


@dataclass(slots=True, eq=False)
class Listener:
    """A running server; `close` ends it."""

    handle: Handle
    notice: Notice
    limits: Limits
    server: asyncio.Server | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    busy: set[asyncio.Task[None] | None] = field(default_factory=set)
    closing: bool = False

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self.server is not None
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening, let the messages in hand be answered within the grace, and hang up."""
        self.closing = True
        if self.server is not None:
            self.server.close()
        for task in self.tasks - self.busy:
            task.cancel()
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=self.limits.grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a conversation, or hang up on one too many."""
        if self.closing or len(self.tasks) >= self.limits.connections:
            log.warning("MLLP connection refused: %d are open", len(self.tasks))
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(converse(self, reader, writer))
        self.tasks.add(task)

        def forget(ended: asyncio.Task[None]) -> None:
            self.tasks.discard(ended)
            writer.close()  # a task that was cancelled before its first step has closed nothing

        task.add_done_callback(forget)


async def serve(
    host: str,
    port: int,
    handle: Handle,
    notice: Notice,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> Listener:
    """Listen for MLLP on `host` and `port` (0 picks one) and return the running server.

    `handle(message, address)` returns the answer, empty for none, or two of them; messages of one connection are
    handled one after the other, and nothing more is read from a connection while it is busy. When it raises, the
    answer says so.
    `notice` is told of everything that arrived and was no message. A frame beyond the limit is answered AR and
    the connection goes on. With `tls` the server speaks TLS; client certificates are as that context demands.
    Raises `OSError` when the address cannot be had.
    """
    listener = Listener(handle, notice, limits or Limits())
    listener.server = await asyncio.start_server(listener.connect, host, port, limit=CHUNK, ssl=tls)
    return listener


def threaded(take: Take, executor: Executor) -> Handle:
    """Return a handler that runs the blocking `take(message, envelope)` on `executor`, once per message of a batch."""

    async def handle(raw: bytes, address: str) -> bytes | Two[Awaitable[bytes]]:
        envelope = Envelope(content_type="application/hl7-v2", headers={"mllp": address})
        loop = asyncio.get_running_loop()
        answered = await loop.run_in_executor(executor, take_in_turn, take, raw, envelope)
        if isinstance(answered, Two):
            return Two(answered.first, partial(loop.run_in_executor, executor, answered.rest))
        return answered

    return handle


def take_in_turn(take: Take, raw: bytes, envelope: Envelope) -> bytes | Two[bytes]:
    """Take one message, or those of a batch, each of which has one answer: its last one."""
    if not batches.is_batch(raw):
        return take(raw, envelope)

    def last(message: bytes) -> bytes:
        answered = take(message, envelope)
        return (answered.rest() or answered.first) if isinstance(answered, Two) else answered

    return batches.answer_all(raw, last)


async def converse(listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it ends, is idle for too long, or the server closes."""
    address = address_of(writer)
    frames = Deframer(listener.limits.frame)
    reason = "the connection ended within a message"
    try:
        while not listener.closing and (data := await read(reader, frames, listener.limits)):
            if not await take_all(listener, frames.feed(data), address, writer):
                break
    except TimeoutError:
        reason = "the sender went silent within a message"
    except (OSError, ssl.SSLError) as error:
        reason = f"the connection broke within a message: {error}"
    except asyncio.CancelledError:
        reason = "the server closed within a message"
    finally:
        for piece in frames.leftover():
            await tell(listener, reason if piece.kind == "fragment" else "bytes outside any message", address, piece)
        await hang_up(writer, listener.limits.stall)


async def hang_up(writer: asyncio.StreamWriter, patience: float) -> None:
    """Close a connection when the other side has taken what was written to it, or has had its time for that."""
    writer.close()
    try:
        async with asyncio.timeout(patience):
            await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.CancelledError):
        writer.transport.abort()


async def read(reader: asyncio.StreamReader, frames: Deframer, limits: Limits) -> bytes:
    """Return the next bytes, empty at the end. Raises `TimeoutError`."""
    patience = limits.stall if frames.inside else limits.idle
    async with asyncio.timeout(patience):
        return await reader.read(CHUNK)


async def take_all(listener: Listener, pieces: list[Piece], address: str, writer: asyncio.StreamWriter) -> bool:
    """Answer `pieces` in order; tell whether the connection is still worth keeping."""
    task = asyncio.current_task()
    listener.busy.add(task)
    try:
        for piece in pieces:
            answered = await take(listener, piece, address)
            if isinstance(answered, Two):
                await say(listener, writer, answered.first)
                answered = await finish(answered, piece, address)
            await say(listener, writer, answered)
            if piece.kind == "junk" and piece.size > KEPT:
                return False
    finally:
        listener.busy.discard(task)
    return True


async def say(listener: Listener, writer: asyncio.StreamWriter, answer: bytes) -> None:
    """Write an answer, if there is one, and wait until the sender takes it. Raises `TimeoutError`."""
    if answer:
        writer.write(frame(answer))
        async with asyncio.timeout(listener.limits.stall):
            await writer.drain()


async def finish(answered: Two[Awaitable[bytes]], piece: Piece, address: str) -> bytes:
    """Return the second answer."""
    try:
        return await answered.rest()
    except Exception as error:
        log.exception("a message from %s could not be handled", address)
        return acks.answer(piece.data, Report(), error)


async def take(listener: Listener, piece: Piece, address: str) -> bytes | Two[Awaitable[bytes]]:
    """Return the answer, or the answers, to one piece; empty where there is nobody to answer."""
    if piece.kind == "frame":
        try:
            return await listener.handle(piece.data, address)
        except Exception as error:
            log.exception("a message from %s could not be handled", address)
            return acks.answer(piece.data, Report(), error)
    if piece.kind == "oversize":
        text = f"the message has {piece.size} bytes, more than the {listener.limits.frame} allowed"
        await tell(listener, text, address, piece)
        return acks.refuse(piece.data, "AR", "207", text)
    reasons = {"fragment": "a new message began before this one ended", "junk": "bytes outside any message"}
    await tell(listener, reasons[piece.kind], address, piece)
    return b""


async def tell(listener: Listener, reason: str, address: str, piece: Piece) -> None:
    """Report a piece that became no message; a report that fails is logged, and the connection goes on."""
    try:
        await listener.notice(Fault(reason, address, piece.data, piece.size))
    except Exception:
        log.exception("a framing fault from %s could not be recorded: %s", address, reason)


def address_of(writer: asyncio.StreamWriter) -> str:
    """Return `host:port` of the other side, and keep dead connections from staying open for ever."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    name = writer.get_extra_info("peername") or ("unknown", 0)
    return f"{name[0]}:{name[1]}"
