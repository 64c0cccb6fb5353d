"""The processes of docker-compose.yml by hand: Debian's PostgreSQL and Redis, two APIs, MLLP, two workers, beat.

A worker is killed and Redis goes away in the middle; every message that was acknowledged is applied, once.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import httpx
import psycopg
import pytest

from hub.demo import writing
from hub.demo.people import make_day
from hub.demo.processes import Wire
from hub.embedded.account import server_account
from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "stack-password"
PATIENCE = 240.0


def debian_postgres() -> Path:
    """The newest PostgreSQL of the distribution; skips where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("Debian's postgresql is not installed")
    return found[-1].parent


def redis_server() -> str:
    """The Redis server's program; skips where there is none."""
    found = shutil.which("redis-server")
    if not found:
        pytest.skip("redis-server is not installed")
    return found


def run_as_server(command: list[str], folder: Path) -> None:
    """Run a PostgreSQL command as the account that may run servers."""
    account = server_account()
    credentials = account.credentials if account else {}
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, **credentials)


@contextmanager
def postgres() -> Iterator[str]:
    """A cluster of Debian's PostgreSQL, listening on this machine."""
    binaries, port = debian_postgres(), free_port()
    folder = Path(mkdtemp(prefix="tracker-hub-stack-"))
    account = server_account()
    if account:
        os.chown(folder, account.uid, account.gid)
    data = folder / "data"
    run_as_server([str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"], folder)
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=100"
    start = [str(binaries / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w"]
    run_as_server([*start, "start"], folder)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run_as_server([str(binaries / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def process(command: list[str], **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block, if it has not been killed before."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TRACKER_HUB_")}
    with subprocess.Popen(command, cwd=ROOT, env={**inherited, "PYTHONPATH": str(ROOT), **environ}) as started:
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):
                started.terminate()


def redis_on(port: int) -> list[str]:
    """The command of a Redis that keeps nothing on disk."""
    return [redis_server(), "--port", str(port), "--save", "", "--appendonly", "no", "--loglevel", "warning"]


def hub(*arguments: str) -> list[str]:
    """The command of one hub process."""
    return [sys.executable, "-m", "hub", *arguments]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.2)


def ready(url: str) -> bool:
    """Whether a process says that all its parts are up."""
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def send_all(port: int, messages: list[bytes]) -> list[str]:
    """Send messages over one connection; return their acknowledgement codes."""
    wire = Wire(port)
    try:
        return [wire.send(message) for message in messages]
    finally:
        wire.close()


@pytest.mark.timeout(600)
def test_a_killed_worker_and_a_lost_redis_lose_nothing() -> None:
    """Every acknowledged message is applied exactly once, whatever dies in between."""
    redis, api, second, mllp_health, mllp = (free_port() for _ in range(5))
    with ExitStack() as stack:
        url = stack.enter_context(postgres())
        bell = stack.enter_context(process(redis_on(redis)))
        shared = {
            "TRACKER_HUB_DATABASE_URL": url,
            "TRACKER_HUB_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
            "TRACKER_HUB_ADMIN_PASSWORD": PASSWORD,
        }
        for port in (api, second):
            stack.enter_context(process(hub("serve", "--role", "api", "--http", f"127.0.0.1:{port}"), **shared))
            until(partial(ready, f"http://127.0.0.1:{port}"), "an API process")
        listen = ("--http", f"127.0.0.1:{mllp_health}", "--mllp", f"127.0.0.1:{mllp}")
        stack.enter_context(process(hub("serve", "--role", "mllp", *listen), **shared))
        workers = [stack.enter_context(process(hub("worker"), **shared)) for _ in range(2)]
        stack.enter_context(process(hub("beat"), **shared))
        until(lambda: ready(f"http://127.0.0.1:{mllp_health}"), "the MLLP process")

        client = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{api}", auth=("admin", PASSWORD), timeout=30)
        )
        other = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{second}", auth=("admin", PASSWORD), timeout=30)
        )
        visits = make_day(date(2026, 3, 2)).visits["hl7v2"][:40]
        for sender in {visit.facility.code for visit in visits}:
            body = {"format": "hl7v2", "settings": {"acknowledge": "stored"}}
            client.put(f"/hub/peers/CLINIC|{sender}", json=body).raise_for_status()
        messages = [message for _, message in writing.hl7_messages(visits)]
        half = len(messages) // 2
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(send_all, mllp, messages[:half])
            time.sleep(0.3)
            workers[0].send_signal(signal.SIGKILL)
            bell.send_signal(signal.SIGKILL)
            codes = first.result() + send_all(mllp, messages[half:])
        assert codes == ["AA"] * len(messages)

        def settled() -> bool:
            with psycopg.connect(url) as session:
                # A dead worker's lease runs out by itself; the test does not wait for the minute.
                session.execute("update message set lease_until = now() where lease_until > now() + interval '5 s'")
                rows = session.execute("select state, count(*) from message where direction = 'in' group by 1")
                return dict(rows.fetchall()) == {"done": len(messages)}

        until(settled, "applying every acknowledged message")
        persons = len({visit.person.number for visit in visits})
        assert other.get("/hub/counts").json()["persons"] >= persons
        found = other.get("/fhir/Encounter", params={"_count": "1000"}).json()["entry"]
        assert len(found) == len(visits)
