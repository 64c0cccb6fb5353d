"""Connections: the session that every function of the core takes first, and the pool that the edge draws from."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg import Rollback, errors
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tracker_core.errors import Malformed, Unavailable

__all__ = [
    "Apart",
    "AsyncPool",
    "AsyncSession",
    "Collision",
    "Pool",
    "Rollback",
    "Session",
    "async_pool",
    "async_reading",
    "next_pks",
    "open_pool",
    "reading",
    "transaction",
]

Session: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Pool: TypeAlias = ConnectionPool[Session]
AsyncSession: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
AsyncPool: TypeAlias = AsyncConnectionPool[AsyncSession]

_OPTIONS = "-c timezone=UTC"


class Apart(Exception):
    """What was written together is to be written each by itself, after this transaction was undone: it might not have
    the end that one after the other has."""


class Collision(Exception):
    """Two transactions got in each other's way and this one was undone: nothing is wrong with it, run it again."""


def open_pool(url: str, size: int = 8) -> Pool:
    """Open a pool of at most `size` sessions on the PostgreSQL at `url` (libpq URI or key=value text)."""
    conninfo = make_conninfo(url, application_name="tracker-hub")
    pool: Pool = ConnectionPool(
        conninfo, min_size=1, max_size=size, open=True, kwargs={"autocommit": False, "options": _OPTIONS}
    )
    return pool


def async_pool(beside: Pool, size: int = 4) -> AsyncPool:
    """Return a pool of at most `size` sessions on the database of `beside`, to be opened in its event loop.

    Its sessions are for reading and without a transaction, as those of `reading`.
    """
    pool: AsyncPool = AsyncConnectionPool(
        str(beside.conninfo), min_size=1, max_size=size, open=False, kwargs={"autocommit": True, "options": _OPTIONS}
    )
    return pool


@contextmanager
def transaction(pool: Pool) -> Iterator[Session]:
    """Yield a session; commit when the block ends, roll back when it raises.

    Raises `Unavailable` when the database cannot be reached or goes away, `Collision` after a deadlock or a
    serialization failure, `Malformed` for a text with the character U+0000, which PostgreSQL cannot keep.
    """
    with _told(), pool.connection(timeout=10) as session:
        yield session


@contextmanager
def reading(pool: Pool) -> Iterator[Session]:
    """Yield a session for reading, without a transaction: each statement stands alone and sees what is committed.

    One statement is one round trip, where a transaction takes three. Raises as `transaction` does.
    """
    with _told(), pool.connection(timeout=10) as session:
        session.autocommit = True
        try:
            yield session
        finally:
            if not session.closed:
                session.autocommit = False


@asynccontextmanager
async def async_reading(pool: AsyncPool) -> AsyncIterator[AsyncSession]:
    """Yield a session as `reading` does, in the event loop."""
    with _told():
        async with pool.connection(timeout=10) as session:
            yield session


@contextmanager
def _told() -> Iterator[None]:
    """Tell in our own words what the database raises."""
    try:
        yield
    except (errors.DeadlockDetected, errors.SerializationFailure) as error:
        raise Collision(str(error)) from error
    except psycopg.DataError as error:
        if _is_nul(error):
            raise Malformed("a text has a NUL character") from error
        raise
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database is not available: {error}") from error


def _is_nul(error: psycopg.DataError) -> bool:
    """Tell whether a value held a NUL: the driver refuses it in texts, the server its escape in JSON."""
    return isinstance(error, errors.UntranslatableCharacter) or (error.sqlstate is None and "NUL" in str(error))


def next_pks(session: Session, count: int) -> list[int]:
    """Return `count` fresh object keys in ascending order, in one round trip."""
    rows = session.execute("select nextval('object_pk') from generate_series(1, %s)", (count,)).fetchall()
    return [row[0] for row in rows]
