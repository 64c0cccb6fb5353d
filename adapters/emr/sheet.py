"""Flat files as numbered rows: CSV, TSV and NDJSON, whatever their charset and delimiter.

A row that cannot be read is a row with a `fault`: it is reported by its line, and the rows after it are read.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from adapters.emr.charset import decode
from tracker_core.errors import Malformed

DELIMITERS = ",;\t|"
_SAMPLE = 25
_HEAD = 1000
csv.field_size_limit(1 << 20)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file: the line it starts on, its cells by folded column name, and why it cannot be used."""

    line: int
    cells: dict[str, str]
    fault: str = ""


@dataclass(slots=True)
class Sheet:
    """A flat file. `columns` maps the folded name of each column to its name as the file writes it.

    `layout` is `csv` or `ndjson`; a CSV remembers its delimiter. Rows are read when they are asked for.
    """

    layout: str
    columns: dict[str, str]
    rows: Iterator[Row]
    delimiter: str = ","


def fold(name: str) -> str:
    """Return a column's name as it is compared: `Patient ID`, `patient-id` and ` patient_id` are one column."""
    return "_".join(name.replace("-", " ").replace("_", " ").casefold().split())


def read_sheet(raw: bytes, charset: str = "", delimiter: str = "", layout: str = "") -> Sheet:
    """Open a file; what is not given is detected. Raises Malformed when it is no text, or its header is unusable."""
    return open_sheet(io.StringIO(decode(raw, charset), newline=""), delimiter, layout)


def open_sheet(text: Iterable[str], delimiter: str = "", layout: str = "") -> Sheet:
    """Open a file from its lines, which are read as rows are asked for: only the first few are held.

    The columns of an NDJSON are those of its first rows; later ones may bring others.
    """
    lines = iter(text)
    head = list(islice(lines, _HEAD))
    if not any(line.strip() for line in head):
        raise Malformed("the file is empty")
    if layout == "ndjson" or (not layout and next(line for line in head if line.strip()).lstrip()[:1] in "{["):
        return _read_ndjson(head, lines)
    return _read_csv(head, lines, delimiter or _sniff(head))


def _read_csv(head: list[str], rest: Iterator[str], delimiter: str) -> Sheet:
    skipped = next(at for at, line in enumerate(head) if line.strip())
    lines = Lines(chain(islice(head, skipped, None), rest), skipped)
    try:
        header = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Malformed(f"the header cannot be read: {error}", f"line {skipped + 1}") from error
    columns = header_of(header, skipped + 1)
    lines.settle()
    return Sheet("csv", columns, _csv_rows(lines, delimiter, list(columns)), delimiter)


class Lines:
    """The lines of a file, numbered, those since the last `settle` held so that they can be read again."""

    def __init__(self, source: Iterator[str], before: int = 0) -> None:
        self._source = source
        self._held: list[str] = []
        self._back: list[str] = []
        self.number = before

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else next(self._source)
        self._held.append(line)
        return line

    @property
    def first(self) -> int:
        """The number of the first line that is held, or of the next one."""
        return self.number + 1

    @property
    def held(self) -> int:
        """How many lines are held."""
        return len(self._held)

    def settle(self, count: int | None = None) -> None:
        """Let go of the lines held, or of the first `count`; the others will be read again."""
        count = len(self._held) if count is None else count
        self._back.extend(reversed(self._held[count:]))
        self._held.clear()
        self.number += count


def header_of(names: list[str], line: int) -> dict[str, str]:
    """Return the columns of a header, by folded name. Raises Malformed for one without a name, or there twice."""
    while names and not names[-1].strip():
        names = names[:-1]
    columns: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        folded = fold(name)
        if not folded:
            raise Malformed(f"column {number} has no name", f"line {line}")
        if folded in columns:
            raise Malformed(f"the column {name.strip()} is there twice", f"line {line} column {name.strip()}")
        columns[folded] = name.strip()
    return columns


def _csv_rows(lines: Lines, delimiter: str, columns: list[str]) -> Iterator[Row]:
    """Yield a row per record; after a broken record, resume at the line below its first.

    A stray quote would otherwise swallow the rows up to the next one.
    """
    going = True
    while going:
        going = False
        try:
            for cells in csv.reader(lines, delimiter=delimiter, strict=True):
                row = cells_row(lines.first, cells, columns)
                going = row is not None and bool(row.fault) and lines.held > 1
                lines.settle(1 if going else None)
                if row is not None:
                    yield row
                if going:
                    break
        except csv.Error as error:
            yield Row(lines.first, {}, f"a quote does not fit: {error}")
            lines.settle(1)
            going = True


def cells_row(line: int, cells: list[str], columns: list[str]) -> Row | None:
    """Return the row of these cells, or None for a blank one. Empty cells beyond the header are dropped."""
    while len(cells) > len(columns) and not cells[-1].strip():
        cells = cells[:-1]
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(columns):
        return Row(line, {}, f"{len(cells)} cells where the header has {len(columns)}")
    return Row(line, dict(zip(columns, cells, strict=True)))


def _sniff(lines: list[str]) -> str:
    """Return the delimiter under which the first rows agree best with the header, and the header is widest.

    Raises Malformed when a cell is larger than any cell may be.
    """
    sample = [line for line in islice(lines, _SAMPLE) if line.strip()]

    def score(delimiter: str) -> tuple[float, int]:
        widths = [len(cells) for cells in csv.reader(sample, delimiter=delimiter)]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    try:
        return max(DELIMITERS, key=score)
    except csv.Error as error:
        raise Malformed(f"this is no table: {error}", "line 1") from error


def _read_ndjson(head: list[str], rest: Iterator[str]) -> Sheet:
    numbered = enumerate(chain(head, rest), start=1)
    rows = (_ndjson_row(number, line.strip()) for number, line in numbered if line.strip())
    first = list(islice(rows, _HEAD))
    columns: dict[str, str] = {}
    for row in first:
        columns.update((name, name) for name in row.cells if name not in columns)
    return Sheet("ndjson", columns, chain(first, rows))


def _ndjson_row(line: int, text: str) -> Row:
    try:
        # Numbers stay the text they are: `72.50` keeps its digits.
        value = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        return Row(line, {}, f"not a JSON object: {error}")
    if not isinstance(value, dict):
        return Row(line, {}, "not a JSON object")
    try:
        return Row(line, {fold(name): _cell(name, item) for name, item in value.items()})
    except TypeError as error:
        return Row(line, {}, str(error))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    if not isinstance(value, str):
        raise TypeError(f"{name} is neither text, a number nor a list of texts")
    return value


def write_sheet(columns: list[str], rows: list[dict[str, str]], layout: str, delimiter: str = ",") -> bytes:
    """Return rows as a file in UTF-8: CSV with a header, or one JSON object a line without empty values."""
    if layout == "ndjson":
        lines = (json.dumps({k: row[k] for k in columns if row.get(k)}, ensure_ascii=False) for row in rows)
        return "".join(f"{line}\n" for line in lines).encode()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue().encode()
