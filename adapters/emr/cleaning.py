"""What spreadsheets and old programs do to cells, undone before they are read; what cannot be undone is told."""

import re
from collections.abc import Iterator

from adapters.emr.places import name_place
from adapters.emr.sheet import Row, fold
from tracker_core.issues import Issue

_ZERO_WIDTH = dict.fromkeys((*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, 0x00AD))
_QUOTED = re.compile(r'="([^"]*)"\Z')
_CUT = re.compile(r"\d(?:[.,]\d+)?E\+\d+\Z", re.IGNORECASE)


def clean_row(row: Row, nothing: frozenset[str]) -> Row:
    """Return a row whose cells hold what was meant by them.

    No-break spaces, tabs and line breaks inside a cell are spaces, characters of no width are none; `="0012"` is the
    text 0012; a cell that says one of `nothing` (`NULL`, `N/A`; in any case) is empty.
    """
    if all(text.isprintable() and text[:1] != "=" for text in row.cells.values()) and not nothing:
        return row
    return Row(row.line, {name: _clean(text, nothing) for name, text in row.cells.items()}, row.fault)


def _clean(text: str, nothing: frozenset[str]) -> str:
    if not text.isprintable():
        text = " ".join(text.translate(_ZERO_WIDTH).split())
    if text[:1] == "=" and (quoted := _QUOTED.match(text.strip())):
        text = quoted[1]
    return "" if text.strip().casefold() in nothing else text


def spoiled(row: Row, columns: dict[str, str], keys: frozenset[str]) -> Iterator[Issue]:
    """Yield what a program has put into cells in place of what was there: formulas, and numbers that were cut.

    `keys` are the columns that hold numbers of the EMR; `columns` the names as the file writes them.
    """
    for name, text in row.cells.items():
        place = name_place(row.line, columns.get(name, name))
        if text[:1] == "=":
            yield Issue("formula", "a formula, not a value", where=place, value=text[:200])
        elif name in keys and _CUT.match(text.strip()):
            yield Issue("cut-number", "a spreadsheet has cut this number", where=place, value=text[:200])


def repeats_header(row: Row) -> bool:
    """Tell whether a row is the header once more."""
    return bool(row.cells) and all(fold(text) == name for name, text in row.cells.items())
