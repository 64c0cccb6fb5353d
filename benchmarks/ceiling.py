"""The ceiling of everything that stores: raw COPY of the same bytes into an indexed table of the same database."""

import time
from collections.abc import Sequence
from uuid import uuid4

import psycopg


def copy_rate(url: str, documents: Sequence[bytes], batch: int) -> float:
    """Return documents per second that COPY writes, `batch` per transaction, into a table with a primary key.

    The server keeps its settings, fsync among them: each transaction is as durable as ours.
    """
    name = f"ceiling_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create table {name} (pk bigint primary key, doc bytea not null)")
        try:
            begun = time.perf_counter()
            for start in range(0, len(documents), batch):
                _copy(connection, name, start, documents[start : start + batch])
            return len(documents) / (time.perf_counter() - begun)
        finally:
            connection.execute(f"drop table {name}")


def _copy(connection: psycopg.Connection[tuple[int, bytes]], name: str, start: int, chunk: Sequence[bytes]) -> None:
    statement = f"copy {name} (pk, doc) from stdin (format binary)"
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["int8", "bytea"])
        for n, document in enumerate(chunk, start):
            copy.write_row((n, document))
