"""Laws of every HL7 v2 table over every sample, our own and those of the corpora."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mappings import Mappings, Profile, Scope, load, read_message, structure_of, write_message, write_segment
from mappings.er7 import Message, parse, render
from mappings.grouping import place
from mappings.places import MISSING, Doc
from mappings.reading import scope_of
from mappings.rules import Rule, read_place
from mappings.tables import Table
from tracker_core.changes import RecordChange
from tracker_core.errors import Malformed

SAMPLES = Path(__file__).parent.parent / "samples" / "hl7v2"
PROFILE = Profile(domain="laws", naming={"LAB": "http://lab.example/id", "2.999.5": "http://lab.example/id"})


@cache
def tables() -> Mappings:
    """Every table of the package."""
    return load()


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment with the table of one of its lines, what it reads as, and the records that this refers to."""

    message: Message
    table: Table
    segment: list[str]
    record: Doc
    records: dict[str, Doc]

    def write(self, record: Doc) -> list[str]:
        """Return the segment after `record` was written into a copy of it."""
        copy = list(self.segment)
        write_segment(self.table, copy, record, scope_of(self.message, PROFILE), self.records)
        return copy


def messages(folder: Path) -> Iterator[Message]:
    """Yield the messages of a folder that can be parsed and have a structure."""
    for path in sorted(folder.rglob("*.hl7")):
        try:
            message = parse(path.read_bytes().decode("utf-8", "replace"))
        except Malformed:
            continue
        if structure_of(tables(), message):
            yield message


def pieces(message: Message) -> Iterator[Piece]:
    """Yield every mapped segment of a message with each of its tables."""
    structure = tables().structures[structure_of(tables(), message)]
    for placed in place(structure, message.segments):
        for feed in placed.slot.feeds if placed.slot else ():
            record: Doc = {"resourceType": feed.type}
            records: dict[str, Doc] = {}
            scope = scope_of(message, PROFILE)
            scope.refer = lambda type_, found, records=records: named(records, type_, found)  # type: ignore[misc] # bound now
            segment = message.segments[placed.index]
            feed.table.read(segment, record, scope)
            yield Piece(message, feed.table, segment, record, records)


def named(records: dict[str, Doc], type_: str, found: Doc) -> Doc:
    """Keep a record that a value holds, and return the reference to it."""
    name = f"#{type_}{len(records)}"
    records[name] = {"resourceType": type_, **found}
    return {"reference": name}


def folders(corpora: Path | None) -> list[Path]:
    """Return the folders of samples."""
    return [SAMPLES, *([corpora / "hl7v2" / "messages"] if corpora else [])]


def check_quiet(folder: Path) -> int:
    """Write back what was read, and tell how many segments stayed as they were; any other fails."""
    count = 0
    for message in messages(folder):
        for piece in pieces(message):
            assert piece.write(piece.record) == piece.segment
            count += 1
    return count


def test_quiet_write() -> None:
    """write(read(d), d) is d, byte for byte."""
    assert check_quiet(SAMPLES) > 40


def test_quiet_write_over_the_corpora(corpora: Path) -> None:
    """The same over real messages of 2.1 to 2.8."""
    assert check_quiet(corpora / "hl7v2" / "messages") > 9000


def altered(rule: Rule, value: Any) -> Any:
    """Return another value that the row's codec can say, `MISSING` where none is known."""
    if rule.codec.name in ("text", "first") and isinstance(value, str):
        return value + "x"
    if rule.codec.name in ("date", "dateTime", "instant") and isinstance(value, str):
        return f"19{value[2:]}" if value[:2] == "20" else f"20{value[2:]}"
    if rule.codec.name == "decimal":
        return value + Decimal("0.5")
    if rule.codec.name.startswith("code:"):
        mapped = tables().concepts[rule.codec.name[5:]]
        return next((code for system, code in mapped.back if code != value), MISSING)
    return MISSING


def check_local(folder: Path) -> tuple[int, int]:
    """Change every value alone; return how many edits read back, of how many. Other fields must not change."""
    tried = read_back = 0
    for message in messages(folder):
        for piece in pieces(message):
            for rule in piece.table.scalars:
                edited = edit(piece, rule)
                if edited is None:
                    continue
                after = piece.write(edited[0])
                assert changed(piece.segment, after) <= allowed(rule), str(rule.row)
                tried += 1
                read_back += reads(rule, after, message) == edited[1]
    return tried, read_back


