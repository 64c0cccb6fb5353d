"""The DHIS2 face over the hub's own flow and a real database."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.dhis2 import ADAPTER
from hub.access import HubAccess
from hub.runtime import Runtime
from tests.samples.metadata import country
from tracker_core import history, metadata, users
from tracker_core.context import User
from tracker_core.database import Pool, transaction


def logged_in(app: ASGIApp, user: User) -> ASGIApp:
    """Let every request come from `user`."""

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            Request(scope).state.user = user
        await app(scope, receive, send)

    return known


@pytest.fixture
def way(pool: Pool, tmp_path: Path) -> HubAccess:
    """The way in, over the invented country and a user `tester` with all authorities."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        metadata.import_objects(session, history.open_change_set(session, actor="system"), country())
        users.create(session, "tester", "secret", ["ALL"], doc={"firstName": "Test", "surname": "Er"})
    return HubAccess(Runtime(pool, {ADAPTER.name: ADAPTER}, files=tmp_path / "files"))


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

    def put(self, path: str, **options: Any) -> httpx.Response:
        """PUT."""
        return asyncio.run(self.call("PUT", path, options))

    def patch(self, path: str, **options: Any) -> httpx.Response:
        """PATCH, as a JSON Patch unless `headers` say otherwise."""
        options.setdefault("headers", {"content-type": "application/json-patch+json"})
        return asyncio.run(self.call("PATCH", path, options))

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE."""
        return asyncio.run(self.call("DELETE", path, options))

    async def call(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        """Send one request through the application."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.example") as client:
            return await client.request(method, path, **options)


def client_of(way: HubAccess, authorities: Sequence[str], username: str = "tester") -> Client:
    """Return a client of the face whose user has `authorities`."""
    assert ADAPTER.face is not None
    user = User("UsTester001", username, frozenset(authorities))
    return Client(Starlette(routes=list(ADAPTER.face.routes(way)), middleware=[Middleware(logged_in, user)]))


@pytest.fixture
def client(way: HubAccess) -> Client:
    """A client of the face, logged in as `tester` with all authorities."""
    return client_of(way, ["ALL"])


@pytest.fixture
def limited(way: HubAccess) -> Client:
    """A client of the face whose user has no authority."""
    with transaction(way.runtime.pool) as session:
        users.create(session, "limited", "secret")
    return client_of(way, [], "limited")


@pytest.fixture
def stranger(way: HubAccess) -> Client:
    """A client of the face whose user works at Clinic Cedar alone, without any authority."""
    with way.session() as session:
        users.create(session, "stranger", "secret", doc={"organisationUnits": [{"id": "OuClinicC00"}]})
    return client_of(way, [], "stranger")
