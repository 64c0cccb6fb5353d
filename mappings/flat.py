"""Flat tables: the columns of a row <-> the records of one visit, with the rows of the mapping language.

    NAME                                    heading; then, indented, facts about the file:
      required COLUMN…                      a file without one of them is refused
      ignore COLUMN…                        columns that may be there and say nothing; `*`: all that no row names
      header COLUMN…                        the columns of an export, in their order and spelling
      record TYPE by COLUMN…                a row is one record of that type, whole, known by these columns
      partial TYPE by COLUMN…               a row also says something of that record, and nothing of the rest of it
      join COLUMN FILE.KEY                  the row of FILE whose KEY is in the column, as columns `COLUMN.NAME`
    column[,column…] <-> path codec         the path starts with a record type: Patient.birthDate, Observation[…].value…

A codec over several columns sees their texts as a list. A row whose path holds `*` has a codec for the whole list.
A document is `{"Patient": [{…}], "Encounter": [{…}], "Condition": […], "Observation": […]}`.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappings.codecs.codec import Codec
from mappings.paths import DOCUMENT, BadRow, Path, parse_path
from mappings.places import MISSING, Doc, ListPlace, Place, compile_list, compile_place
from mappings.rows import Row, Section, Test, read_sections
from mappings.scope import Scope, Unfit

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One compiled row. Exactly one of `place` and `items` is set; `columns` is empty for a constant.

    Both lead from the first record of `type`, where the row names it without a selector; else from the document.
    `alone` rules fill a place that no other row fills.
    """

    row: Row
    columns: tuple[str, ...]
    codec: Codec
    place: Place | None
    items: ListPlace | None
    type: str
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Keyed:
    """A record that each row of a file is about, known by the texts of some columns; `whole` when it says all of it."""

    type: str
    columns: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Join:
    """A column that names a row of another file of the set by that file's column `key`."""

    column: str
    file: str
    key: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a table says of its file besides its rows."""

    required: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    header: tuple[str, ...] = ()
    records: tuple[Keyed, ...] = ()
    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FlatTable:
    """A compiled table. `columns` are those that it reads or writes, in the order of its rows.

    Without `records` a row is one visit; with them, each row is the records that they name.
    """

    name: str
    rules: tuple[Rule, ...]
    columns: tuple[str, ...]
    facts: Facts

    @property
    def required(self) -> frozenset[str]:
        """The columns that a file must have, filled."""
        return self.facts.required

    def ignores(self, column: str) -> bool:
        """Tell whether a column may be there and say nothing."""
        return column in self.facts.ignored or "*" in self.facts.ignored

    @property
    def written(self) -> tuple[str, ...]:
        """The columns that go both ways: what an export holds."""
        both = [column for rule in self.rules if rule.row.writes for column in rule.columns]
        return tuple(dict.fromkeys(both))

    def read(self, cells: Cells, scope: Scope) -> Doc:
        """Read a row into a document; a cell that does not fit leaves an issue in `scope` that names its column.

        An empty cell says nothing, and so does a column that is not there.
        """
        doc: Doc = {}
        get = cells.get
        for rule in self.rules:
            row, columns = rule.row, rule.columns
            if len(columns) == 1:
                text = get(columns[0])
                if not text or text.isspace():
                    continue
                left: Any = text
            elif columns:
                left = [get(column, "") for column in columns]
                if not any(left) or not "".join(left).strip():
                    continue
            else:
                left = row.constant
            if row.reads and all(holds(test, cells) for test in row.tests):
                scope.row = row
                _read_rule(rule, left, doc, scope)
        return doc

    def write(self, doc: Doc, scope: Scope, only: Container[str] | None = None) -> dict[str, str]:
        """Return the cells that say what `doc` holds, in the table's own spelling; absent facts have no cell.

        With `only`, rows whose first column is not among them are left out.
        """
        cells: dict[str, str] = {}
        for rule in self.rules:
            if rule.row.writes and rule.columns and (only is None or rule.columns[0] in only):
                scope.row = rule.row
                cells |= _write_rule(rule, doc, scope)
        return cells


def compile_flat(text: str, name: str, find_codec: Callable[[str], Codec], overlay: str = "") -> FlatTable:
    """Compile a table file and the overlay laid over it. Raises `BadRow`, with file and line, for what is not allowed.

    An overlay's row with the same left and right replaces the table's, a new one is appended, `- left right` removes.
    """
    section = _only(read_sections(text, name), name)
    if overlay:
        _lay_over(section, _only(read_sections(overlay, f"{name}+"), name))
    rules = tuple(_alone([_compile(row, find_codec) for row in section.rows]))
    _check(rules)
    facts = _facts(section)
    columns = tuple(dict.fromkeys(column for rule in rules for column in rule.columns))
    if unknown := facts.required - set(columns):
        raise BadRow(f"{name}: required columns that no row reads: {', '.join(sorted(unknown))}")
    return FlatTable(name, rules, columns, facts)


def holds(test: Test, cells: Cells) -> bool:
    """Tell whether a test of a row holds for these cells."""
    found = cells.get(test.left, "").strip()
    return (found in test.values if test.values else bool(found)) is not test.negated


def _only(sections: list[Section], name: str) -> Section:
    if len(sections) != 1:
        raise BadRow(f"{name}: a flat table has one heading, not {len(sections)}")
    return sections[0]


def _lay_over(section: Section, overlay: Section) -> None:
    gone = {*overlay.removals, *((row.left, row.right) for row in overlay.rows)}
    section.rows = [row for row in section.rows if (row.left, row.right) not in gone] + overlay.rows
    section.others.extend(overlay.others)


def _facts(section: Section) -> Facts:
    """Read the indented lines of a table. Raises `BadRow` for one that is no fact."""
    words: dict[str, list[str]] = {"required": [], "ignore": [], "header": []}
    records: list[Keyed] = []
    joins: list[Join] = []
    for line in section.others:
        first, *rest = line.words
        if first in words:
            words[first] += rest
        elif first in ("record", "partial") and len(rest) > 2 and rest[1] == "by":
            records.append(Keyed(rest[0], tuple(rest[2:]), first == "record"))
        elif first == "join" and len(rest) == 2 and "." in rest[1]:
            joins.append(Join(rest[0], *rest[1].split(".", 1)))
        else:
            raise BadRow(f"{section.name}:{line.number}: {' '.join(line.words)!r} is no fact about a flat file")
    header, required, ignored = (words[word] for word in ("header", "required", "ignore"))
    return Facts(frozenset(required), frozenset(ignored), tuple(header), tuple(records), tuple(joins))


def _compile(row: Row, find_codec: Callable[[str], Codec]) -> Rule:
    try:
        path = parse_path(row.right, DOCUMENT)
        codec = find_codec(row.codec)
    except BadRow as bad:
        raise BadRow(f"{row}: {bad}") from None
    columns = () if row.constant is not None else tuple(row.left.split(","))
    if (len(columns) > 1) != (codec.form == "fields"):
        raise BadRow(f"{row}: {codec.name} does not take {len(columns)} columns")
    type_, rest = _inside(row.right, path)
    if path.star >= 0:
        return Rule(row, columns, codec, None, compile_list(rest), type_)
    return Rule(row, columns, codec, compile_place(rest), None, type_)


def _inside(text: str, path: Path) -> tuple[str, Path]:
    """Return the record type that a path leads into without a selector, and the path inside it; else the path."""
    first = path.steps[0]
    if first.keys or first.every or first.position or len(path.steps) == 1:
        return "", path
    return first.name, parse_path(text.partition(".")[2], first.name)


def _alone(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Yield the rules, told which of them share their place with another."""
    seen = [rule.row.right for rule in rules]
    for rule in rules:
        shared = any(_overlap(rule.row.right, other) for other in seen) or seen.count(rule.row.right) > 1
        yield replace(rule, alone=not shared)


