"""HL7 v2 over HTTP: the semantics of the wire behind a request."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from adapters.contract import Accepted, Envelope, Outgoing
from adapters.hl7v2 import ADAPTER, sending
from adapters.hl7v2.http import refuse, routes
from tests.adapters.hl7v2.wire import sample
from tracker_core.context import Peer, User
from tracker_core.database import AsyncPool, Session
from tracker_core.errors import Conflict, Unavailable, Unsupported
from tracker_core.issues import Report

ADMIN = User("u", "admin", frozenset({"ALL"}))


@dataclass
class Access:
    """A way in that remembers what came, and ends as told."""

    taken: list[tuple[bytes, Envelope, str]] = field(default_factory=list)
    report: Report = field(default_factory=Report)
    error: Exception | None = None
    away: bool = False
    direct: AsyncPool | None = None

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Remember, and answer through the adapter."""
        if self.away:
            raise Unavailable("the database is away")
        self.taken.append((raw, envelope, peer))
        return Accepted(1, self.report, ADAPTER.answer(raw, envelope, self.report, self.error), self.error)

    def reading(self) -> AbstractContextManager[Session]:
        """Nothing is read here."""
        raise AssertionError("no reads")

    def session(self) -> AbstractContextManager[Session]:
        """Nothing is read here."""
        raise AssertionError("no reads")


def post(
    access: Access, content: bytes, target: str = "/hl7v2", content_type: str = "application/hl7-v2", user: User = ADMIN
) -> httpx.Response:
    """The response of the face behind a login that always succeeds."""
    app = Starlette(routes=list(routes(access)))

    async def login(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, "state": {"user": user}}, receive, send)

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=login)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
            return await http.post(target, content=content, headers={"content-type": content_type})

    return asyncio.run(request())


def test_a_message_is_taken_and_acknowledged() -> None:
    """200 with AA; the peer is named by the message, the envelope is the request."""
    access = Access()
    response = post(access, sample("adt_a01"), "/hl7v2?acks=enhanced")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/hl7-v2")
    assert b"MSA|AA|S-A01" in response.content
    ((raw, envelope, peer),) = access.taken
    assert (raw, peer) == (sample("adt_a01"), "CLINIC|KIVU-HC")
    assert (envelope.method, envelope.parameters) == ("POST", {"acks": "enhanced"})


def test_a_caller_with_a_peer_of_its_own_cannot_speak_for_another() -> None:
    """The login decides, not what the message claims."""
    access = Access()
    post(access, sample("adt_a01"), user=User("u", "lab", frozenset(), peer=7))
    assert access.taken[0][2] == ""


def test_every_message_of_a_batch_is_taken_by_itself() -> None:
    """A batch is answered by a batch."""
    access = Access()
    response = post(access, sample("batch"), "/hl7v2/", "x-application/hl7-v2+er7")
    assert len(access.taken) == 2
    assert response.content.startswith(b"BHS|")
    assert response.content.count(b"MSA|AA|") == 2


@pytest.mark.parametrize(
    ("access", "status", "code"),
    [
        (Access(report=Report(rejected=True)), 422, b"MSA|AE|"),
        (Access(error=Unsupported("no", "MSH-9.2")), 422, b"MSA|AR|"),
        (Access(error=Conflict("sent before")), 409, b"MSA|AE|"),
        (Access(error=ValueError("bug")), 500, b"MSA|AE|"),
        (Access(away=True), 503, b"MSA|AE|"),
    ],
)
def test_a_refusal_has_its_status_and_its_acknowledgement(access: Access, status: int, code: bytes) -> None:
    """Both layers say the same."""
    response = post(access, sample("adt_a01"))
    assert response.status_code == status
    assert code in response.content


def test_another_content_type_is_refused_in_hl7() -> None:
    """415, with an acknowledgement that says what to send."""
    access = Access()
    response = post(access, b"{}", content_type="application/json")
    assert response.status_code == 415
    assert b"MSA|AR" in response.content
    assert access.taken == []
    assert b"MSA|AE" in refuse(503, "away")[0]


def test_no_answer_is_no_content() -> None:
    """A sender that wants no acknowledgement gets 204."""
    raw = b"MSH|^~\\&|LAB|KIVU|HUB|MOH|20260305||ADT^A08|1|P|2.5|||NE|NE\rPID|||1\r"
    assert post(Access(), raw, "/hl7v2?acks=enhanced").status_code == 204


@contextmanager
def receiver(status: int, body: bytes) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An HTTP receiver that answers this; yields its address and the headers it saw."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append({name.lower(): text for name, text in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hl7v2", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


MESSAGE = Outgoing(sample("adt_a01"), "application/hl7-v2", "S-A01", "ADT^A01")
ACK = b"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|%b|S-A01\r"


@pytest.mark.parametrize(
    ("secret", "settings", "authorization"),
    [(None, {}, None), ("u:p", {}, "Basic dTpw"), ("t", {"auth": "bearer"}, "Bearer t")],
)
def test_a_message_is_sent_by_http(secret: str | None, settings: dict[str, str], authorization: str | None) -> None:
    """The acknowledgement in the body counts; the peer's login goes along."""
    with receiver(200, ACK % b"AA") as (address, seen):
        receipt = sending.send(MESSAGE, Peer(1, "lab", "Lab", "hl7v2", address, settings, secret))
    assert receipt.accepted
    assert seen[0]["content-type"] == "application/hl7-v2"
    assert seen[0].get("authorization") == authorization


def test_what_http_receivers_refuse_or_postpone() -> None:
    """An AE refuses whatever the status, a plain 4xx refuses, a plain 5xx, 429 or empty 200 is asked again."""
    for status, body, outcome in (
        (422, ACK % b"AE", False),
        (404, b"no such page", False),
        (500, b"", None),
        (429, b"", None),
        (200, b"thanks", None),
    ):
        with receiver(status, body) as (address, _):
            peer = Peer(1, "lab", "Lab", "hl7v2", address, {})
            if outcome is None:
                with pytest.raises(Unavailable):
                    sending.send(MESSAGE, peer)
            else:
                assert sending.send(MESSAGE, peer).accepted is outcome


def test_an_http_receiver_that_is_away_is_unavailable() -> None:
    """No connection is asked again."""
    with receiver(200, b"") as (address, _):
        pass
    with pytest.raises(Unavailable):
        sending.send(MESSAGE, Peer(1, "lab", "Lab", "hl7v2", address, {}))
