"""Records pushed to another FHIR server, over a real socket."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from adapters.contract import Outgoing, Sender, View
from adapters.fhir import ADAPTER
from adapters.fhir.sending import render, send, write
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported

DOCUMENTS: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p1", "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"}},
    {
        "resourceType": "Observation",
        "id": "o1",
        "meta": {"versionId": "1", "tag": [{"code": "t"}]},
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": Decimal("72.50")},
    },
]


def peer(address: str, secret: str | None = None) -> Peer:
    """A FHIR server as a peer."""
    return Peer(1, "national", "National", "fhir", address, {}, secret)


def outgoing(address: str) -> Outgoing:
    """The two documents, rendered for an address."""
    sender = Sender(peer(address), datetime.now(UTC))
    return Outgoing(render(write(View("person", "", DOCUMENTS), sender, "1"), sender), "application/fhir+json", "1", "")


@dataclass
class Scripted:
    """A server that answers what it is told, and keeps what it was sent."""

    address: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A scripted server on a free port."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            script.seen.append(dict(self.headers.items()))
            self.send_response(script.status)
            for name, value in script.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(script.body)))
            self.end_headers()
            self.wfile.write(script.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.address = f"http://127.0.0.1:{running.server_port}/fhir"
    yield script
    running.shutdown()
    thread.join()
    running.server_close()


def test_pushed_records_arrive(server: str, client: httpx.Client) -> None:
    """A person's records are put under their ids, digits kept; sending them again changes nothing."""
    first = send(outgoing(server), peer(server))
    assert first.accepted
    assert first.items == {"Bundle.entry[0]": "", "Bundle.entry[1]": ""}
    read = client.get("/Observation/o1")
    assert b'"value":72.50' in read.content
    assert read.json()["meta"]["tag"] == [{"code": "t"}]
    assert send(outgoing(server), peer(server)).accepted
    assert client.get("/Observation/o1").headers["etag"] == 'W/"1"'


def test_what_a_receiver_refuses_is_said(server: str) -> None:
    """A refused transaction is final, with the receiver's reasons and places."""
    bad = {"resourceType": "Patient", "id": "p2", "gender": "f"}
    sender = Sender(peer(server), datetime.now(UTC))
    body = render(write(View("record", "Patient", [bad]), sender, "1"), sender)
    receipt = send(Outgoing(body, "application/fhir+json", "1", ""), peer(server))
    assert not receipt.accepted
    assert receipt.issues[0].where == "Bundle.entry[0].resource.gender"


def test_items_and_odd_answers(scripted: Scripted) -> None:
    """Entries that failed are named; an answer that is no JSON is taken by its status."""
    outcome = {"issue": [{"severity": "error", "details": {"text": "no such place"}}, {"severity": "warning"}]}
    entries = [{"response": {"status": "201"}}, {"response": {"status": "422", "outcome": outcome}}, {}]
    scripted.body = json.dumps({"entry": entries}).encode()
    receipt = send(outgoing(scripted.address), peer(scripted.address, "clerk:secret"))
    assert receipt.items == {
        "Bundle.entry[0]": "",
        "Bundle.entry[1]": "no such place",
        "Bundle.entry[2]": "no status",
    }
    assert not receipt.accepted
    assert scripted.seen[0]["authorization"].startswith("Basic ")
    scripted.body = b"<html>"
    assert send(outgoing(scripted.address), peer(scripted.address, "token")).accepted
    assert scripted.seen[1]["authorization"] == "Bearer token"
    scripted.status, scripted.body = 401, b"[]"
    assert send(outgoing(scripted.address), peer(scripted.address)).issues[0].text == "national answered 401"


def test_a_receiver_that_is_away_is_asked_again(scripted: Scripted) -> None:
    """Overload, faults and silence are not refusals."""
    for status, headers, text in (
        (503, {"retry-after": "7"}, "national answered 503, retry after 7 s"),
        (429, {}, "national answered 429"),
    ):
        scripted.status, scripted.headers = status, headers
        with pytest.raises(Unavailable, match=text):
            send(outgoing(scripted.address), peer(scripted.address))
    with pytest.raises(Unavailable, match="cannot be reached"):
        send(outgoing(scripted.address), peer("http://127.0.0.1:1/fhir"))


def test_what_cannot_be_sent() -> None:
    """Only records are sent, and only to http addresses."""
    for address in ("", "ftp://x", "http://x:port"):
        with pytest.raises(Unsupported):
            send(outgoing(address), peer(address))
    with pytest.raises(Unsupported):
        write(View("report", "", []), Sender(peer(""), datetime.now(UTC)), "1")
    assert ADAPTER.write is write
