"""How much of the official v2-to-FHIR segment maps the tables declare.

A guide row is covered by a row of the same segment, record type and field whose target is equal, a prefix or a part of
it, or selects the same list item; by a link of the structures; or by a constant. Rows whose condition is only prose are
the site's to decide and are counted apart. `tables/hl7v2/guide/decisions.txt` lists the rows decided against with the
reason, and reads the guide's misprints.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mappings.library import BASE, Mappings
from mappings.paths import BadRow, Step
from mappings.rows import read_lines
from mappings.rules import Rule, path_of
from mappings.structure import Feed, Group, Slot
from mappings.tables import Table

_NAME = re.compile(r"_ (?P<segment>[A-Z][A-Z0-9]{2})\[(?P<type>\w+)(?:-[\w-]+)?\]")
DECISIONS = BASE / "hl7v2" / "guide" / "decisions.txt"
_FIELD = re.compile(r"(?P<segment>[A-Z][A-Z0-9]{2})\W+(?P<field>\d+)")
_INNER = re.compile(r"\((?P<type>[A-Z]\w+)[^.()]*\.(?P<path>[\w.\[\]]+)")


@dataclass(frozen=True, slots=True)
class GuideRow:
    """One row of an official map that has a target. `inner` is a target inside a referred record, as (type, path)."""

    map: str
    segment: str
    type: str
    fields: int
    target: tuple[str, ...]
    inner: tuple[str, tuple[str, ...]] | None
    prose: bool
    constant: bool = False
    data_type: str = ""
    condition: str = ""
    vocabulary: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What decisions know the row by: map, field and target."""
        return self.map, f"{self.segment}-{self.fields}", ".".join(self.target)

    @property
    def name(self) -> str:
        """The row as people write it."""
        return " ".join(self.key[1:])


@dataclass(slots=True)
class Coverage:
    """One official map: its rows with a target, how many of them are declared, and the names of the others.

    `against` are the names of the rows decided against, with the reason.
    """

    map: str
    rows: int = 0
    covered: int = 0
    missing: list[str] = field(default_factory=list)
    against: list[tuple[str, str]] = field(default_factory=list)
    manual: list[str] = field(default_factory=list)


def declared(mappings: Mappings, folder: Path, segments: Iterable[str] = ()) -> list[Coverage]:
    """Compare the tables with the maps in `folder` (`…/v2-to-fhir`), for all segments or those named.

    Raises `FileNotFoundError` when the folder holds no segment maps.
    """
    wanted, decided = set(segments), read_decisions()
    found: dict[str, Coverage] = {}
    for row in guide_rows(folder):
        if not wanted or row.map[:3] in wanted:
            add_row(found.setdefault(row.map, Coverage(row.map)), row, mappings, decided)
    return list(found.values())


def add_row(result: Coverage, row: GuideRow, mappings: Mappings, decided: "Decisions") -> None:
    """Count one row of a map."""
    row = decided.meant(row)
    reason = decided.against(row)
    covered = not reason and (row.key in decided.rules or covers(mappings, row))
    if row.prose and not covered:
        result.manual.append(row.name)
        return
    result.rows += 1
    result.covered += covered
    if reason:
        result.against.append((row.name, reason))
    elif not covered:
        result.missing.append(row.name)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided of the guide's rows: (map, field, target) -> reason, the rule that does it, or the target meant.

    A field or a target `*` stands for every one.
    """

    reasons: dict[tuple[str, str, str], str] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], str] = field(default_factory=dict)
    misprints: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def against(self, row: GuideRow) -> str:
        """Return why the row is not mapped, empty when nothing was decided."""
        map_, place, _ = row.key
        keys = (row.key, (map_, place, "*"), (map_, "*", "*"))
        return next((self.reasons[key] for key in keys if key in self.reasons), "")

    def meant(self, row: GuideRow) -> GuideRow:
        """Return the row with the target that its authors meant."""
        found = self.misprints.get(row.key)
        return replace(row, target=tuple(found.split("."))) if found else row


def read_decisions(path: Path = DECISIONS) -> Decisions:
    """Read `against|rule MAP FIELD TARGET reason …` and `misprint MAP FIELD TARGET MEANT`. Raises `BadRow`."""
    decided = Decisions()
    for line in read_lines(path.read_text(encoding="utf-8")):
        kind, *words = line.words
        kinds = {"against": decided.reasons, "rule": decided.rules, "misprint": decided.misprints}
        if kind not in kinds or len(words) < 4:
            raise BadRow(f"{path.name}:{line.number}: neither a decision nor a misprint")
        kinds[kind][words[0], words[1], words[2]] = " ".join(words[3:])
    return decided


def guide_rows(folder: Path) -> Iterator[GuideRow]:
    """Yield the rows with a target of every segment map."""
    paths = sorted((folder / "segments").glob("*.csv"))
    if not paths:
        raise FileNotFoundError(f"no segment maps in {folder / 'segments'}")
    for path in paths:
        name = _NAME.search(path.name)
        if name is None:
            continue
        with path.open(encoding="utf-8-sig", newline="") as file:
            for cells in list(csv.reader(file))[2:]:
                row = guide_row([*cells, *[""] * 20], name["segment"], name["type"], name[0][2:])
                if row is not None:
                    yield row


def guide_row(cells: list[str], segment: str, type_: str, name: str) -> GuideRow | None:
    """Return one line of a map as a row, None for one without target or with one that nobody has agreed on."""
    identifier, target, extension = cells[1].strip(), cells[9].strip(), cells[10].strip()
    if not target and "?" not in extension:
        target = extension
    if not target or not re.match(r"[a-z$]", target):
        return None
    place = _FIELD.match(identifier)
    inner = _INNER.search(target)
    prose = bool(cells[8].strip()) and not (cells[6].strip() or cells[7].strip())
    return GuideRow(
        name,
        place["segment"] if place else segment,
        type_,
        int(place["field"]) if place else 0,
        bare(target),
        (inner["type"], bare(inner["path"])) if inner else None,
        prose,
        bool(cells[16].strip()) or "=" in target,
        cells[3].strip(),
        cells[6].strip() or cells[7].strip(),
        cells[15].strip(),
    )


def bare(target: str) -> tuple[str, ...]:
    """Return a target's element names, without indices, selectors, references and constants."""
    cut = re.sub(r"\[[^\]]*\]|=.*", "", target.partition("(")[0])
    return tuple(step.strip() for step in cut.split(".") if step.strip())


