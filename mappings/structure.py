"""Message structures: groups, which segment feeds which record, and the links between records.

MESSAGE
GROUP* [opening segments]          a group that repeats; opened by its first segment unless others are named
  SEG  Type   link=Type …          this group instance's record
  SEG  +Type  link=Type …          a new record for each segment
  SEG  ^Type  link=Type …          the nearest record of that type, of this group or one around it
  SEG  Type.list*  link=Type …     the segment is one item of that list of the nearest record
  SEG  Type   …   Outer.list*      this record is also referred to by that list (or `Outer.element`) of an outer record
  SEG  Type … snapshot=Outer       the segments are all that the sender says of Outer: others are retracted;
                                   `snapshot=Outer&element=code` those with a code, `&element:not=code` without it
  SNAPSHOT  A01 A08 …              the events in which that is so; in others the segments add to what was said
  SEG  -> …                        read at this place, and written at another one
  SEG  -                           known, and not mapped
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.naming import expand_token
from mappings.paths import BadRow, Path, has_coding, parse_path
from mappings.paths import Step as PathStep
from mappings.places import ListPlace, Place, compile_list, compile_place
from mappings.rows import Line, read_lines
from mappings.tables import Table

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A reference from the line's record to the nearest record of `target`, or from an outer record's list to it.

    `text` is as written. Exactly one of `place` and `items` is set.
    """

    text: str
    target: str
    place: Place | None
    items: ListPlace | None


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """Which of the records of a type a line is about: those with a code in an element, or those without it."""

    element: str
    negated: bool
    system: str
    code: str

    @property
    def query(self) -> str:
        """The search that finds them, to be added to another."""
        return f"&{self.element}{':not' if self.negated else ''}={self.system}|{self.code}"

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a record is one of them."""
        return has_coding(record.get(self.element), self.system, self.code) is not self.negated


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One line of a segment: the record type it makes or the list it feeds, with its table.

    `fresh` is `+Type`, `shared` `^Type`; `items` the list of `Type.list*`; `links` go out of the record, `within` come
    into it.
    `snapshot` is the link to the record of which the segments of one message say everything, `among` narrows
    what they say everything of, and which records the line writes.
    """

    type: str
    fresh: bool
    items: ListPlace | None
    table: Table
    links: tuple[Link, ...] = ()
    within: tuple[Link, ...] = ()
    snapshot: Link | None = None
    shared: bool = False
    among: Among | None = None


@dataclass(slots=True, eq=False)
class Slot:
    """One segment at one place in a group, with all its lines; `reads_only` where it is written at another place."""

    segment: str
    reads_only: bool = False
    feeds: list[Feed] = field(default_factory=list)

    @property
    def repeats(self) -> bool:
        """Whether another such segment stays in the same group instance."""
        return not self.feeds or any(feed.fresh or feed.items or feed.shared for feed in self.feeds)


@dataclass(slots=True, eq=False)
class Group:
    """One group: its slots and groups in order. `openers` are the segments that begin an instance."""

    name: str
    repeats: bool
    openers: tuple[str, ...] = ()
    items: list["Slot | Group"] = field(default_factory=list)

    def slots(self) -> Iterator[Slot]:
        """Yield the slots of this group, without those of groups inside it."""
        return (item for item in self.items if isinstance(item, Slot))

    def knows(self, segment: str) -> bool:
        """Tell whether the segment has a place here or further inside."""
        return any(item.segment == segment if isinstance(item, Slot) else item.knows(segment) for item in self.items)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One message structure; `root` is the message as a group, `moves` how segments found their places.

    `snapshots` are the events whose repeating segments replace what was said before (HL7 v2.9, 2.10.4).
    """

    name: str
    root: Group
    snapshots: frozenset[str] = frozenset()
    moves: dict[tuple[tuple[int, ...], str], "Step | None"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One remembered move: how many groups to leave, the position then, the groups to open, and the slot.

    With `stays` the segment belongs to a group further out, and what follows goes on where the message was.
    """

    leave: int
    position: int
    opens: tuple[tuple[Group, int], ...]
    slot: Slot
    stays: bool = False


