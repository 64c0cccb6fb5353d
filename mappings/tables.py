"""Tables compiled: all rows between one segment (or value type) and one record type, checked, with read and write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.codecs.codec import Codec
from mappings.er7 import NULL
from mappings.fields import Left, Segment, field_text, parse_part_left, parse_segment_left, part_of
from mappings.lists import write_list
from mappings.paths import BadRow, Path, Step, matcher, parse_path, step_text
from mappings.places import MISSING, Doc, ListPlace, Place, close_gaps, compile_list, compile_place, keep_list
from mappings.rows import Row, Section
from mappings.rules import (
    Condition,
    Reader,
    Rule,
    compile_reader,
    decode_text,
    encode_text,
    fail,
    read_place,
    write_fields,
    write_scalar,
)
from mappings.scope import Scope, Unfit

FindCodec = Callable[[str, int], Codec]
# What stands for the segment's name before the parts of a value.
NAME = "-"
# An element without this says nothing.
NEEDED = {"Identifier": "value", "ContactPoint": "value", "Annotation": "text"}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One compiled table. `heading` is `SEG:Type`; `depth` is that of a value (0: a segment).

    `readers` stand behind the field that must hold something for them to be asked, 0 (the name) for any.
    `defaults` are its constants without a test: they fill what the readings leave open. `echoes` are the read-only rows
    by the place that another row writes, too.
    """

    name: str
    heading: str
    structure: str
    depth: int
    rules: tuple[Rule, ...]
    readers: tuple[tuple[int, Reader], ...]
    defaults: tuple[tuple[Place, Any], ...]
    scalars: tuple[Rule, ...]
    lists: tuple[tuple[Rule, ...], ...]
    asides: tuple[Rule, ...]
    owns: tuple[str, ...] = field(default=())
    echoes: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether any row goes back into the segment."""
        return bool(self.scalars or self.lists)

    def read(self, segment: Segment, doc: Doc, scope: Scope) -> bool:
        """Read a segment into `doc` and tell whether it said anything; failed rows leave an issue in `scope`."""
        found, length = False, len(segment)
        for index, reader in self.readers:
            if index < length and segment[index] and reader(segment, doc, scope):
                found = True
        return found

    def fill(self, doc: Doc) -> None:
        """Put the table's constants where `doc` has nothing."""
        for place, value in self.defaults:
            if place.get(doc) is MISSING:
                place.put(doc, dict(value) if isinstance(value, dict) else value)

    def write(self, segment: Segment, record: Doc, scope: Scope) -> None:
        """Write `record` into `segment`; fields whose reading is already right, and all that no row names, stay."""
        written: set[str] = set()
        said: set[int] = set()
        if self.asides:
            record = without_asides(self.asides, segment, record, scope)
        for rules in self.lists:
            said |= write_list(rules, segment, record, scope)
        for rule in self.scalars:
            scope.row = rule.row
            assert rule.left is not None
            if rule.shares and rule.left.text in written:
                continue
            if said and said_elsewhere(rule, record, said):
                continue
            if echoed(rule, self.echoes.get(rule.row.right, ()), segment, record, scope):
                continue
            write = write_fields if rule.codec.form == "fields" else write_scalar
            try:
                done = write(rule, segment, record, scope)
            except Unfit as unfit:
                done = False
                fail(rule, unfit, str(rule.place.get(record)) if rule.place else "", scope)
            if done:
                written.add(rule.left.text)


def said_elsewhere(rule: Rule, record: Doc, said: set[int]) -> bool:
    """Tell whether the item that a row selects stands in a repetition of another field already (an SSN in PID-3)."""
    assert rule.left is not None
    first = rule.place.path.steps[0] if rule.place else None
    if first is None or not first.keys:
        return False
    matches = matcher(first.keys)
    return any(id(item) in said and matches(item) for item in record.get(first.name) or ())


def echoed(rule: Rule, echoes: Sequence[Rule], segment: Segment, record: Doc, scope: Scope) -> bool:
    """Tell whether another field says already what an empty field would be written for (ORC-1 the status of ORC-5)."""
    assert rule.left is not None
    if not echoes or rule.place is None or any(field_text(segment, index) for index in rule.left.fields):
        return False
    wanted = rule.place.get(record)
    return any(
        echo.left is not None
        and echo.holds(segment, scope)
        and read_place(echo, field_text(segment, echo.left.fields[0]), scope) == wanted
        for echo in echoes
    )


