"""Where in a file something is, as issues and outcomes write it: `line 12` or `line 12 column sex`."""

import re

_PLACE = re.compile(r"line (\d+)(?: column (.+)|[.\[].*)?\Z")


def name_place(line: int, column: str = "") -> str:
    """Return the text for a line and, if given, a column."""
    return f"line {line} column {column}" if column else f"line {line}"


def read_place(where: str) -> tuple[int, str]:
    """Return the line and column that `where` names; line 0 stands for the whole file.

    What the core found wrong names the line and an element (`line 7.birthDate`).
    """
    found = _PLACE.match(where)
    return (int(found[1]), found[2] or "") if found else (0, "")
