"""HL7 v2 systems made of others' packages for Node, as senders to the hub and as receivers of what it sends."""

import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Outgoing
from adapters.hl7v2 import client, mllp, sending
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.wire import listen
from tests.adapters.hl7v2.wire import SAMPLES, listening, sample
from tests.contracts.node import installed, run
from tests.flows.test_hl7v2 import WIRE
from tests.flows.test_hl7v2_acks import numbered
from tracker_core import peers
from tracker_core.context import Peer
from tracker_core.database import Pool, transaction
from tracker_core.metadata import bootstrap


@pytest.fixture(scope="module")
def node() -> Path:
    """A folder with the scripts and the packages they need."""
    return installed(Path(__file__).parent / "node", "hl7v2-peers")


@pytest.fixture
def port(pool: Pool) -> Iterator[int]:
    """The MLLP port of a hub that answers twice where it is asked to."""
    with transaction(pool) as session:
        bootstrap(session)
        peers.save(session, "CLINIC|KIVU-HC", "hl7v2", settings={"acks": "enhanced"})
    take = listen(Runtime(pool, ADAPTERS), WIRE)
    with ThreadPoolExecutor(4) as threads, listening(mllp.threaded(take, threads)) as server:
        yield server.port


@pytest.mark.parametrize("name", ["simple", "node"])
def test_senders(name: str, node: Path, port: int) -> None:
    """simple-hl7 and node-hl7-client send an admission and read AA."""
    assert run(node, "send.mjs", name, str(port), str(SAMPLES / "adt_a01.hl7")) == {"first": "AA"}


def test_medplum_takes_two_answers(node: Path, port: int, tmp_path: Path) -> None:
    """Medplum's client sees the accept acknowledgement first, and waits for the application's where it is told to."""
    file = tmp_path / "message.hl7"
    file.write_bytes(numbered("M1", "AL", "AL"))
    assert run(node, "send.mjs", "medplum", str(port), str(file)) == {"first": "CA", "application": "AA"}


@contextmanager
def serving(folder: Path, name: str) -> Iterator[int]:
    """A receiver of this name on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(["node", "serve.mjs", name, str(port)], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        wait_for(port)
        yield port
    finally:
        client.hang_up()
        process.kill()
        process.communicate()


def wait_for(port: int) -> None:
    """Return when somebody listens on `port`."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            continue
        return


@pytest.mark.parametrize("name", ["medplum", "simple", "node"])
def test_receivers(name: str, node: Path) -> None:
    """Each server acknowledges what we send, twice over one line where it keeps it."""
    with serving(node, name) as port:
        settings: dict[str, Any] = {"timeout": 20, "second_timeout": 1}
        peer = Peer(1, "LAB", "", "hl7v2", f"mllp://127.0.0.1:{port}", settings)
        for control_id in ("S-A01", "S-A02"):
            body = sample("adt_a01").replace(b"S-A01", control_id.encode())
            receipt = sending.send(Outgoing(body, "application/hl7-v2", control_id, "ADT^A01"), peer)
            assert receipt.accepted
            assert control_id.encode() in receipt.answer