def is_aside(rule: Rule, rules: Sequence[Rule]) -> bool:
    """Tell whether a read-only row fills an element inside an item that other rows write as a whole (PID-12)."""
    if rule.row.writes or rule.place is None:
        return False
    first = rule.place.path.steps[0]
    return first.many and any(other.items and other.items.path.list_name == first.name for other in rules)


def without_asides(asides: Sequence[Rule], segment: Segment, record: Doc, scope: Scope) -> Doc:
    """Return the record without what read-only rows say of it already: those fields still say it after the writing."""
    for rule in asides:
        assert rule.place is not None
        assert rule.left is not None
        current = read_place(rule, field_text(segment, rule.left.fields[0]), scope)
        if current is not MISSING and current == rule.place.get(record):
            name = rule.place.path.steps[0].name
            record = {**record, name: [dict(item) for item in record[name]]}
            rule.place.drop(record)
    return record


def compile_table(section: Section, depth: int, find_codec: FindCodec) -> Table:
    """Compile the rows of one heading `SEG:Type` (depth 0) or `TYPE:Type` (the depth of its value).

    Raises `BadRow`, with file and line, for a path, codec or combination of rows that the language refuses.
    """
    source, structure = split_heading(section)
    drafts = [draft_row(row, source, structure, depth, find_codec) for row in section.rows]
    check(drafts, depth)
    rules = [finish(draft, drafts, depth) for draft in drafts]
    constants = [rule for rule in rules if rule.row.constant is not None and not rule.conditions]
    writers = [rule for rule in rules if rule.left is not None]
    return Table(
        section.name,
        section.heading[0],
        structure,
        depth,
        tuple(rules),
        tuple((asked_by(rule), compile_reader(rule)) for rule in rules if rule.row.reads and rule not in constants),
        tuple(default_of(rule) for rule in constants),
        tuple(rule for rule in writers if rule.items is None and rule.row.writes),
        tuple(tuple(group) for group in list_groups(writers)),
        tuple(rule for rule in writers if is_aside(rule, rules)),
        tuple(dict.fromkeys(rule.row_path.steps[0].name for rule in drafts)),
        {} if depth else echoes_of(writers),
    )


def echoes_of(rules: Sequence[Rule]) -> dict[str, tuple[Rule, ...]]:
    """Return the read-only rows over one field by the single place that they share with a row that writes it."""
    places = {rule.row.right for rule in rules if rule.place is not None and rule.row.writes}
    found: dict[str, tuple[Rule, ...]] = {}
    for rule in rules:
        if rule.row.right in places and not rule.row.writes and rule.codec.form != "fields":
            found[rule.row.right] = (*found.get(rule.row.right, ()), rule)
    return found


def asked_by(rule: Rule) -> int:
    """Return the field whose text makes a row worth reading, 0 for a row over several fields or a constant."""
    return rule.left.fields[0] if rule.left and len(rule.left.fields) == 1 else 0


def split_heading(section: Section) -> tuple[str, str]:
    """Return segment (or value type) and record type of a heading."""
    source, colon, structure = section.heading[0].partition(":")
    if not colon or len(section.heading) != 1:
        raise BadRow(f"{section.name}:{section.line}: {' '.join(section.heading)!r} is no heading")
    return source, structure


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """One row with its sides parsed, before the rows know one another."""

    row: Row
    left: Left | None
    row_path: Path
    codec: Codec
    conditions: tuple[Condition, ...]


def draft_row(row: Row, source: str, structure: str, depth: int, find_codec: FindCodec) -> Draft:
    """Parse the sides of one row; every `BadRow` gets the row's file and line."""
    try:
        left = None if row.constant is not None else parse_left(row.left, source, depth)
        path = parse_path(row.right, structure)
        codec = find_codec(row.codec, left.depth if left else depth + 1)
        tests = []
        for test in row.tests:
            tested = parse_left(test.left, source, depth)
            part = part_of(tested, tested.depth - len(tested.inner))
            tests.append(Condition(tested, part, frozenset(test.values), next(iter(test.values), ""), test.negated))
    except BadRow as bad:
        raise BadRow(f"{row}: {bad}") from None
    return Draft(row, left, path, codec, tuple(tests))


def parse_left(text: str, source: str, depth: int) -> Left:
    """Parse a left side for a table at `depth`."""
    return parse_part_left(text, depth) if depth else parse_segment_left(text, source)