def _overlap(one: str, other: str) -> bool:
    """Tell whether two different paths may lead to one place: a choice, or one inside of the other."""
    if one == other:
        return False
    stem, other_stem = one.removesuffix("[x]"), other.removesuffix("[x]")
    if stem != one or other_stem != other:
        return stem.startswith(other_stem) or other_stem.startswith(stem)
    return one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _check(rules: tuple[Rule, ...]) -> None:
    """Refuse two ways back from one place, and two into one column."""
    seen: dict[str, Row] = {}
    for rule in rules:
        if rule.row.arrow == "<->":
            for place in (rule.row.right, *rule.columns):
                if place in seen:
                    raise BadRow(f"{rule.row}: {seen[place]} already goes both ways with {place}")
                seen[place] = rule.row


def _read_rule(rule: Rule, left: Any, doc: Doc, scope: Scope) -> None:
    try:
        value = rule.codec.decode(left, scope, None)
    except Unfit as unfit:
        place = f"{scope.where}{rule.columns[0]}" if rule.columns else scope.where
        value = left if isinstance(left, str) else "; ".join(text for text in left if text.strip())
        scope.issues.append(unfit.issue("error", place, value[:200], str(rule.row)))
        return
    if value is MISSING:
        return
    root = doc
    if rule.type:
        held = doc.get(rule.type)
        root = held[0] if held else doc.setdefault(rule.type, [{}])[0]
    if rule.items is not None:
        for item in value:
            rule.items.add(root, item)
    elif rule.place is not None and (rule.alone or rule.place.get(root) is MISSING):
        rule.place.put(root, value)


def _write_rule(rule: Rule, doc: Doc, scope: Scope) -> dict[str, str]:
    root = doc
    if rule.type:
        held = doc.get(rule.type)
        if not held:
            return {}
        root = held[0]
    value: Any = MISSING
    if rule.items is not None:
        value = rule.items.all(root)
    elif rule.place is not None:
        value = rule.place.get(root)
    if value is MISSING or value is None or value == []:
        return {}
    try:
        left = rule.codec.encode(value, scope, None)
    except Unfit:
        return {}
    texts = left if rule.codec.form == "fields" and left is not None else [left]
    return {column: text for column, text in zip(rule.columns, texts, strict=False) if text}
