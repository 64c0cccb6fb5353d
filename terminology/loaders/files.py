"""Files of a release: in a folder, in a zip archive, or alone; tables read row by row with their line numbers."""

import csv
import io
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO, TextIO

from terminology.errors import Refused

Row = dict[str, str]


def find(path: Path, pattern: str) -> str:
    """Return the file of a release whose own name fits `pattern`. Raises `Refused` when none does."""
    found = [name for name in names(path) if fnmatch(name.replace("\\", "/").rpartition("/")[2], pattern)]
    if not found:
        raise Refused(f"there is no file {pattern} in it", path.name)
    return min(found, key=len)


def has(path: Path, pattern: str) -> bool:
    """Tell whether a release holds a file that fits `pattern`."""
    return any(fnmatch(name.rpartition("/")[2], pattern) for name in names(path))


def names(path: Path) -> list[str]:
    """Return the files of a release, by their paths in it."""
    if path.is_dir():
        return [str(one.relative_to(path)) for one in sorted(path.rglob("*")) if one.is_file()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return sorted(archive.namelist())
    return [path.name]


@contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open one file of a release."""
    if path.is_dir():
        with (path / name).open("rb") as raw:
            yield raw
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, archive.open(name) as member:
            yield member  # type: ignore[misc]  # a zip member reads like a file, but is typed as bytes only
    else:
        with path.open("rb") as raw:
            yield raw


def rows(path: Path, pattern: str, needed: tuple[str, ...], tabs: bool = False) -> Iterator[tuple[str, Row]]:
    """Yield (place, row) of a table with a header line; the place is `file line n`.

    Raises `Refused` when a column of `needed` is missing, with what is there, or when the file is not UTF-8.
    """
    name = find(path, pattern)
    short = name.rpartition("/")[2]
    with opened(path, name) as raw:
        text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
        reader = csv.DictReader(_decoded(text, short), dialect=_Tabs if tabs else csv.excel)
        missing = [column for column in needed if column not in (reader.fieldnames or ())]
        if missing:
            raise Refused(f"column {missing[0]} is missing; there are {', '.join(reader.fieldnames or ())}", short)
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        for row in reader:
            if None in row:
                raise Refused("more cells than columns", f"{short} line {reader.line_num}")
            yield f"{short} line {reader.line_num}", {key: value or "" for key, value in row.items()}


class _Tabs(csv.excel_tab):
    """Tables parted by tabs know no quotes."""

    quoting = csv.QUOTE_NONE


def _decoded(text: TextIO, short: str) -> Iterator[str]:
    line = 0
    try:
        for one in text:
            line += 1
            yield one
    except UnicodeDecodeError as error:
        raise Refused("the file is not UTF-8", f"{short} line {line + 1}") from error
