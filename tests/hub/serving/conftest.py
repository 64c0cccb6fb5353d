"""Hubs as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from hub import embedded

ROOT = Path(__file__).parents[3]
PASSWORD = "secret"
SB, EB = b"\x0b", b"\x1c\r"


class HubProcess:
    """`tracker-hub` with these arguments, as a process of its own."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_HUB_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub", *arguments],
            cwd=ROOT,
            env={**inherited, "PYTHONPATH": str(ROOT), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed: list[str] = []
        self.url = ""
        self.mllp = ("", 0)

    def wait_until_up(self) -> "HubProcess":
        """Return when the hub has said where it serves; fail when it ends instead."""
        assert self.process.stdout
        while not (self.printed and self.printed[-1].startswith("ready")):
            line = self.process.stdout.readline()
            if not line:
                _, err = self.process.communicate()
                pytest.fail(f"the hub ended with {self.process.returncode}: {err}")
            self.printed.append(line.rstrip())
            kind, _, where = line.strip().partition(" ")
            if kind == "HTTP":
                self.url = where.strip()
            elif kind == "MLLP":
                host, _, port = where.strip().rpartition(":")
                self.mllp = (host, int(port))
        return self

    def client(self) -> httpx.Client:
        """Return an HTTP client that is logged in as admin."""
        return httpx.Client(base_url=self.url, auth=("admin", PASSWORD), timeout=30)

    def ask_mllp(self, message: bytes) -> bytes:
        """Send one message over MLLP; return the answer without its frame."""
        with socket.create_connection(self.mllp, timeout=30) as wire:
            wire.sendall(SB + message + EB)
            answer = b""
            while not answer.endswith(EB):
                part = wire.recv(65536)
                if not part:
                    break
                answer += part
        return answer.removeprefix(SB).removesuffix(EB)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal, wait for the end, return exit code and stderr."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait for the end, return exit code and stderr."""
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


Start = Callable[..., HubProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that starts `tracker-hub`; what it started is ended after the test."""
    started: list[HubProcess] = []

    def begin(*arguments: str, **environ: str) -> HubProcess:
        started.append(HubProcess(*arguments, **environ))
        return started[-1]

    yield begin
    for hub in started:
        if hub.process.returncode is None:
            hub.end(signal.SIGKILL)


@pytest.fixture
def serve(start: Start, data: Path) -> Start:
    """A function that starts a hub on `data` and free ports."""

    def begin(*arguments: str, **environ: str) -> HubProcess:
        ports = ["--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0"]
        known = {"TRACKER_HUB_ADMIN_PASSWORD": PASSWORD, **environ}
        return start("serve", "--data", str(data), *ports, *arguments, **known)

    return begin


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that does not exist yet."""
    with embedded.scratch() as made:
        yield made / "data"


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; the test's own time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.1)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """The function `wait_for`."""
    return wait_for