def edit(piece: Piece, rule: Rule) -> tuple[Doc, Any] | None:
    """Return the record with the row's value changed, and that value; None when the row has nothing to change."""
    scope = scope_of(piece.message, PROFILE)
    value = rule.place.get(piece.record) if rule.place else MISSING
    if rule.codec.form == "fields" or not rule.row.reads or not rule.holds(piece.segment, scope):
        return None
    if value is MISSING or value != reads(rule, piece.segment, piece.message):
        return None
    new = altered(rule, value)
    if new is MISSING or rule.place is None:
        return None
    record = copied(piece.record)
    rule.place.put(record, new)
    return record, new


def copied(value: Any) -> Any:
    """Return a deep copy."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def reads(rule: Rule, segment: list[str], message: Message) -> Any:
    """Return what the row reads in a segment."""
    assert rule.left is not None
    index = rule.left.fields[0]
    return read_place(rule, segment[index] if index < len(segment) else "", scope_of(message, PROFILE))


def changed(before: list[str], after: list[str]) -> set[int]:
    """Return the fields that differ."""
    length = max(len(before), len(after))
    pad = [*before, *[""] * length][:length], [*after, *[""] * length][:length]
    return {index for index, (a, b) in enumerate(zip(*pad, strict=True)) if a != b}


def allowed(rule: Rule) -> set[int]:
    """Return the fields that an edit of the row may change."""
    assert rule.left is not None
    return {*rule.left.fields, *(field for condition in rule.conditions for field in condition.left.fields)}


def test_local_and_put_get() -> None:
    """Changing one row's value changes only its fields, and it reads back."""
    tried, read_back = check_local(SAMPLES)
    assert tried > 35
    assert read_back == tried


def test_local_and_put_get_over_the_corpora(corpora: Path) -> None:
    """The same over real messages; what does not read back is codes without a preferred inverse."""
    tried, read_back = check_local(corpora / "hl7v2" / "messages")
    assert tried > 8000
    assert read_back / tried > 0.999


def whole(changes: list[RecordChange]) -> dict[str, Doc]:
    """Return the records that changes make."""
    return {c.name: {**c.defaults, **c.document} for c in changes if c.document and isinstance(c.document, dict)}


def rendered(message: Message, changes: list[RecordChange]) -> Message:
    """Return the records of a message as a new message."""
    structure = structure_of(tables(), message)
    segments, _ = write_message(tables(), structure, whole(changes), PROFILE, message.encoding)
    return Message(message.encoding, [message.segments[0], *segments])


def facts(changes: list[RecordChange]) -> Counter[tuple[str, str]]:
    """Return every leaf of every record with its path, local names cut to their type."""

    def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from leaves(item, f"{path}.{key}")
        elif isinstance(value, list):
            for item in value:
                yield from leaves(item, path)
        else:
            yield path, str(value).split("-")[0] if path.endswith(".reference") else str(value)

    return Counter(leaf for change in changes for leaf in leaves(change.document, change.type))


def test_settled_over_the_corpora(corpora: Path) -> None:
    """What is rendered from records, read and rendered again is the same text; facts that survive have a floor."""
    count = kept = all_facts = 0
    for message in messages(corpora / "hl7v2" / "messages"):
        first, _ = read_message(tables(), message, PROFILE)
        once = rendered(message, first)
        second, _ = read_message(tables(), once, PROFILE, structure_of(tables(), message))
        assert render(rendered(once, second)) == render(once)
        assert len(second) == len(first)
        before = facts(first)
        all_facts += before.total()
        kept += (before & facts(second)).total()
        count += 1
    assert count > 150
    assert kept / all_facts > 0.98


@pytest.mark.parametrize("heading", sorted(tables().tables))
def test_every_table_writes_what_it_reads_back(heading: str) -> None:
    """An empty segment reads as nothing, and nothing writes an empty segment."""
    table = tables().tables[heading]
    segment = [heading[:3], *[""] * 60]
    record: Doc = {}
    assert not table.read(segment, record, Scope())
    assert record == {}
    table.write(segment, record, Scope())
    assert segment == [heading[:3], *[""] * 60]
