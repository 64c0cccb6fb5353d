"""`tracker-hub serve`: database, faces and worker in one process, up together and down together."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from threading import Event, Thread
from types import FrameType
from typing import Any

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from hub import VERSION, admin, app, logs
from hub.access import HubAccess
from hub.database import database
from hub.edge.health import Checks, database_answers
from hub.inbox import watch_inbox
from hub.listening import serve_mllp
from hub.queue.bell import ringing
from hub.registry import runtime_of
from hub.runtime import Runtime, spare_collections
from hub.settings import Address, Settings
from hub.worker import Worker
from tracker_core import metadata, users
from tracker_core.database import async_pool, open_pool, transaction
from tracker_core.errors import Conflict

log = structlog.get_logger()

GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the process listens: a bound HTTP socket, and the MLLP address when it serves MLLP."""

    http: socket.socket
    mllp: Address | None


def serve(settings: Settings) -> None:
    """Run the hub until SIGINT or SIGTERM; return when everything is down.

    Raises `Conflict` for a port or data folder in use, `Forbidden` for a folder that cannot be written, `Unavailable`
    when the database is away.
    """
    logs.configure(settings.log)
    with ExitStack() as stack:
        end_if_asked = stack.enter_context(_ended_by_sigterm())
        doors = stack.enter_context(_doors(settings))
        url = stack.enter_context(database(settings))
        pool = open_pool(url, settings.database_pool)
        stack.callback(pool.close)
        runtime = runtime_of(settings, pool)
        password = first_start(runtime, settings.admin_password)
        spare_collections()
        checks: dict[str, Callable[[], bool]] = {"database": lambda: database_answers(pool)}
        checks |= stack.enter_context(_background(runtime, settings))
        end_if_asked()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, runtime, doors, checks, lambda: _announce(settings, doors, password)))
        log.info("stopping")


def first_start(runtime: Runtime, password: str | None) -> str:
    """Give an empty database its default metadata and the user admin; return a password that was made up, or ''."""
    with transaction(runtime.pool) as session:
        metadata.bootstrap(session)
        chosen = users.ensure_admin(session, password)
    return chosen if chosen and chosen != password else ""


def bind(address: Address, what: str) -> socket.socket:
    """Return a socket bound to `address`. Raises `Conflict` naming the port when that is impossible."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so only for sockets it makes itself
        bound.bind((address.host, address.port))
        bound.listen(1024)
    except OSError as error:
        bound.close()
        raise Conflict(f"cannot serve {what} on {address}: {error.strerror}") from error
    return bound


@contextmanager
def _doors(settings: Settings) -> Iterator[Doors]:
    """Bind first: a port in use is told before anything is started."""
    with bind(settings.http, "HTTP") as http:
        if settings.role == "api":
            yield Doors(http, None)
            return
        with bind(settings.mllp, "MLLP") as mllp:
            taken = replace(settings.mllp, port=mllp.getsockname()[1])
        yield Doors(http, taken)


@contextmanager
def _background(runtime: Runtime, settings: Settings) -> Iterator[dict[str, Callable[[], bool]]]:
    """Run what works beside the faces; yield its health checks.

    Alone, this process is its own worker. With Redis, or in a split role, workers are processes of their own.
    """
    with ExitStack() as stack:
        checks: dict[str, Callable[[], bool]] = {}
        if settings.redis_url:
            stack.enter_context(ringing(runtime, settings.redis_url))
        elif settings.role == "all":
            worker = Worker(runtime)
            worker.start()
            stack.callback(worker.stop)
            checks["worker"] = lambda: worker.alive
        if settings.data and settings.role == "all":
            stopping = Event()
            watcher = Thread(target=watch_inbox, args=(runtime, settings.data / "inbox", stopping), name="inbox")
            watcher.start()
            stack.callback(watcher.join)
            stack.callback(stopping.set)
        yield checks


async def _run(settings: Settings, runtime: Runtime, doors: Doors, checks: Checks, ready: Callable[[], None]) -> None:
    """Serve both faces until a signal comes, then let each end what it has in hand."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    checks = dict(checks)
    async with serve_mllp(runtime, doors.mllp, settings) if doors.mllp else nullcontext() as listener:
        if listener:
            checks["mllp"] = listener.is_serving
        server = _http_server(_application(settings, runtime, checks), settings.trusted_proxies)
        serving = asyncio.create_task(server.serve(sockets=[doors.http]))
        await server.up.wait()
        ready()
        await stop.wait()
        server.should_exit = True
        await serving


def _application(settings: Settings, runtime: Runtime, checks: Checks) -> ASGIApp:
    if settings.role == "mllp":
        return app.build_health(checks)
    access = HubAccess(runtime, async_pool(runtime.pool))
    return app.build(settings, runtime, access, checks, admin.routes_for(runtime))


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: this process has more to stop than HTTP. `up` is set once it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        self.up.set()

    def capture_signals(self) -> Any:
        """Leave the signals alone."""
        return nullcontext()


def _http_server(application: ASGIApp, trusted_proxies: str) -> _Server:
    config = uvicorn.Config(
        application,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="websockets-sansio",
        ws_max_size=65_536,
    )
    return _Server(config)


@contextmanager
def _ended_by_sigterm() -> Iterator[Callable[[], None]]:
    """While starting and stopping, SIGTERM ends the process through its cleanup, as Ctrl-C does.

    Yields what ends it if it was asked before: the exception is lost when the signal meets code that swallows it (a
    finalizer, a callback), and the hub must not come up then.
    """
    asked = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        asked.set()
        raise SystemExit(0)

    def end_if_asked() -> None:
        if asked.is_set():
            raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield end_if_asked
    finally:
        signal.signal(signal.SIGTERM, before)


def _announce(settings: Settings, doors: Doors, password: str) -> None:
    where = Address(settings.http.host, doors.http.getsockname()[1])
    lines = [f"Tracker Hub {VERSION}", f"  HTTP  http://{where}"]
    if doors.mllp:
        lines.append(f"  MLLP  {doors.mllp}")
    if settings.data and not settings.database_url:
        lines.append(f"  data  {settings.data.resolve()}")
    if password:
        lines.append(f"  user  admin, password {password}  (made up now, shown only this once)")
    lines.append("ready; Ctrl-C stops it")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