def check(drafts: Sequence[Draft], depth: int) -> None:
    """Refuse what no single row shows: positions outside type tables, two ways back into one place, split choices."""
    seen: dict[str, Draft] = {}
    for draft in drafts:
        row, path = draft.row, draft.row_path
        if not depth and any(step.position for step in path.steps):
            raise BadRow(f"{row}: [n] is only for type tables")
        if draft.left and len(draft.left.fields) != max(draft.codec.arity, 1):
            raise BadRow(f"{row}: {draft.codec.name} does not take {len(draft.left.fields)} fields")
        if draft.codec.form == "fields" and path.star >= 0:
            raise BadRow(f"{row}: several fields make no list")
        if path.steps[-1].choice and draft.codec.form != "fields" and row.constant is None:
            raise BadRow(f"{row}: a choice needs a codec over its fields")
        if row.arrow != "<->" or path.star >= 0:
            continue
        place = ".".join(step_text(step) for step in path.steps)
        if place in seen:
            raise BadRow(f"{row}: {seen[place].row} already goes both ways to {row.right}")
        seen[place] = draft


def finish(draft: Draft, drafts: Sequence[Draft], depth: int) -> Rule:
    """Compile one row that knows the others."""
    row, path = draft.row, draft.row_path
    place: Place | None = None
    items: ListPlace | None = None
    if path.star >= 0:
        items = compile_list(path, selections(path, drafts))
    else:
        place = compile_place(path, draft.codec.extra)
    shares = (
        draft.left is not None
        and row.writes
        and any(other is not draft and other.row.left == row.left and other.row.writes for other in drafts)
    )
    top = depth + 1
    return Rule(
        row,
        draft.left,
        draft.codec,
        draft.conditions,
        place,
        items,
        top,
        part_of(draft.left, top) if draft.left else lambda text, _scope: text,
        decode_text(draft.codec, draft.left.depth if draft.left else top),
        encode_text(draft.codec),
        shares,
    )


def selections(path: Path, drafts: Sequence[Draft]) -> list[tuple[Step, ...]]:
    """Return the selected steps with which other rows claim items of the list that `path` stands for."""
    star = path.star
    before = [step_text(step) for step in path.steps[:star]]
    found = []
    for draft in drafts:
        steps = draft.row_path.steps
        same_list = len(steps) > star and [step_text(step) for step in steps[:star]] == before
        if same_list and steps[star].name == path.steps[star].name and steps[star].keys:
            found.append(steps[: star + 1])
    return found


def default_of(rule: Rule) -> tuple[Place, Any]:
    """Return place and value of a constant without a test."""
    assert rule.place is not None
    return rule.place, rule.codec.decode(rule.row.constant, Scope(), None)


def list_groups(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Return the rows by the list they feed, lists that no row writes left out."""
    groups: dict[tuple[str, ...], list[Rule]] = {}
    for rule in rules:
        if rule.items is not None:
            path = rule.items.path
            rest = [step_text(step) for step in path.steps[path.star + 1 :]]
            groups.setdefault((path.list_name, *rest), []).append(rule)
    return [group for group in groups.values() if any(rule.row.writes for rule in group)]


def type_codec(table: Table) -> Codec:
    """Return a type table as a codec: the parts of a value <-> an element."""
    depth = table.depth

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        doc: Doc = {}
        if not table.read([NAME, *text.split(scope.marks[depth])], doc, scope):
            return MISSING
        return finished(table, doc)

    def encode(element: Any, scope: Scope, old: str) -> str | None:
        if not isinstance(element, dict):
            return None
        mark = scope.marks[depth]
        parts = [NAME, *("" if part == NULL else part for part in old.split(mark))] if old else [NAME]
        table.write(parts, element, scope)
        text = mark.join(parts[1:])
        return text if old else text.rstrip("".join(scope.marks[depth:]))

    return Codec(table.heading, decode, encode, "raw", table.owns, targets=tuple(targets(table)))


def finished(table: Table, doc: Doc) -> Any:
    """Return an element that was read, tidied up; `MISSING` for one without what its type cannot do without."""
    close_gaps(doc)
    needed = NEEDED.get(table.structure)
    if not doc or (needed and needed not in doc):
        return MISSING
    identifiers = doc.get("identifier")
    if isinstance(identifiers, list):
        keep_list(doc, "identifier", [identifier for identifier in identifiers if "value" in identifier])
    table.fill(doc)
    return doc or MISSING


def targets(table: Table) -> list[str]:
    """Return the paths below the element that the rows of a type table name, for coverage."""
    return [".".join((rule.place or rule.items).path.elements) for rule in table.rules]  # type: ignore[union-attr] # one is set
