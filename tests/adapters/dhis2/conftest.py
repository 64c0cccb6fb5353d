"""The DHIS2 face over a real database: a way in that parses, reads and applies as the hub does."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.contract import Accepted, Envelope, Sender
from adapters.dhis2 import ADAPTER
from tests.samples.metadata import country
from tracker_core import history, messages, metadata, peers, tracker, users
from tracker_core.context import User
from tracker_core.database import Pool, Session, transaction
from tracker_core.errors import HubError
from tracker_core.issues import Report
from tracker_core.messages import Arrival


@dataclass(frozen=True, slots=True)
class Way:
    """The tracker half of the hub's flow, on one database."""

    pool: Pool

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Store, process, answer."""
        with transaction(self.pool) as session:
            sender = peers.ensure(session, peer or format_, format_)
            about = asdict(envelope)
            [message] = messages.store(session, [Arrival(sender.id, format_, raw, about=about, actor=user.username)])
        report = Report()
        try:
            with transaction(self.pool) as session:
                reading = ADAPTER.read(
                    ADAPTER.parse(raw, envelope), Sender(sender, datetime.now(UTC), envelope.parameters)
                )
                context = history.open_change_set(session, user.username, sender, message.id)
                applied = tracker.apply(session, context, reading.changes)
                report = Report(applied.outcomes, applied.issues)
                report.rejected = reading.changes.atomic and bool(report.errors)
                if report.rejected or reading.dry_run:
                    session.rollback()
        except HubError as error:
            return self.finish(message.id, raw, envelope, Report(rejected=True), error)
        return self.finish(message.id, raw, envelope, report, None)

    def finish(self, id: int, raw: bytes, envelope: Envelope, report: Report, error: HubError | None) -> Accepted:
        """Keep the answer with the message."""
        answer = ADAPTER.answer(raw, envelope, report, error)
        with transaction(self.pool) as session:
            messages.finish(session, id, "rejected" if report.rejected else "done", report.as_json(), answer)
        return Accepted(id, report, answer, error)

    def session(self) -> AbstractContextManager[Session]:
        """A session of its own."""
        return transaction(self.pool)


def logged_in(app: ASGIApp, user: User) -> ASGIApp:
    """Let every request come from `user`."""

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            Request(scope).state.user = user
        await app(scope, receive, send)

    return known


@pytest.fixture
def way(pool: Pool) -> Way:
    """The way in, over the invented country and a user `tester` with all authorities."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        metadata.import_objects(session, history.open_change_set(session, actor="system"), country())
        users.create(session, "tester", "secret", ["ALL"], doc={"firstName": "Test", "surname": "Er"})
    return Way(pool)


@dataclass(frozen=True, slots=True)
class Client:
    """Calls the face as one user."""

    app: ASGIApp

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return asyncio.run(self.call("GET", path, options))

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST."""
        return asyncio.run(self.call("POST", path, options))

    async def call(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        """Send one request through the application."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.example") as client:
            return await client.request(method, path, **options)


def client_of(way: Way, authorities: Sequence[str]) -> Client:
    """Return a client of the face whose user has `authorities`."""
    assert ADAPTER.face is not None
    user = User("UsTester001", "tester", frozenset(authorities))
    return Client(Starlette(routes=list(ADAPTER.face.routes(way)), middleware=[Middleware(logged_in, user)]))


@pytest.fixture
def client(way: Way) -> Client:
    """A client of the face, logged in as `tester` with all authorities."""
    return client_of(way, ["ALL"])


@pytest.fixture
def limited(way: Way) -> Client:
    """A client of the face whose user has no authority."""
    return client_of(way, [])