def covers(mappings: Mappings, row: GuideRow) -> bool:
    """Tell whether any row of the tables declares the guide row."""
    if linked(mappings, row):
        return True
    targets = [row.target]
    if row.inner:
        targets.append((*row.target, *row.inner[1]))
        if any(table_covers(table, row, [row.inner[1]], ()) for table, _ in tables_of(mappings, row, row.inner[0])):
            return True
    return any(table_covers(table, row, targets, before) for table, before in tables_of(mappings, row, row.type))


def linked(mappings: Mappings, row: GuideRow) -> bool:
    """Tell whether a link of the row's segment makes the reference that the row asks for."""
    for structure in mappings.structures.values():
        for feed in feeds(structure.root):
            if not feed.table.heading.startswith(f"{row.segment}:"):
                continue
            inwards = [link for link in feed.within if link.target == row.type]
            for link in (*inwards, *(feed.links if feed.type == row.type else ())):
                elements = (link.place or link.items).path.elements  # type: ignore[union-attr] # one of the two is set
                chosen = elements[:1] if elements[0] == "extension" else elements
                if row.target[: len(chosen)] == chosen:
                    return True
    return False


def tables_of(mappings: Mappings, row: GuideRow, type_: str) -> Iterator[tuple[Table, tuple[Step, ...]]]:
    """Yield the tables of the row's segment into a record type and into its lists, with the steps before."""
    heading = f"{row.segment}:{type_}"
    if heading in mappings.tables:
        yield mappings.tables[heading], ()
    for structure in mappings.structures.values():
        for feed in feeds(structure.root):
            if feed.items and feed.type == type_ and feed.table.heading.startswith(f"{row.segment}:"):
                yield feed.table, feed.items.path.steps


def feeds(group: Group) -> Iterator[Feed]:
    """Yield the lines of a group and of those inside it."""
    for item in group.items:
        yield from item.feeds if isinstance(item, Slot) else feeds(item)


def table_covers(table: Table, row: GuideRow, targets: Iterable[tuple[str, ...]], before: tuple[Step, ...]) -> bool:
    """Tell whether a row of the table has the guide row's field, or is a constant as it is, and reaches a target.

    `$this` is the record itself: any row of the field makes something of it.
    """
    rules = [rule for rule in table.rules if row.fields in fields_of(rule) or (row.constant and rule.left is None)]
    return any(target == ("$this",) or reaches(rule, target, before) for target in targets for rule in rules)


def fields_of(rule: Rule) -> set[int]:
    """Return the fields that a row names, those of its tests included; 0 for a constant without test."""
    named = {number for condition in rule.conditions for number in condition.left.fields}
    return (named | set(rule.left.fields)) if rule.left else named or {0}


def reaches(rule: Rule, target: tuple[str, ...], before: tuple[Step, ...]) -> bool:
    """Tell whether the row's target is the guide's, a prefix or a part of it, or in the same selected item."""
    steps = (*before, *path_of(rule).steps)
    names = tuple(step.name.removeprefix("_") for step in steps)
    chosen = next((index for index, step in enumerate(steps) if step.keys), None)
    if chosen is not None and names[: chosen + 1] == target[: chosen + 1]:
        return True
    if steps[-1].choice:
        beside = any(key.partition("[")[0] == target[0] for key in rule.codec.extra)
        named = names[:-1] == target[: len(names) - 1] and len(target) >= len(names)
        return beside or (named and target[len(names) - 1].startswith(names[-1]))
    shared = min(len(names), len(target))
    return names[:shared] == target[:shared]
