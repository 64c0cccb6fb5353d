"""The MLLP server of the `hl7` package as a receiver of what the hub sends."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from hl7.mllp import start_hl7_server
from hl7.mllp.streams import HL7StreamReader, HL7StreamWriter

from adapters.contract import Outgoing
from adapters.hl7v2 import client, sending
from tests.adapters.hl7v2.wire import sample
from tracker_core.context import Peer


async def acknowledge(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
    """Answer every message of one connection."""
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


@pytest.fixture
def port() -> Iterator[int]:
    """The port of such a server, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = start_hl7_server(acknowledge, host="127.0.0.1", port=0, encoding="utf-8")
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    yield server.sockets[0].getsockname()[1]
    client.hang_up()
    loop.call_soon_threadsafe(server.close)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_two_messages_over_one_line(port: int) -> None:
    """Both are acknowledged AA under their own control ids."""
    peer = Peer(1, "LAB", "", "hl7v2", f"mllp://127.0.0.1:{port}", {"timeout": 20})
    for control_id in ("S-A01", "S-A02"):
        body = sample("adt_a01").replace(b"S-A01", control_id.encode())
        receipt = sending.send(Outgoing(body, "application/hl7-v2", control_id, "ADT^A01"), peer)
        assert receipt.accepted
        assert f"MSA|AA|{control_id}".encode() in receipt.answer
