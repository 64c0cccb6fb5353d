"""How much of the official v2-to-FHIR segment maps the tables declare.

A guide row is covered by a row of the same segment, record type and field whose target is equal, a prefix or a part of
it, or selects the same list item. Rows whose condition is only prose are the site's to decide and are counted apart.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mappings.library import Mappings
from mappings.rules import Rule, path_of
from mappings.structure import Feed, Group, Slot
from mappings.tables import Table

_NAME = re.compile(r"_ (?P<segment>[A-Z][A-Z0-9]{2})\[(?P<type>\w+)(?:-[\w-]+)?\]")
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

    @property
    def name(self) -> str:
        """The row as people write it."""
        return f"{self.segment}-{self.fields} {'.'.join(self.target)}"


@dataclass(slots=True)
class Coverage:
    """One official map: its rows with a target, how many of them are declared, and the names of the others."""

    map: str
    rows: int = 0
    covered: int = 0
    missing: list[str] = field(default_factory=list)
    manual: list[str] = field(default_factory=list)


def declared(mappings: Mappings, folder: Path, segments: Iterable[str] = ()) -> list[Coverage]:
    """Compare the tables with the maps in `folder` (`…/v2-to-fhir`), for all segments or those named.

    Raises `FileNotFoundError` when the folder holds no segment maps.
    """
    wanted = set(segments)
    found: dict[str, Coverage] = {}
    for row in guide_rows(folder):
        if wanted and row.segment not in wanted:
            continue
        result = found.setdefault(row.map, Coverage(row.map))
        if covers(mappings, row):
            result.rows += 1
            result.covered += 1
        elif row.prose:
            result.manual.append(row.name)
        else:
            result.rows += 1
            result.missing.append(row.name)
    return list(found.values())


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
    number = identifier.removeprefix(segment).lstrip("-.").split(".")[0]
    inner = _INNER.search(target)
    prose = bool(cells[8].strip()) and not (cells[6].strip() or cells[7].strip())
    return GuideRow(
        name,
        segment,
        type_,
        int(number) if number.isdigit() else 0,
        bare(target),
        (inner["type"], bare(inner["path"])) if inner else None,
        prose,
    )


def bare(target: str) -> tuple[str, ...]:
    """Return a target's element names, without indices, selectors, references and constants."""
    cut = re.sub(r"\[[^\]]*\]|=.*", "", target.partition("(")[0])
    return tuple(step.strip() for step in cut.split(".") if step.strip())


def covers(mappings: Mappings, row: GuideRow) -> bool:
    """Tell whether any row of the tables declares the guide row."""
    targets = [row.target]
    if row.inner:
        targets.append((*row.target, *row.inner[1]))
        if any(
            table_covers(table, row.fields, [row.inner[1]], ()) for table, _ in tables_of(mappings, row, row.inner[0])
        ):
            return True
    return any(table_covers(table, row.fields, targets, before) for table, before in tables_of(mappings, row, row.type))


def tables_of(mappings: Mappings, row: GuideRow, type_: str) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Yield the tables of the row's segment into a record type and into its lists, with the elements before."""
    heading = f"{row.segment}:{type_}"
    if heading in mappings.tables:
        yield mappings.tables[heading], ()
    for structure in mappings.structures.values():
        for feed in feeds(structure.root):
            if feed.items and feed.type == type_ and feed.table.heading.startswith(f"{row.segment}:"):
                yield feed.table, feed.items.path.elements


def feeds(group: Group) -> Iterator[Feed]:
    """Yield the lines of a group and of those inside it."""
    for item in group.items:
        yield from item.feeds if isinstance(item, Slot) else feeds(item)


def table_covers(table: Table, number: int, targets: Iterable[tuple[str, ...]], before: tuple[str, ...]) -> bool:
    """Tell whether a row of the table has the field and reaches one of the targets."""
    rules = [rule for rule in table.rules if number in fields_of(rule)]
    return any(reaches(rule, target, before) for target in targets for rule in rules)


def fields_of(rule: Rule) -> set[int]:
    """Return the fields that a row names, those of its tests included; 0 for a constant without test."""
    named = {number for condition in rule.conditions for number in condition.left.fields}
    return (named | set(rule.left.fields)) if rule.left else named or {0}


def reaches(rule: Rule, target: tuple[str, ...], before: tuple[str, ...]) -> bool:
    """Tell whether the row's target is the guide's, a prefix or a part of it, or in the same selected item."""
    path = path_of(rule)
    names = (*before, *path.elements)
    if path.steps[-1].choice:
        other = target[0] == "extension" and any(key.startswith("extension") for key in rule.codec.extra)
        return other or (len(target) >= len(names) and target[len(names) - 1].startswith(names[-1]))
    shared = min(len(names), len(target))
    if names[:shared] == target[:shared]:
        return True
    chosen = next((index for index, step in enumerate(path.steps) if step.keys), None)
    return chosen is not None and names[: len(before) + chosen + 1] == target[: len(before) + chosen + 1]
