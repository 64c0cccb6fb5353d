"""Which PostgreSQL this process works on: the embedded one of a data folder, or an external one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from hub import embedded, migrations
from hub.settings import Settings
from tracker_core.database import Session, open_pool, transaction
from tracker_core.errors import Malformed, Unavailable, Unsupported

OLDEST = 150000


@contextmanager
def database(settings: Settings, shared: bool = False) -> Iterator[str]:
    """Yield the URL of a migrated database while the block lasts.

    An external one when `database_url` is set, else that of the data folder; `shared` joins the server of a hub that is
    running there instead of refusing. Raises `Malformed` when neither is named, `Unavailable` when it is away.
    """
    if settings.database_url:
        url = with_password(settings.database_url, settings.database_password)
        prepare(url)
        yield url
        return
    if settings.data is None:
        raise Malformed("name a data folder by --data DIR, or an external PostgreSQL by --database-url URL")
    running = embedded.tenant(settings.data) if shared else None
    if running:
        yield running
        return
    with embedded.running(settings.data) as url:
        prepare(url)
        yield url


@contextmanager
def session_on(settings: Settings) -> Iterator[Session]:
    """Yield a session on the database of `settings`, for a command; a hub may be running on it."""
    with database(settings, shared=True) as url:
        pool = open_pool(url, size=1)
        try:
            with transaction(pool) as session:
                yield session
        finally:
            pool.close()


def with_password(url: str, password: str | None) -> str:
    """Return `url` with `password` in it, when there is one."""
    return make_url(url).set(password=password).render_as_string(hide_password=False) if password else url


def prepare(url: str) -> None:
    """Bring the database at `url` to the newest schema. Raises `Unavailable`, or `Unsupported` for an old server."""
    try:
        with psycopg.connect(url, connect_timeout=10) as session:
            version = session.info.server_version
        if version < OLDEST:
            raise Unsupported(f"the database server is PostgreSQL {version // 10000}; this hub needs 15 or newer")
        migrations.upgrade(url)
    except (psycopg.OperationalError, OperationalError) as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(f"the database is not available: {reason}") from error
