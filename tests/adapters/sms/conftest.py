"""A gateway as the public ones behave: it texts once per key, and it can be told to fail."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tracker_core.context import Peer


@dataclass
class Gateway:
    """A listening gateway: what it was sent, what it texted (once per key), and the faults it makes next."""

    address: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    texted: dict[str, bytes] = field(default_factory=dict)
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    hang_up: int = 0

    def peer(self, **settings: Any) -> Peer:
        """The gateway as a peer of the hub."""
        return Peer(1, "sms", "Gateway", "sms", self.address, settings, "s3cret")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway on a port of its own."""
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.requests.append((dict(self.headers.items()), body))
            if state.faults:
                self.reply(*state.faults.pop(0))
                return
            state.texted.setdefault(self.headers["Idempotency-Key"], body)
            if state.hang_up:
                state.hang_up -= 1
                self.close_connection = True
                return
            self.reply(202, json.dumps({"messages": [{"status": "queued"}]}).encode())

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}/send"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
