"""Document tables: keys of a flat or nested document <-> records. EMR rows, SMS and program bindings speak it.

    document NAME [separator=;]
    key[.key…]  <->  RecordType.path  [codec] ["when" test+]
    new RecordType element=value …        value = literal | system"|"code | @RecordType | @key

`new` says what a record of that type gets when a row makes it: literals only while it is new, `@` always.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.codecs.codec import Codec, merged
from mappings.keys import Draft, as_change
from mappings.paths import DOCUMENT, BadRow, parse_key, parse_path, stamper, step_text
from mappings.places import MISSING, Doc, ListPlace, Place, compile_list, compile_place
from mappings.rows import Line, Row, Section, Test
from mappings.scope import Scope, Unfit
from tracker_core.changes import RecordChange
from tracker_core.issues import Issue


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One compiled row of a document. Exactly one of `place` and `items` is set."""

    row: Row
    keys: tuple[str, ...]
    codec: Codec
    tests: tuple[Test, ...]
    place: Place | None
    items: ListPlace | None
    separator: str

    @property
    def kind(self) -> str:
        """The record type that the row leads to."""
        path = (self.place or self.items).path  # type: ignore[union-attr] # one of the two is set
        return path.steps[0].name


@dataclass(frozen=True, slots=True)
class Stamp:
    """One `element=value` of a `new` line: a place in the record, and a literal or the name behind `@`."""

    place: Place
    literal: Callable[[], Any] | None
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTable:
    """A compiled document table. `stamps` are its `new` lines by record type."""

    name: str
    entries: tuple[Entry, ...]
    stamps: Mapping[str, tuple[Stamp, ...]] = field(default_factory=dict)


def compile_document(section: Section, find_codec: Callable[[str], Codec]) -> DocumentTable:
    """Compile a section `document NAME`. Raises `BadRow` with file and line."""
    options = dict(word.partition("=")[::2] for word in section.heading[2:])
    separator = options.get("separator", ";")
    entries = compile_entries(section.rows, find_codec, separator)
    stamps: dict[str, tuple[Stamp, ...]] = {}
    for line in section.others:
        kind, made = compile_new(line, section.name)
        stamps[kind] = (*stamps.get(kind, ()), *made)
    return DocumentTable(section.heading[1] if len(section.heading) > 1 else section.name, entries, stamps)


def compile_entries(
    rows: Sequence[Row], find_codec: Callable[[str], Codec], separator: str = ";", structure: str = DOCUMENT
) -> tuple[Entry, ...]:
    """Compile rows whose right sides are paths in `structure`; bindings use it for tracker paths <-> records."""
    paths = []
    for row in rows:
        try:
            paths.append(parse_path(row.right, structure))
        except BadRow as bad:
            raise BadRow(f"{row}: {bad}") from None
    seen: dict[str, Row] = {}
    entries = []
    for row, path in zip(rows, paths, strict=True):
        codec = checked_codec(row, find_codec)
        place, items = None, None
        if path.star >= 0:
            others = [p.steps[:1] for p in paths if p.steps[0].name == path.steps[0].name and p.steps[0].keys]
            items = compile_list(path, others if path.star == 0 else [])
        else:
            place = compile_place(path, codec.extra)
            spot = ".".join(step_text(step) for step in path.steps)
            if row.arrow == "<->" and spot in seen:
                raise BadRow(f"{row}: {seen[spot]} already goes both ways to {row.right}")
            seen[spot] = row
        entries.append(Entry(row, tuple(row.left.split(".")), codec, row.tests, place, items, separator))
    return tuple(entries)


def checked_codec(row: Row, find_codec: Callable[[str], Codec]) -> Codec:
    """Return the row's codec; one for ER7 values has no place in a document."""
    try:
        codec = find_codec(row.codec)
    except BadRow as bad:
        raise BadRow(f"{row}: {bad}") from None
    if codec.form in ("raw", "fields"):
        raise BadRow(f"{row}: {codec.name} is only for HL7 v2 fields")
    return codec


def compile_new(line: Line, name: str) -> tuple[str, list[Stamp]]:
    """Compile one `new` line: the record type and what its records get."""
    if len(line.words) < 3 or line.words[0] != "new":
        raise BadRow(f"{name}:{line.number}: {' '.join(line.words)!r} is neither row nor `new`")
    kind, made = line.words[1], []
    for word in line.words[2:]:
        element, _, value = word.partition("=")
        try:
            path = parse_path(element, kind)
            key = (
                None
                if value.startswith("@")
                else parse_key(f"{path.steps[-1].name}={value}", inside(path.elements, kind), word)
            )
        except BadRow as bad:
            raise BadRow(f"{name}:{line.number}: {bad}") from None
        made.append(Stamp(compile_place(path), maker_of(key) if key else None, value[1:]))
    return kind, made


