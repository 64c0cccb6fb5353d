"""A FHIR server on a real socket: the face over a minimal composition of parse, read, apply and answer."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.contract import Accepted, Envelope, Sender
from adapters.fhir import ADAPTER
from tracker_core import history, metadata, peers, records
from tracker_core.context import User
from tracker_core.database import AsyncPool, Pool, Rollback, Session, async_pool, reading, transaction
from tracker_core.errors import HubError, wording
from tracker_core.issues import Report

TESTER = User("tester", "tester", frozenset({"ALL"}))


@dataclass
class Direct:
    """Takes messages in without storing them."""

    pool: Pool
    direct: AsyncPool | None = None

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Process the bytes in one transaction, undone when anything of an atomic set is wrong."""
        report = Report()
        error: HubError | None = None
        try:
            with transaction(self.pool) as session, session.transaction():
                report = self._process(session, raw, envelope)
                if report.rejected:
                    raise Rollback
        except HubError as raised:
            error = raised
        return Accepted(0, report, ADAPTER.answer(raw, envelope, report, error), error)

    def reading(self) -> AbstractContextManager[Session]:
        """Return a session of the pool."""
        return reading(self.pool)

    def session(self) -> AbstractContextManager[Session]:
        """Return a session of the pool."""
        return transaction(self.pool)

    def _process(self, session: Session, raw: bytes, envelope: Envelope) -> Report:
        sender = Sender(peers.ensure(session, "tests", "fhir"), datetime.now(UTC))
        reading = ADAPTER.read(ADAPTER.parse(raw, envelope), sender)
        if reading.rejected:
            return Report(issues=reading.issues, rejected=True)
        context = history.open_change_set(session, "tester", sender.peer)
        applied = records.apply(session, context, reading.changes.records, atomic=reading.changes.atomic)
        issues = [*reading.issues, *applied.issues]
        return Report(applied.outcomes, issues, rejected=reading.changes.atomic and bool(Report(issues=issues).errors))


def as_tester(app: ASGIApp) -> ASGIApp:
    """Let every request in."""

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["user"] = TESTER
        await app(scope, receive, send)

    return inner


def application(pool: Pool) -> Starlette:
    """The face with the hub's ways to answer errors."""
    assert ADAPTER.face is not None
    face = ADAPTER.face

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, HubError)
        body, kind = face.refuse(wording(error).http, error.detail)
        return Response(body, wording(error).http, media_type=kind)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body, kind = face.refuse(error.status_code, str(error.detail))
        return Response(body, error.status_code, media_type=kind)

    direct = async_pool(pool)

    @asynccontextmanager
    async def opened(_: Starlette) -> AsyncIterator[None]:
        async with direct:
            yield

    return Starlette(
        lifespan=opened,
        routes=face.routes(Direct(pool, direct)),
        middleware=[Middleware(as_tester)],
        exception_handlers={HubError: known, HTTPException: refused},
    )


@pytest.fixture
def server(pool: Pool) -> Iterator[str]:
    """The base URL of a FHIR server over this test's database."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application(pool), log_level="error", lifespan="on", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
    running.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def client(server: str) -> Iterator[httpx.Client]:
    """A client of that server; paths are below the FHIR base."""
    with httpx.Client(base_url=server) as opened:
        yield opened
