"""Bulk inserts: binary COPY, the fastest way into PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from psycopg import sql
from psycopg.types.json import Jsonb

from tracker_core.database import Session


def copy_rows(session: Session, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert `rows` into `table`; `columns` maps each column to its PostgreSQL type, in the order of the rows.

    Raises psycopg's `UniqueViolation` when a concurrent transaction was first.
    """
    if not rows:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(sql.Identifier(table), names)
    with session.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def as_jsonb(value: Any) -> Jsonb | None:
    """Return `value` ready for a jsonb column."""
    return None if value is None else Jsonb(value, dumps=orjson.dumps)
