"""The edge around a small format of our own: what it does does not depend on which faces it serves."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from adapters.contract import Accepted, Access, Adapter, Envelope, Face, Identity, Reading
from hub import app
from hub.edge.health import database_answers
from hub.runtime import Runtime
from hub.settings import Settings
from tracker_core import users
from tracker_core.context import User
from tracker_core.database import AsyncPool, Pool, Session, transaction
from tracker_core.errors import Conflict, Unavailable
from tracker_core.issues import Report


class Count(BaseModel):
    """A body with a shape."""

    count: int


def echo_routes(access: Access) -> list[Route]:
    """The routes of the format `echo`."""

    async def echo(request: StarletteRequest) -> Response:
        body = await request.body()
        headers = {"x-encoding": request.headers.get("content-encoding", ""), "x-user": request.state.user.username}
        return Response(body, headers=headers)

    async def fail(request: StarletteRequest) -> Response:
        raise {"conflict": Conflict("seen before", "line 3"), "away": Unavailable("asleep")}.get(
            request.path_params["how"], RuntimeError("a bug")
        )

    async def hello(request: StarletteRequest) -> Response:
        return JSONResponse("hello")

    return [
        Route("/echo", echo, methods=["POST"]),
        Route("/echo/hello", hello),
        Route("/echo/fail/{how}", fail),
        Route("/files", echo, methods=["POST"]),
    ]


def refuse_echo(status: int, text: str) -> tuple[bytes, str]:
    """Refuse in the format's own words."""
    return f"<no status='{status}'>{text}</no>".encode(), "application/echo+xml"


def unused(*_: object) -> bytes:
    """The flow is not what is tested here."""
    return b""


def adapter(name: str, face: Face) -> Adapter:
    """Return a format that has nothing but its face."""
    return Adapter(name, ("text/plain",), lambda *_: Identity(), unused, lambda *_: Reading(), unused, face=face)


class Entrance:
    """`Access` for faces that use none of it."""

    direct: AsyncPool | None = None

    def accept(self, format_: str, raw: bytes, envelope: Envelope, user: User, peer: str = "") -> Accepted:
        """Take nothing."""
        return Accepted(0, Report(), b"")

    def reading(self) -> AbstractContextManager[Session]:
        """Give no session."""
        raise Unavailable("no session")

    def session(self) -> AbstractContextManager[Session]:
        """Give no session."""
        raise Unavailable("no session")


def administration() -> APIRouter:
    """A stand-in for `/hub`."""
    router = APIRouter(prefix="/hub")

    @router.get("/me")
    def me(request: Request) -> dict[str, str]:
        return {"username": request.state.user.username}

    @router.post("/count")
    def count(body: Count) -> int:
        if body.count > 9:
            raise Conflict("too many", "count")
        return body.count

    return router


@pytest.fixture
def switches() -> dict[str, bool]:
    """What the health checks answer."""
    return {"worker": True}


@pytest.fixture
def client(pool: Pool, switches: dict[str, bool], serve_http: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    """A client of the application, logged in as admin with the password `secret`."""
    with transaction(pool) as session:
        users.ensure_admin(session, "secret")
    hello = "/echo/hello"
    echo = Face("/echo", "says it again", echo_routes, refuse_echo, public=frozenset({hello}), opens=hello)
    files = Face("/files", "takes files", lambda _: [], refuse_echo, files_at=("/files",))
    runtime = Runtime(pool, {"echo": adapter("echo", echo), "files": adapter("files", files)})
    checks = {"database": lambda: database_answers(pool), "worker": lambda: switches["worker"]}
    built = app.build(Settings(body_limit=1, upload_limit=2), runtime, Entrance(), checks, administration())
    with httpx.Client(base_url=serve_http(built), auth=("admin", "secret")) as opened:
        yield opened
