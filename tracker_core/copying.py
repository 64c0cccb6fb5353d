"""Bulk inserts by binary COPY, the fastest way into PostgreSQL: of values, or of rows that their writer has packed."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from psycopg import sql
from psycopg.types.json import Jsonb

from tracker_core.database import Session

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LENGTH = struct.Struct(">i").pack
_ARRAY = struct.Struct(">iiIii").pack
_INT8_OID = 20
NULL = _LENGTH(-1)


def copy_rows(session: Session, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows of values to a table; `columns` maps each column to its PostgreSQL type, in the order of the values.

    What goes into a `jsonb` column is any JSON-able value. Raises psycopg's `UniqueViolation` when a concurrent
    transaction was first.
    """
    if not rows:
        return
    types = list(columns.values())
    documents = [place for place, type in enumerate(types) if type == "jsonb"]
    with session.cursor() as cursor, cursor.copy(_into(table, columns)) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(_with_documents(row, documents) if documents else row)


def copy_packed(session: Session, table: str, columns: Iterable[str], rows: Iterable[bytes]) -> None:
    """Append packed rows, several times faster than adapting each value.

    Each row begins with its column count, and has `columns` in this order.
    """
    body = b"".join(rows)
    if not body:
        return
    with session.cursor() as cursor, cursor.copy(_into(table, columns)) as copy:
        copy.write(_HEADER + body + _TRAILER)


def _into(table: str, columns: Iterable[str]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("copy {} ({}) from stdin (format binary)").format(sql.Identifier(table), names)


def _with_documents(row: Sequence[Any], documents: Sequence[int]) -> Sequence[Any]:
    changed = list(row)
    for place in documents:
        if changed[place] is not None:
            changed[place] = Jsonb(changed[place], dumps=orjson.dumps)
    return changed


def pack_bytes(value: bytes) -> bytes:
    """Pack a bytea or an encoded text."""
    return _LENGTH(len(value)) + value


def pack_int8s(values: list[int]) -> bytes:
    """Pack a bigint[] without nulls."""
    count = len(values)
    if not count:
        return _LENGTH(12) + struct.pack(">iii", 0, 0, _INT8_OID)
    flat: list[int] = [8] * (2 * count)
    flat[1::2] = values
    return _LENGTH(20 + 12 * count) + _ARRAY(1, 0, _INT8_OID, count, 1) + struct.pack(">" + "iq" * count, *flat)


def micros(moment: datetime) -> int:
    """Return a timestamptz as PostgreSQL counts it: microseconds since 2000."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