def parse_structure(text: str, name: str, tables: Mapping[str, Table]) -> Structure:
    """Parse one structure file. Raises `BadRow` with the line for a segment without table or a link without element."""
    where = f"structures/{name}"
    lines = list(read_lines(text))
    if not lines or len(lines[0].words) != 1:
        raise BadRow(f"{where}: the first line must be the structure's name")
    root = Group(lines[0].words[0], repeats=False)
    open_groups: list[tuple[int, Group]] = [(-1, root)]
    snapshots = frozenset(word for line in lines if line.words[0] == "SNAPSHOT" for word in line.words[1:])
    for line in (line for line in lines[1:] if line.words[0] != "SNAPSHOT"):
        while len(open_groups) > 1 and line.indent <= open_groups[-1][0]:
            open_groups.pop()
        group = open_groups[-1][1]
        first = line.words[0]
        if _SEGMENT.match(first):
            add_segment(group, line, tables, f"{where}:{line.number}")
        else:
            inner = Group(first.rstrip("*"), first.endswith("*"), line.words[1:])
            group.items.append(inner)
            open_groups.append((line.indent, inner))
    finish(root)
    return Structure(root.name, root, snapshots)


def finish(group: Group) -> None:
    """Give every group without named openers its first segment as opener."""
    for item in group.items:
        if isinstance(item, Group):
            finish(item)
    if not group.openers:
        first = next(iter(group.items), None)
        group.openers = (first.segment,) if isinstance(first, Slot) else first.openers if first else ()


def add_segment(group: Group, line: Line, tables: Mapping[str, Table], where: str) -> None:
    """Add one segment line to its slot; lines of one segment that follow one another share it."""
    segment, *words = line.words
    last = group.items[-1] if group.items else None
    reads_only = words[:1] == ["->"]
    words = words[reads_only:]
    slot = last if isinstance(last, Slot) and last.segment == segment else Slot(segment, reads_only)
    if slot is not last:
        group.items.append(slot)
    if words and words[0] == "-":
        return
    if not words:
        raise BadRow(f"{where}: {segment} feeds nothing; say `-` if that is meant")
    try:
        slot.feeds.append(parse_feed(segment, words[0], words[1:], tables))
    except BadRow as bad:
        raise BadRow(f"{where}: {bad}") from None


def parse_feed(segment: str, target: str, words: list[str], tables: Mapping[str, Table]) -> Feed:
    """Parse what one segment line feeds."""
    fresh, shared, target = target.startswith("+"), target.startswith("^"), target.lstrip("+^")
    type_, dot, rest = target.partition(".")
    items = compile_list(path := parse_path(rest, type_), selections(path, type_, tables)) if dot else None
    inside = items.path.kind if items else type_
    heading = f"{segment}:{inside}"
    if heading not in tables:
        raise BadRow(f"no table {heading}")
    named = next((word.removeprefix("snapshot=") for word in words if word.startswith("snapshot=")), "")
    whole, _, among = named.partition("&")
    words = [word for word in words if not word.startswith("snapshot=")]
    links = tuple(parse_link(word, inside) for word in words if not word[0].isupper())
    within = tuple(parse_list_link(word) for word in words if word[0].isupper())
    snapshot = next((link for link in links if link.target == whole), None)
    if named and snapshot is None:
        raise BadRow(f"snapshot={whole} needs a link to it")
    return Feed(type_, fresh, items, tables[heading], links, within, snapshot, shared, parse_among(among))


def parse_among(text: str) -> Among | None:
    """Parse `element=system|code` or `element:not=system|code`."""
    name, equals, value = text.partition("=")
    return Among(name.removesuffix(":not"), name.endswith(":not"), *expand_token(value)) if equals else None


def selections(path: Path, type_: str, tables: Mapping[str, Table]) -> list[tuple[PathStep, ...]]:
    """Return the selectors with which rows of other segments claim items of the list (SCH-12 a participant)."""
    name = path.steps[path.star].name
    rows = [rule for table in tables.values() if table.structure == type_ for rule in table.rules if rule.items]
    paths = [rule.items.path for rule in rows if rule.items]
    return [found.steps[:1] for found in paths if found.steps[0].name == name and found.steps[0].keys]


def parse_link(word: str, inside: str) -> Link:
    """Parse `element=Type`."""
    element, _, target = word.partition("=")
    path = parse_path(element, inside)
    if path.kind != "Reference":
        raise BadRow(f"{inside}.{element} is no reference")
    return Link(word, target, compile_place(path), None)


def parse_list_link(word: str) -> Link:
    """Parse `Outer.list*` or `Outer.element`."""
    outer, _, rest = word.partition(".")
    path = parse_path(rest, outer)
    if path.kind != "Reference":
        raise BadRow(f"{word} holds no references")
    if path.star >= 0:
        return Link(word, outer, None, compile_list(path))
    if path.steps[-1].many:
        raise BadRow(f"{word} needs its *")
    return Link(word, outer, compile_place(path), None)
