"""Rows on their way into messages: a large file is cut into chunks, each of which is one message and one transaction.

A chunk holds the cells as they were read, with the line each row stands on, whatever the file's form was.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.emr.sheet import Row, Sheet
from tracker_core.errors import Malformed

TYPE = "application/x.tracker-hub.rows+json"
ROWS = 1000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of one sheet, packed. `part` is the share of persons they are of; `rows` how many there are."""

    part: int
    rows: int
    body: bytes


def cut(sheet: Sheet, parts: int, person: str, size: int = ROWS) -> Iterator[Chunk]:
    """Yield the rows of a sheet as chunks of `size`, in their order within a part, holding no more than that.

    Rows of one person are of one part, by the text in the column `person`, so parts can be applied side by side.
    The same sheet cut the same way makes the same chunks.
    """
    waiting: list[list[Row]] = [[] for _ in range(parts)]
    for row in sheet.rows:
        part = _share(row.cells.get(person, ""), parts)
        waiting[part].append(row)
        if len(waiting[part]) >= size:
            yield Chunk(part, size, pack(sheet.columns, waiting[part]))
            waiting[part] = []
    for part, rows in enumerate(waiting):
        if rows:
            yield Chunk(part, len(rows), pack(sheet.columns, rows))


def _share(text: str, parts: int) -> int:
    """Return the part of a person; equal texts give equal parts in every process."""
    return sum(text.strip().encode("utf-8", "surrogatepass")) % parts if parts > 1 else 0


def pack(columns: dict[str, str], rows: Iterable[Row]) -> bytes:
    """Return rows as the body of a chunk."""
    names = dict(columns)
    listed = list(rows)
    for row in listed:
        names.update((name, name) for name in row.cells if name not in names)
    order = list(names)
    packed = [[row.line, row.fault, *(row.cells.get(name) for name in order if row.cells)] for row in listed]
    return orjson.dumps({"columns": names, "rows": packed})


def unpack(body: bytes) -> Sheet:
    """Return the sheet in a chunk. Raises Malformed when it is none."""
    try:
        content: dict[str, Any] = orjson.loads(body)
        names, rows = content["columns"], content["rows"]
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("these are no packed rows") from error
    return Sheet("rows", names, _rows(list(names), rows))


def _rows(names: list[str], rows: list[list[Any]]) -> Iterator[Row]:
    for line, fault, *cells in rows:
        filled = {name: cell for name, cell in zip(names, cells, strict=False) if cell is not None}
        yield Row(line, filled, fault)
