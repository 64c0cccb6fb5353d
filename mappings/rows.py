"""Rows as they stand in a file: plain text, one row a line, columns by white space, `#` comments.

row  = left arrow right [codec] ["when" test+]        arrow = "<->" | "->" (read only) | "<-" (write only)
test = left "=" v("|"v)* | left "!=" v("|"v)* | left | "!"left        all must hold
"-" left right        in an overlay: the row of the base table is removed
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mappings.paths import BadRow

ARROWS = ("<->", "->", "<-")
_WORD = re.compile(r'"[^"]*"|[^\s"]\S*')
_TEST = re.compile(r"(?P<not>!?)(?P<left>[^=!]+)(?:(?P<op>!?=)(?P<values>.+))?\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something: its number in the file, its indentation and its words."""

    number: int
    indent: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on the row's own document: `left` has (not) one of `values`, or without values is (not) valued."""

    left: str
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row as written. `origin` is `table:line`; a constant left keeps its quotes; no codec means `text`."""

    origin: str
    left: str
    arrow: str
    right: str
    codec: str = "text"
    tests: tuple[Test, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether the row goes from left to right."""
        return self.arrow != "<-"

    @property
    def writes(self) -> bool:
        """Whether the row goes from right to left."""
        return self.arrow != "->"

    @property
    def constant(self) -> str | None:
        """The text of a constant left, else None."""
        return self.left[1:-1] if self.left.startswith('"') else None

    def __str__(self) -> str:
        return f"{self.origin} {self.left} {self.arrow} {self.right}"


@dataclass(slots=True)
class Section:
    """The lines under one heading of a file: rows, `- left right` removals, and lines that are neither."""

    name: str
    heading: tuple[str, ...]
    line: int
    rows: list[Row] = field(default_factory=list)
    removals: list[tuple[str, str]] = field(default_factory=list)
    others: list[Line] = field(default_factory=list)


def read_lines(text: str) -> Iterator[Line]:
    """Yield the lines of `text` that hold words, comments cut off."""
    for number, raw in enumerate(text.splitlines(), 1):
        words: list[str] = []
        for match in _WORD.finditer(raw):
            if match[0].startswith("#"):
                break
            words.append(match[0])
        if words:
            yield Line(number, len(raw) - len(raw.lstrip()), tuple(words))


def read_sections(text: str, name: str) -> list[Section]:
    """Return the sections of a file called `name`: a line without arrow at the margin begins one.

    Raises `BadRow` with the line for a row that is not of the grammar or stands before the first heading.
    """
    sections: list[Section] = []
    for line in read_lines(text):
        if is_row(line.words) or line.words[0] == "-":
            if not sections:
                raise BadRow(f"{name}:{line.number}: a row before the first heading")
            add_row(sections[-1], line, name)
        elif line.indent or line.words[0] == "new":
            if not sections:
                raise BadRow(f"{name}:{line.number}: an indented line before the first heading")
            sections[-1].others.append(line)
        else:
            sections.append(Section(name, line.words, line.number))
    return sections


def is_row(words: tuple[str, ...]) -> bool:
    """Tell whether a line is a row: its second word is an arrow."""
    return len(words) > 1 and words[1] in ARROWS


def add_row(section: Section, line: Line, name: str) -> None:
    """Add one row or removal to a section."""
    if line.words[0] == "-":
        if len(line.words) != 3:
            raise BadRow(f"{name}:{line.number}: a removal names a left and a right side")
        section.removals.append((line.words[1], line.words[2]))
    else:
        section.rows.append(parse_row(line, name))


def parse_row(line: Line, name: str) -> Row:
    """Parse the words of one row; `name` is the table's name in errors and issues. Raises `BadRow`."""
    where = f"{name}:{line.number}"
    left, arrow, *words = line.words
    if not words:
        raise BadRow(f"{where}: {left} {arrow} leads nowhere")
    right, *words = words
    codec = words.pop(0) if words and words[0] != "when" else "text"
    if words and (words[0] != "when" or len(words) == 1):
        raise BadRow(f"{where}: {' '.join(words)!r} is no condition")
    row = Row(where, left, arrow, right, codec, tuple(parse_test(word, where) for word in words[1:]))
    if row.constant is not None and arrow == "<-":
        raise BadRow(f"{where}: nothing can be written to a constant")
    return row


def parse_test(word: str, where: str) -> Test:
    """Parse one test behind `when`."""
    match = _TEST.match(word)
    if match is None or (match["not"] and match["op"]):
        raise BadRow(f"{where}: {word!r} is no test")
    values = tuple(match["values"].split("|")) if match["op"] else ()
    return Test(match["left"], values, bool(match["not"]) or match["op"] == "!=")