def inside(elements: Sequence[str], kind: str) -> str:
    """Return the structure that holds the last of `elements`."""
    return parse_path(".".join(elements[:-1]), kind).kind if len(elements) > 1 else kind


def maker_of(key: Any) -> Callable[[], Any]:
    """Return the function that makes the value of a literal, in the shape of its element."""

    def make() -> Any:
        made: dict[str, Any] = {}
        stamper((key,))(made)
        value = made[key.name]
        return value[0] if key.many else value

    return make


def value_at(source: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return what a document has at nested keys, or at the whole dotted key; `MISSING` for nothing."""
    if len(keys) > 1 and ".".join(keys) in source:
        return source[".".join(keys)]
    found: Any = source
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            return MISSING
        found = found[key]
    return found


def set_value(target: Doc, keys: Sequence[str], value: Any) -> None:
    """Set what a document has at nested keys."""
    for key in keys[:-1]:
        target = target.setdefault(key, {})
    target[keys[-1]] = value


def holds(tests: Sequence[Test], source: Mapping[str, Any]) -> bool:
    """Tell whether every test of a row holds in the document."""
    for test in tests:
        found = value_at(source, test.left.split("."))
        text = "" if found is MISSING or found is None else str(found)
        if (text in test.values if test.values else bool(text)) is test.negated:
            return False
    return True


def read_entry(entry: Entry, source: Mapping[str, Any], document: Doc, scope: Scope) -> bool:
    """Read one row of `source` into `document`; `None` in `source` clears. Tell whether the row said anything."""
    found: Any = entry.row.constant
    if found is None:
        found = value_at(source, entry.keys)
    if found is MISSING or found == "" or not holds(entry.tests, source):
        return False
    scope.row = entry.row
    if entry.place:
        value = None if found is None else attempt(entry, found, entry.place.get(document), scope)
        if value is not MISSING:
            entry.place.put(document, value if value is None else merged(entry.codec, value, entry.place.get(document)))
        return value is not MISSING
    values = [attempt(entry, part, MISSING, scope) for part in split_values(found, entry.separator)]
    assert entry.items is not None
    for value in values:
        if value is not MISSING:
            entry.items.add(document, value)
    return any(value is not MISSING for value in values)


def split_values(found: Any, separator: str) -> list[Any]:
    """Return the values of a key that feeds a list."""
    if isinstance(found, str):
        return [part.strip() for part in found.split(separator) if part.strip()]
    return list(found) if isinstance(found, list | tuple) else [] if found is None else [found]


def attempt(entry: Entry, found: Any, old: Any, scope: Scope) -> Any:
    """Decode one value; a value that does not fit yields an issue and `MISSING`."""
    start = len(scope.issues)
    try:
        value = entry.codec.decode(as_text(found), scope, None if old is MISSING else old)
    except Unfit as unfit:
        value = MISSING
        if not scope.quiet:
            issue = Issue(unfit.code, unfit.reason, "warning", "", str(found)[:200], str(entry.row))
            scope.issues.append(issue)
    if len(scope.issues) > start:
        scope.locate(start, f"{scope.where} {entry.row.left}".strip())
    return value


def as_text(found: Any) -> str:
    """Return a value of a document as the text that codecs read."""
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)


def write_entry(entry: Entry, document: Doc, target: Doc, scope: Scope) -> None:
    """Write one row of `document` into `target` unless its reading is already right; `None` where there is nothing."""
    scope.row = entry.row
    current = value_at(target, entry.keys)
    if not holds(entry.tests, target) and current is not MISSING:
        return
    if entry.items:
        write_values(entry, entry.items.all(document), current, target, scope)
        return
    assert entry.place is not None
    wanted = entry.place.get(document)
    if wanted is MISSING or wanted is None:
        if current not in (MISSING, None, "") and quietly(entry, current, scope) is not MISSING:
            set_value(target, entry.keys, None)
        return
    reading = MISSING if current in (MISSING, None, "") else quietly(entry, current, scope, wanted)
    if reading != wanted:
        spoken = spoken_value(entry, wanted, current, scope)
        if spoken is not None and (
            reading is MISSING or quietly(entry, spoken, scope) != quietly(entry, current, scope)
        ):
            set_value(target, entry.keys, spoken)


def write_values(entry: Entry, wanted: list[Any], current: Any, target: Doc, scope: Scope) -> None:
    """Write a list: values that are there keep their order, new ones follow."""
    present = [] if current is MISSING else [as_text(part) for part in split_values(current, entry.separator)]
    readings = [quietly(entry, text, scope) for text in present]
    pairs = [(value, text) for value in wanted if (text := spoken_value(entry, value, MISSING, scope)) is not None]
    heard = [quietly(entry, text, scope) for _, text in pairs]
    right = [*wanted, *heard]
    kept = [text for text, reading in zip(present, readings, strict=True) if reading is MISSING or reading in right]
    added = [
        text
        for (value, text), reading in zip(pairs, heard, strict=True)
        if value not in readings and reading not in readings
    ]
    result = list(dict.fromkeys([*kept, *added]))
    if result != present:
        set_value(target, entry.keys, entry.separator.join(result) if result else None)


def quietly(entry: Entry, found: Any, scope: Scope, old: Any = None) -> Any:
    """Return what a value reads as, without issues."""
    scope.quiet = True
    try:
        return entry.codec.decode(as_text(found), scope, old)
    except Unfit:
        return MISSING
    finally:
        scope.quiet = False


def spoken_value(entry: Entry, wanted: Any, old: Any, scope: Scope) -> Any:
    """Encode one value; what does not fit yields an issue and None."""
    try:
        return entry.codec.encode(wanted, scope, None if old is MISSING else old)
    except Unfit as unfit:
        scope.issues.append(Issue(unfit.code, unfit.reason, "warning", scope.where, str(wanted)[:200], str(entry.row)))
        return None


def read_document(table: DocumentTable, source: Mapping[str, Any], scope: Scope) -> list[RecordChange]:
    """Read one document (one EMR row, one message's values) into record changes that refer to one another by name.

    Issues are added to `scope.issues` with `scope.where` before the key. No row, no record.
    """
    document: Doc = {}
    for entry in table.entries:
        if entry.row.reads:
            read_entry(entry, source, document, scope)
    drafts: dict[str, list[Draft]] = {
        kind: [Draft(kind, f"#{kind}-{n}", record) for n, record in enumerate(records, 1)]
        for kind, records in document.items()
    }
    for draft in (each for many in drafts.values() for each in many):
        draft.near = lambda kind: next(iter(drafts.get(kind, ())), None)
        draft.where = scope.where
        stamp_new(table, draft, source, drafts, scope)
    taken: set[str] = set()
    return [as_change(draft, taken) for many in drafts.values() for draft in many]


def stamp_new(
    table: DocumentTable, draft: Draft, source: Mapping[str, Any], drafts: Mapping[str, list[Draft]], scope: Scope
) -> None:
    """Give a record what the `new` line of its type says."""
    for stamp in table.stamps.get(draft.type, ()):
        if stamp.literal is not None:
            if stamp.place.get(draft.doc) is MISSING:
                stamp.place.put(draft.defaults, stamp.literal())
        elif stamp.place.get(draft.doc) is MISSING:
            value = named_value(table, stamp.name, source, drafts, scope)
            if value is not MISSING:
                stamp.place.put(draft.doc, value)


def named_value(
    table: DocumentTable, name: str, source: Mapping[str, Any], drafts: Mapping[str, list[Draft]], scope: Scope
) -> Any:
    """Return what `@name` stands for: a reference to a record, or the value of a key through its row's codec."""
    if drafts.get(name):
        return {"reference": drafts[name][0].name}
    found = value_at(source, name.split("."))
    if found is MISSING or found is None or found == "":
        return MISSING
    entry = next((entry for entry in table.entries if entry.row.left == name), None)
    return quietly(entry, found, scope) if entry else str(found)


def write_document(table: DocumentTable, records: Sequence[Doc], scope: Scope, target: Doc | None = None) -> Doc:
    """Return a copy of `target` with what the records say; keys whose reading is right stay as they are."""
    document: dict[str, list[Doc]] = {}
    for record in records:
        document.setdefault(record["resourceType"], []).append(record)
    result = {key: dict(kept) if isinstance(kept, dict) else kept for key, kept in (target or {}).items()}
    for entry in table.entries:
        if entry.row.writes and entry.row.constant is None:
            write_entry(entry, document, result, scope)
    return result
