"""Files that others of an exported set refer to and that make no records: OMOP's concepts and locations."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mappings.flat import FlatTable, Join


@dataclass(slots=True)
class Lookup:
    """One such file, being written: its columns, its key first, and the keys of the others that are in it."""

    columns: tuple[str, ...]
    out: Any
    given: set[str] = field(default_factory=set)
    count: int = 0


@contextmanager
def opened(folder: Path, tables: Iterable[FlatTable]) -> Iterator[dict[str, Lookup]]:
    """Yield the lookups that these tables join, by name of their file; each file is made with its header."""
    columns: dict[str, dict[str, None]] = {}
    for table in tables:
        for join in table.facts.joins:
            parts = [column.partition(".")[2] for column in table.written if column.startswith(f"{join.column}.")]
            if parts:
                columns.setdefault(join.file, {join.key: None}).update(dict.fromkeys(parts))
    with ExitStack() as files:
        made = {}
        for name, found in columns.items():
            file = files.enter_context((folder / f"{name}.csv").open("w", encoding="utf-8", newline=""))
            made[name] = Lookup(tuple(found), csv.writer(file))
            made[name].out.writerow(found)
        yield made


def note(lookups: Mapping[str, Lookup], table: FlatTable, row: dict[str, str]) -> None:
    """Write what a row says of the rows that it joins; where it has no key of one, it gets the next number."""
    for join in table.facts.joins:
        parts = {name.partition(".")[2]: cell for name, cell in row.items() if name.startswith(f"{join.column}.")}
        if join.file in lookups and any(parts.values()):
            _add(lookups[join.file], join, row, parts)


def _add(lookup: Lookup, join: Join, row: dict[str, str], parts: Mapping[str, str]) -> None:
    key = row.get(join.column, "")
    if key in lookup.given:
        return
    lookup.count += 1
    if key:
        lookup.given.add(key)
    else:
        row[join.column] = str(lookup.count)
    cells = {**parts, join.key: row[join.column]}
    lookup.out.writerow([cells.get(column, "") for column in lookup.columns])
