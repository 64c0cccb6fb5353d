"""A server of ours on a real port for a test, and a bare socket to speak to it."""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.hl7v2 import mllp
from adapters.hl7v2.mllp import Fault, Handle, Limits

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    """The bytes of a sample message."""
    return (SAMPLES / f"{name}.hl7").read_bytes()


@dataclass(slots=True)
class Wire:
    """A running server: its port, the faults it reported, and a way to run things on its loop."""

    loop: asyncio.AbstractEventLoop
    listener: mllp.Listener
    faults: list[Fault] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """The port to connect to."""
        return self.listener.port

    def close(self) -> "Future[None]":
        """Begin to close the server."""
        return asyncio.run_coroutine_threadsafe(self.listener.close(), self.loop)

    def wait_fault(self) -> Fault:
        """The first fault, waited for."""
        assert self.told.wait(10), "no fault was reported"
        return self.faults[0]


@contextmanager
def listening(handle: Handle, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """Run the MLLP server in a thread of its own for the length of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    faults: list[Fault] = []
    told = threading.Event()

    async def notice(fault: Fault) -> None:
        faults.append(fault)
        told.set()

    def run(task: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(task, loop).result(20)

    wire = Wire(loop, run(mllp.serve("127.0.0.1", 0, handle, notice, limits, tls)), faults, told)
    try:
        yield wire
    finally:
        run(wire.listener.close())
        run(turn())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def certify(folder: Path) -> Path:
    """Write a certificate for localhost (`cert`) and its key (`key`) into `folder`; skip without openssl."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    try:
        subprocess.run([*command, "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return folder


async def turn() -> None:
    """Let connections that the system accepted in the last moment arrive and be closed."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A bare connection that gives up reading after ten seconds."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as opened:
        yield opened


def receive(connection: socket.socket, blocks: int = 1) -> list[bytes]:
    """The messages of the next blocks from `connection`; fewer when it ends first."""
    data = b""
    while data.count(b"\x1c\r") < blocks:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return [block.removeprefix(b"\x0b") for block in data.split(b"\x1c\r") if block]


@contextmanager
def answering(script: Callable[[socket.socket, bytes], object]) -> Iterator[int]:
    """A receiver on a port of its own that runs `script(connection, bytes so far)` for each message it gets."""
    server = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        with closing(connection):
            data = b""
            while more := connection.recv(65536):
                data += more
                if data.endswith(b"\x1c\r"):
                    if script(connection, data) == "hang up":
                        return
                    data = b""

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=quietly, args=(talk, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()
        for connection in connections:
            connection.close()


def quietly(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    """Run `talk`; the test's end may close the connection under it."""
    try:
        talk(connection)
    except OSError:
        return
