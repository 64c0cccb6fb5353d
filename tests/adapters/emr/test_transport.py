"""Delivery of rows into folders and over HTTP."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from adapters.contract import Outgoing
from adapters.emr.transport import send
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported

ROWS = Outgoing(b"a,b\r\n", "text/csv; charset=utf-8", "TH/7", "visits")


def peer(address: str | None, secret: str | None = None) -> Peer:
    """An EMR at an address."""
    return Peer(7, "hc1", "x", "emr", address, {}, secret)


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[int]]]:
    """An EMR that takes files by POST: its address, what it got, and the statuses it answers with next."""
    got: list[tuple[dict[str, str], bytes]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.casefold(): text for name, text in self.headers.items()}
            got.append((headers, self.rfile.read(int(headers["content-length"]))))
            self.send_response(statuses.pop(0) if statuses else 201)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/rows", got, statuses
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_files_appear_whole_in_folders(tmp_path: Path, form: str) -> None:
    """A retry replaces the file of its control id; nothing half-written is left."""
    for _ in range(2):
        assert send(ROWS, peer(form.format(tmp_path))).answer == b"TH_7.csv"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("TH_7.csv", b"a,b\r\n")]


def test_absent_folder_is_retried(tmp_path: Path) -> None:
    """A network share may come back."""
    with pytest.raises(Unavailable, match="cannot be written"):
        send(ROWS, peer(str(tmp_path / "absent")))


def test_files_are_posted(server: tuple[str, list[tuple[dict[str, str], bytes]], list[int]]) -> None:
    """Content type, key and credentials go along; 4xx is final, 5xx is not."""
    address, got, statuses = server
    assert send(ROWS, peer(address, "s3cret")).accepted
    headers, body = got[0]
    assert (body, headers["content-type"], headers["idempotency-key"]) == (ROWS.body, ROWS.content_type, "TH/7")
    assert headers["authorization"] == "Bearer s3cret"
    statuses[:] = [400, 503]
    refused = send(ROWS, peer(address))
    assert (refused.accepted, refused.issues[0].text) == (False, "hc1 refused the rows: 400 ok")
    with pytest.raises(Unavailable, match="503"):
        send(ROWS, peer(address))


def test_absent_server_is_retried() -> None:
    """Nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        with pytest.raises(Unavailable, match="cannot be reached"):
            send(ROWS, peer(address))


@pytest.mark.parametrize("address", [None, "ftp://x/", "drop"])
def test_other_addresses_are_refused(address: str | None) -> None:
    """Neither a folder nor http."""
    with pytest.raises(Unsupported, match="neither a folder nor"):
        send(ROWS, peer(address))
