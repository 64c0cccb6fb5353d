"""A hub for load: its processes, and keep-alive connections that time every request."""

import base64
import http.client
import json
import multiprocessing
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from typing import Any

import uvicorn

from hub import admin, app, migrations, registry
from hub.access import HubAccess
from hub.runtime import Runtime, spare_collections
from hub.settings import Settings
from tracker_core import metadata, users
from tracker_core.database import async_pool, open_pool, transaction

PASSWORD = "benchmark-only"
SERVERS = 2
Times = dict[str, list[float]]


@contextmanager
def serving(url: str) -> Iterator[str]:
    """Yield host and port of a hub on the empty database at `url`: processes that take connections from one socket."""
    migrations.upgrade(url)
    pool = open_pool(url, 2)
    with transaction(pool) as session:
        metadata.bootstrap(session)
        users.ensure_admin(session, PASSWORD)
    pool.close()
    listening = socket.create_server(("127.0.0.1", 0))
    fork = multiprocessing.get_context("fork")
    servers = [fork.Process(target=_serve, args=(url, listening), daemon=True) for _ in range(SERVERS)]
    for server in servers:
        server.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for server in servers:
            server.terminate()
            server.join()


def _serve(url: str, listening: socket.socket) -> None:
    runtime = Runtime(open_pool(url, 8), registry.ADAPTERS)
    spare_collections()
    access = HubAccess(runtime, async_pool(runtime.pool))
    built = app.build(Settings(database_url=url), runtime, access, {}, admin.routes_for(runtime))
    config = uvicorn.Config(built, log_level="error", lifespan="on", loop="uvloop")
    uvicorn.Server(config).run(sockets=[listening])


class Wire:
    """One connection. `times` collects seconds by what was asked; `statuses` counts what was answered."""

    def __init__(self, where: str) -> None:
        self.connection = http.client.HTTPConnection(where)
        token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "Content-Type": "application/fhir+json"}
        self.times: Times = defaultdict(list)
        self.statuses: dict[int, int] = defaultdict(int)

    def ask(self, name: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, str]:
        """Send a request below `/fhir`; return status, parsed body and ETag."""
        raw = json.dumps(body).encode() if body is not None else None
        started = time.perf_counter()
        self.connection.request(method, f"/fhir{path}", raw, self.headers | headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.times[name].append(time.perf_counter() - started)
        self.statuses[answer.status] += 1
        return answer.status, json.loads(content) if content else None, answer.headers.get("etag", "")


def together(where: str, count: int, user: Callable[[Wire, int], None]) -> tuple[float, Times, dict[int, int]]:
    """Run `user` on `count` connections at once; return seconds, times and statuses of all."""
    wires = [Wire(where) for _ in range(count)]
    started = time.perf_counter()
    with ThreadPoolExecutor(count) as threads:
        for done in [threads.submit(user, wire, number) for number, wire in enumerate(wires)]:
            done.result()
    seconds = time.perf_counter() - started
    times: Times = defaultdict(list)
    statuses: dict[int, int] = defaultdict(int)
    for wire in wires:
        for name, found in wire.times.items():
            times[name] += found
        for status, number in wire.statuses.items():
            statuses[status] += number
    return seconds, times, dict(statuses)


def tell(title: str, seconds: float, times: Times, statuses: dict[int, int]) -> None:
    """Print requests a second, and p50, p95 and p99 in milliseconds by what was asked."""
    count = sum(map(len, times.values()))
    print(f"{title}: {count / seconds:,.0f} requests/s, {count:,} requests in {seconds:.1f} s, statuses {statuses}")
    for name, found in sorted(times.items()):
        cuts = quantiles(found, n=100) if len(found) > 1 else [found[0]] * 99
        p50, p95, p99 = (cuts[n - 1] * 1000 for n in (50, 95, 99))
        print(f"  {name:28} {len(found):7,}  p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f} ms")
