"""What every test may ask for: a migrated, empty database of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from starlette.types import ASGIApp

from hub import embedded, migrations
from tracker_core.database import Pool, Session, open_pool, transaction

# How long an example takes depends on what else runs: no property is about that. What a run says is about the code
# alone: the same examples each time. `make soak` looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("other", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

SHARED = Path(__file__).parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real messages, bundles and packages; tests that use it skip where it is absent."""
    folder = SHARED / "corpora"
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}")
    return folder


def published(name: str, version: str) -> Path:
    """A FHIR package, fetched once from the npm registry, or a skip."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tracker-hub"
    package = folder / f"{name}-{version}.tgz"
    npm = shutil.which("npm")
    if not package.exists() and npm:
        folder.mkdir(parents=True, exist_ok=True)
        asked = [npm, "pack", "--silent", f"{name}@{version}"]
        with TemporaryDirectory(dir=folder) as scratch:
            subprocess.run(asked, cwd=scratch, timeout=200, check=False, capture_output=True)
            for made in Path(scratch).glob("*.tgz"):
                made.replace(package)
    if not package.exists():
        pytest.skip(f"{name} cannot be had: no npm, or no registry")
    return package


@pytest.fixture(scope="session")
def r4_examples() -> Path:
    """The package of HL7's R4 examples and definitions (CC0)."""
    return published("hl7.fhir.r4.examples", "4.0.1")


@pytest.fixture(scope="session")
def ips_package() -> Path:
    """The International Patient Summary as published (CC0)."""
    return published("hl7.fhir.uv.ips", "2.0.0")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server: the one in TRACKER_HUB_TEST_DATABASE_URL, else an embedded one for this test run."""
    given = os.environ.get("TRACKER_HUB_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with embedded.scratch() as folder, embedded.running(folder / "data", durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that `database_url` copies."""
    name = f"template_{uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    migrations.upgrade(database(server_url, name))
    yield name
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def copied(server_url: str, template: str) -> Iterator[str]:
    """Yield the URL of a migrated, empty database that is dropped behind the block."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
    yield database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database that only this test sees."""
    with copied(server_url, template) as url:
        yield url


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    """A pool on this test's database."""
    opened = open_pool(database_url, size=4)
    yield opened
    opened.close()


@pytest.fixture
def session(pool: Pool) -> Iterator[Session]:
    """One open transaction on this test's database, committed when the test ends well."""
    with transaction(pool) as opened:
        yield opened


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """Serve an application on a free port of this machine; yield the base URL."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None))
    thread = Thread(target=server.run, args=([bound],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def serve_http() -> Iterator[Callable[[ASGIApp], str]]:
    """A function that serves an application on a free port of this machine for one test; it returns the base URL."""
    with ExitStack() as stack:
        yield lambda application: stack.enter_context(serving(application))


def free_port() -> int:
    """A port that nobody listens on just now: for servers of others that must be told one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def database(server_url: str, name: str) -> str:
    """Return `server_url` pointing at database `name`."""
    parts = conninfo_to_dict(server_url)
    host = str(parts.get("host", ""))
    query = f"?host={quote(host, safe='')}" if host.startswith("/") else ""
    where = "" if query else f"{host}:{parts.get('port', 5432)}"
    return f"postgresql://{parts.get('user', 'postgres')}@{where}/{name}{query}"
