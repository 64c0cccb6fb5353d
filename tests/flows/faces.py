"""A face of the hub on a real socket, behind a door that lets everybody in."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.contract import Access, Face
from tracker_core.context import User
from tracker_core.errors import HubError, wording

ADMIN = User("admin", "admin", frozenset({"ALL"}))


def as_user(app: ASGIApp) -> ASGIApp:
    """Let administrators in, and with the header `x-peer` a user of that peer."""

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            peer = dict(scope["headers"]).get(b"x-peer")
            scope.setdefault("state", {})["user"] = User("u", "user", peer=int(peer)) if peer else ADMIN
        await app(scope, receive, send)

    return inner


@contextmanager
def serving(face: Face, access: Access) -> Iterator[httpx.Client]:
    """Yield a client of `face`, served on a port of its own."""

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, HubError)
        body, kind = face.refuse(wording(error).http, error.detail)
        return Response(body, wording(error).http, media_type=kind)

    app = Starlette(routes=face.routes(access), middleware=[Middleware(as_user)], exception_handlers={HubError: known})
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as opened:
        yield opened
    running.should_exit = True
    thread.join()
    listening.close()
