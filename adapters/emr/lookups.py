"""Files that others refer to (concepts, locations) as tables on disk: millions of rows, constant memory."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import orjson

from adapters.emr.sheet import Row, Sheet

_TOGETHER = 10_000
_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Lookup:
    """The rows of a file by one of its columns; `columns` are its other columns."""

    path: Path
    columns: tuple[str, ...]


def fill_lookup(path: Path, sheet: Sheet, key: str) -> Lookup:
    """Write a sheet's rows to a file at `path` by the text in their column `key`; of two equal ones the last counts."""
    columns = tuple(name for name in sheet.columns if name != key)
    filled = (row.cells for row in sheet.rows if row.cells.get(key))
    rows = ((cells[key].strip(), orjson.dumps([cells.get(name, "") for name in columns])) for cells in filled)
    database = sqlite3.connect(path)
    try:
        database.execute("pragma journal_mode = off")
        database.execute("pragma synchronous = off")
        database.execute("create table held (key text primary key, cells blob) without rowid")
        while some := list(islice(rows, _TOGETHER)):
            database.executemany("insert or replace into held values (?, ?)", some)
        database.commit()
    finally:
        database.close()
    return Lookup(path, columns)


def joined(sheet: Sheet, joins: Sequence[tuple[str, Lookup]]) -> Sheet:
    """Return a sheet with the cells of the rows that it refers to, as columns `COLUMN.NAME`."""
    if not joins:
        return sheet
    columns = dict(sheet.columns)
    columns |= {f"{column}.{name}": f"{column}.{name}" for column, lookup in joins for name in lookup.columns}
    return Sheet(sheet.layout, columns, _joined_rows(sheet.rows, joins), sheet.delimiter)


def _joined_rows(rows: Iterator[Row], joins: Sequence[tuple[str, Lookup]]) -> Iterator[Row]:
    databases = [sqlite3.connect(lookup.path, check_same_thread=False) for _, lookup in joins]
    finds = [_finder(database, column, lookup) for database, (column, lookup) in zip(databases, joins, strict=True)]
    try:
        for row in rows:
            cells = dict(row.cells)
            for (column, _), find in zip(joins, finds, strict=True):
                if key := row.cells.get(column, "").strip():
                    cells.update(find(key))
            yield Row(row.line, cells, row.fault)
    finally:
        for database in databases:
            database.close()


def _finder(database: sqlite3.Connection, column: str, lookup: Lookup) -> Callable[[str], dict[str, str]]:
    names = [f"{column}.{name}" for name in lookup.columns]

    @lru_cache(maxsize=_REMEMBERED)
    def find(key: str) -> dict[str, str]:
        row = database.execute("select cells from held where key = ?", (key,)).fetchone()
        return dict(zip(names, orjson.loads(row[0]), strict=True)) if row else {}

    return find
