"""Files of every form as sheets: text by its lines, spreadsheets and Parquet by their cells."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from adapters.contract import Envelope
from adapters.emr.charset import open_text
from adapters.emr.options import options_of
from adapters.emr.sheet import Row, Sheet, cells_row, header_of, open_sheet
from tracker_core.errors import Malformed, Unsupported

_PARQUET = b"PAR1"
# How files that are no text begin: workbooks of either kind, Parquet.
BINARY = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", _PARQUET)
_BATCH = 2_000


@contextmanager
def open_file(path: Path, envelope: Envelope) -> Iterator[Sheet]:
    """Yield the rows of a file: a spreadsheet or Parquet by its name or first bytes, else text.

    The parameter `sheet` names one of several sheets of a spreadsheet; else the first with rows is read.
    Raises Malformed when it cannot be read, Unsupported for a workbook under a password, and for Parquet without the
    extra `parquet`.
    """
    with path.open("rb") as file:
        first = file.read(4)
        file.seek(0)
        if first.startswith(BINARY):
            yield read_binary(file, path.name, envelope.parameters.get("sheet", ""))
            return
        charset, delimiter, layout = options_of(envelope)
        with open_text(file, charset) as text:
            yield open_sheet(text, delimiter, layout)


def read_binary(file: BinaryIO, name: str, sheet: str = "") -> Sheet:
    """Return the rows of an open spreadsheet or Parquet file called `name`; `sheet` is the one of several."""
    first = file.read(4)
    file.seek(0)
    return _parquet(file, name) if first == _PARQUET else _spreadsheet(file, name, sheet)


def _spreadsheet(file: BinaryIO, name: str, wanted: str) -> Sheet:
    """Read a sheet of a workbook; it is held whole, as its cells refer to texts all over the file."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        book = CalamineWorkbook.from_filelike(file)
        names = book.sheet_names
        if wanted and wanted not in names:
            raise Malformed(f"{name} has no sheet {wanted!r}, but {', '.join(map(repr, names))}")
        for one in [wanted] if wanted else names:
            sheet = book.get_sheet_by_name(one)
            if sheet.total_height:
                return _table(sheet.iter_rows(), sheet.start[0] if sheet.start else 0)
    except PasswordError as error:
        raise Unsupported(f"{name} is protected by a password: save it without one") from error
    except CalamineError as error:
        raise Malformed(f"{name} is no spreadsheet that can be read: {error}") from error
    raise Malformed(f"{name} is empty")


def _table(rows: Iterable[list[Any]], before: int) -> Sheet:
    """Return the sheet of a table of cells whose first row that holds something is the header."""
    numbered = ((number, [cell_text(cell) for cell in row]) for number, row in enumerate(rows, start=before + 1))
    for number, header in numbered:
        if any(cell.strip() for cell in header):
            columns = header_of(header, number)
            made = (cells_row(line, cells, list(columns)) for line, cells in numbered)
            return Sheet("table", columns, (row for row in made if row is not None))
    raise Malformed("the file is empty")


def _parquet(opened: BinaryIO, name: str) -> Sheet:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as error:
        raise Unsupported("reading Parquet needs the extra: pip install 'tracker-hub[parquet]'") from error
    try:
        file = parquet.ParquetFile(opened)
    except ArrowInvalid as error:
        raise Malformed(f"{name} is no Parquet that can be read: {error}") from error
    columns = header_of([str(name) for name in file.schema_arrow.names], 1)
    return Sheet("table", columns, _parquet_rows(file, list(columns)))


def _parquet_rows(file: Any, columns: list[str]) -> Iterator[Row]:
    line = 1
    with file:
        for batch in file.iter_batches(_BATCH):
            lists = [column.to_pylist() for column in batch.columns]
            for values in zip(*lists, strict=True):
                line += 1
                row = cells_row(line, [cell_text(value) for value in values], columns)
                if row is not None:
                    yield row


def cell_text(value: Any) -> str:
    """Return a cell's value as a CSV would write it: whole numbers without a point, days without midnight."""
    write = _WRITERS.get(type(value))
    return write(value) if write else str(value)


def _float_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _moment_text(value: datetime) -> str:
    plain = value.time() == time() and value.tzinfo is None
    return value.date().isoformat() if plain else value.isoformat()


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    bool: lambda value: "true" if value else "false",
    float: _float_text,
    Decimal: lambda value: format(value, "f"),
    datetime: _moment_text,
    date: date.isoformat,
    time: time.isoformat,
    list: lambda value: "; ".join(map(str, value)),
}
