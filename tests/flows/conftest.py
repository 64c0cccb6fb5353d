"""A runtime on a database of its own, and receivers for what it sends."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn

from hub import admin, app, embedded
from hub.access import HubAccess
from hub.demo.processes import HubProcess
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.settings import Settings
from tests.conftest import copied
from tests.flows.receivers import Receiver, Script
from tracker_core import users
from tracker_core.database import Pool, async_pool, open_pool, transaction
from tracker_core.metadata import bootstrap


@pytest.fixture
def runtime(pool: Pool) -> Runtime:
    """A runtime with every registered format, on a database that has what every hub starts with."""
    with transaction(pool) as session:
        bootstrap(session)
    return Runtime(pool=pool, adapters=ADAPTERS)


@pytest.fixture
def second(server_url: str, template: str) -> Iterator[Runtime]:
    """Another hub, on a database of its own."""
    with copied(server_url, template) as url:
        pool = open_pool(url, size=4)
        with transaction(pool) as session:
            bootstrap(session)
        yield Runtime(pool=pool, adapters=ADAPTERS)
        pool.close()


@pytest.fixture(scope="module")
def running() -> Iterator[HubProcess]:
    """A hub in a process of its own, on its embedded database, shared by the tests of a module."""
    with embedded.scratch() as folder:
        hub = HubProcess("tested", folder / "data")
        hub.start()
        try:
            hub.wait()
            yield hub
        finally:
            hub.stop()


@pytest.fixture
def receiver() -> Iterator[Callable[[Script], Receiver]]:
    """A function that starts a receiver with a script of answers."""
    started: list[Receiver] = []

    def start(script: Script) -> Receiver:
        started.append(Receiver(script))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def client(runtime: Runtime) -> Iterator[httpx.Client]:
    """A client signed in as administrator of a hub that serves every face."""
    with transaction(runtime.pool) as session:
        users.ensure_admin(session, "secret-enough")
        users.create(session, "nurse", "also-secret-enough")
    access = HubAccess(runtime, async_pool(runtime.pool))
    built = app.build(Settings(), runtime, access, {}, admin.routes_for(runtime))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(built, log_level="error", lifespan="on", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with httpx.Client(base_url=url, auth=("admin", "secret-enough"), timeout=30) as opened:
        yield opened
    server.should_exit = True
    thread.join()
    listening.close()
