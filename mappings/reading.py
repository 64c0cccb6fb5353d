"""Reading a message: segments to their groups, tables over them, links between the records."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from mappings.codecs.dates import parse_offset
from mappings.er7 import Message, get, value
from mappings.grouping import Instance, Placed, place
from mappings.keys import Draft, as_change, identifier_tokens
from mappings.library import Mappings
from mappings.places import MISSING, Doc
from mappings.scope import Profile, Scope
from mappings.settling import settle
from mappings.snapshots import Listed, is_empty_list, retractions, revive
from mappings.structure import Feed
from mappings.tables import finished
from tracker_core.changes import RecordChange
from tracker_core.issues import Issue

# Fields that tell a record from its equal siblings under one parent: OBX-4 (sub-ID).
FACETS = {"OBX": 4}
ENVELOPE = frozenset({"MSH", "EVN", "SFT", "UAC", "MSA", "ERR", "DSC", "FHS", "BHS", "BTS", "FTS"})


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """The links of one line, to be set when every record is known: from `draft`, or from `item` of one of its lists."""

    draft: Draft
    feed: Feed
    instance: Instance
    item: Doc | None
    local: dict[str, Draft]


@dataclass(slots=True)
class Made:
    """The records of one message while it is read. `taken` are the records by group instance and type."""

    drafts: list[Draft] = field(default_factory=list)
    homes: dict[int, dict[str, Draft]] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    shared: dict[tuple[str, str], Draft] = field(default_factory=dict)
    links: list["Pending"] = field(default_factory=list)
    emptied: list[tuple[Feed, Instance]] = field(default_factory=list)
    lists: list[Listed] = field(default_factory=list)

    def draft(self, type_: str, where: str) -> Draft:
        """Make a record with the next local name of its type."""
        self.counts[type_] = number = self.counts.get(type_, 0) + 1
        made = Draft(type_, f"#{type_}-{number}", where=where)
        self.drafts.append(made)
        return made

    def forget(self, draft: Draft, instance: Instance) -> None:
        """Take back the record made last, of which nothing was said."""
        self.drafts.remove(draft)
        self.counts[draft.type] -= 1
        home = self.home(instance)
        if home.get(draft.type) is draft:
            del home[draft.type]

    def home(self, instance: Instance) -> dict[str, Draft]:
        """Return the records of one group instance by type."""
        found = self.homes.get(id(instance))
        if found is None:
            found = self.homes[id(instance)] = {}
            self.instances.append(instance)
        return found

    def nearest(self, instance: Instance | None, type_: str) -> Draft | None:
        """Return the nearest record of a type, from an instance outwards."""
        while instance is not None:
            found = self.homes.get(id(instance), {}).get(type_)
            if found is not None and found.said:
                return found
            instance = instance.outer
        return None


def read_message(
    mappings: Mappings, message: Message, profile: Profile, structure: str = ""
) -> tuple[list[RecordChange], list[Issue]]:
    """Read a message into record changes that refer to one another by local names (`#Patient-1`), and the issues met.

    `structure` names the table of groups; by default that of MSH-9. Every change is a `merge` with the queries that
    find its record again. Raises `KeyError` when there is no such structure.
    """
    chosen = mappings.structures[structure or structure_of(mappings, message)]
    scope = scope_of(message, profile)
    made = Made()
    for placed in place(chosen, message.segments):
        read_segment(placed, message.segments[placed.index], made, scope)
    for pending in made.links:
        connect(made, pending)
    event = value(message.segments[0], message.encoding, 9, 2)
    if event in chosen.snapshots:
        made.lists += snapshots(made)
        revive(made.lists)
    said = [draft for draft in made.drafts if draft.said]
    settle(said, mappings, event)
    taken: set[str] = set()
    changes = [as_change(draft, taken) for draft in in_order(said)]
    return [*changes, *retractions(made.lists, message)], scope.issues


def structure_of(mappings: Mappings, message: Message) -> str:
    """Return the name of the structure of a message: MSH-9.3, else by its type and event. Empty when there is none.

    An ORM that orders medicines is read as the pharmacy order that replaced it (HL7 v2.9, 4.4.1 and 4A.3.1).
    """
    header = message.segments[0]
    code, event, named = (value(header, message.encoding, 9, n) for n in (1, 2, 3))
    if code == "ORM" and any(segment[0] in ("RXO", "RXE") for segment in message.segments):
        return "OMP_O09"
    for name in (f"{code}_{event}", named, EVENTS.get(f"{code}_{event}", ""), EVENTS.get(code, "")):
        if name in mappings.structures:
            return name
    return ""


EVENTS = {
    **{f"ADT_{event}": "ADT_A01" for event in ("A04", "A05", "A06", "A07", "A08", "A10", "A13", "A14", "A28", "A31")},
    **{f"ADT_{event}": "ADT_A01" for event in ("A02", "A09", "A11", "A12", "A21", "A22", "A23", "A29", "A60")},
    "ADT_A40": "ADT_A39",
    "ADT_A43": "ADT_A39",
    **{f"ADT_A{number}": "ADT_A01" for number in (41, 42, 44)},
    "ADT_A37": "ADT_A24",
    "ADT": "ADT_A01",
    **{code: f"{code}_{event}" for code, event in (("ORU", "R01"), ("VXU", "V04"), ("OML", "O21"), ("ORM", "O01"))},
    **{code: f"{code}_{event}" for code, event in (("SIU", "S12"), ("MDM", "T02"), ("OMP", "O09"), ("RAS", "O17"))},
    **{code: f"{code}_{event}" for code, event in (("DFT", "P03"), ("BAR", "P01"), ("PPR", "PC1"), ("PGL", "PC6"))},
    "OUL": "OUL_R22",
    "RDE": "OMP_O09",
    "RDS": "RDS_O13",
}


def scope_of(message: Message, profile: Profile) -> Scope:
    """Return the scope of one message: its delimiters, the offset of MSH-7, its version."""
    scope = Scope(profile, message.encoding)
    header = message.segments[0]
    scope.offset = parse_offset(value(header, message.encoding, 7))
    scope.version = value(header, message.encoding, 12) or scope.version
    return scope


def read_segment(placed: Placed, segment: list[str], made: Made, scope: Scope) -> None:
    """Read one segment into the records its lines feed."""
    name = segment[0]
    if placed.slot is None:
        if name[0] != "Z" and name not in ENVELOPE:
            group = placed.instance.group.name
            where = f"segment {placed.index + 1}"
            text = f"{name} has no place in {group} and was not read"
            scope.issues.append(Issue("segment-ignored", text, "information", where, name))
        return
    if not placed.slot.feeds:
        return
    scope.where = f"{name}[{placed.index + 1}]"
    local: dict[str, Draft] = {}
    for feed in placed.slot.feeds:
        read_feed(feed, placed, segment, made, scope, local)


def read_feed(
    feed: Feed, placed: Placed, segment: list[str], made: Made, scope: Scope, local: dict[str, Draft]
) -> None:
    """Read one line of a segment: into a record of the group, a new record, or an item of a list."""
    if feed.items:
        draft = local.get(feed.type) or made.nearest(placed.instance, feed.type)
        if draft is not None:
            read_item(feed, placed, segment, made, scope, local, draft)
        return
    if feed.snapshot and is_empty_list(segment):
        made.emptied.append((feed, placed.instance))
        return
    held = held_draft(feed, placed.instance, made)
    if held is None and feed.shared:
        return
    draft = held or new_draft(feed, placed.instance, segment, made, scope.where)
    enter(scope, draft, made)
    if feed.table.read(segment, draft.doc, scope):
        draft.said = True
        feed.table.fill(draft.defaults)
    elif held is None and (feed.fresh or not feed.table.writes):
        made.forget(draft, placed.instance)
        return
    if held is None or draft.said:
        local[feed.type] = draft
        draft.near = lambda type_: local.get(type_) or made.nearest(placed.instance, type_)
        made.links.append(Pending(draft, feed, placed.instance, None, local))


def held_draft(feed: Feed, instance: Instance, made: Made) -> Draft | None:
    """Return the record that a line goes on with, None when it needs a new one."""
    if feed.shared:
        return made.nearest(instance, feed.type)
    return None if feed.fresh else made.home(instance).get(feed.type)


def new_draft(feed: Feed, instance: Instance, segment: list[str], made: Made, where: str) -> Draft:
    """Make the record of a line; unless each segment has its own, it is that of the group."""
    draft = made.draft(feed.type, where)
    draft.facet = get(segment, FACETS[segment[0]]) if segment[0] in FACETS else ""
    if not feed.fresh:
        made.home(instance)[feed.type] = draft
    return draft


def read_item(
    feed: Feed, placed: Placed, segment: list[str], made: Made, scope: Scope, local: dict[str, Draft], draft: Draft
) -> None:
    """Read a segment as one item of a list of `draft`."""
    assert feed.items is not None
    item: Doc = {}
    enter(scope, draft, made)
    clears, scope.clears = scope.clears, []
    found = feed.table.read(segment, item, scope)
    scope.clears = clears
    item = {name: kept for name, kept in item.items() if kept is not None}
    if found and finished(feed.table, item) is not MISSING:
        feed.items.add(draft.doc, item)
        made.links.append(Pending(draft, feed, placed.instance, item, local))


def enter(scope: Scope, draft: Draft, made: Made) -> None:
    """Let the codecs work for `draft`: what it clears, and the records it refers to."""
    scope.clears = draft.clears
    scope.refer = lambda type_, record: refer(made, draft, type_, record)


def refer(made: Made, draft: Draft, type_: str, record: Doc) -> Doc:
    """Return a reference to a record that a value holds: one per identity in the message, else contained in `draft`."""
    identity = next(identifier_tokens(record), "")
    if not identity:
        return contain(draft, type_, record)
    found = made.shared.get((type_, identity))
    if found is None:
        found = made.shared[type_, identity] = made.draft(type_, draft.where)
        found.doc, found.said = record, True
    return {"reference": found.name}


def contain(draft: Draft, type_: str, record: Doc) -> Doc:
    """Put a record without identity into `draft` itself, under an id made of what it says."""
    present: list[Doc] = draft.doc.setdefault("contained", [])
    for held in present:
        if (
            held["resourceType"] == type_
            and {k: v for k, v in held.items() if k not in ("resourceType", "id")} == record
        ):
            return {"reference": f"#{held['id']}"}
    name = f"{type_.lower()}-{blake2b(repr(sorted(record.items())).encode(), digest_size=4).hexdigest()}"
    present.append({"resourceType": type_, "id": name, **record})
    return {"reference": f"#{name}"}


def snapshots(made: Made) -> Iterator[Listed]:
    """Yield for each segment of a snapshot what it lists, of which record."""
    for pending in made.links:
        feed, draft = pending.feed, pending.draft
        outer = made.nearest(pending.instance, feed.snapshot.target) if feed.snapshot and draft.said else None
        if outer is not None:
            yield Listed(feed, outer, draft)
    for feed, instance in made.emptied:
        outer = made.nearest(instance, feed.snapshot.target) if feed.snapshot else None
        if outer is not None:
            yield Listed(feed, outer, None)


def connect(made: Made, pending: Pending) -> None:
    """Set the links of one line."""
    draft, instance = pending.draft, pending.instance
    if not draft.said:
        return
    for link in pending.feed.links:
        target = pending.local.get(link.target) or made.nearest(instance, link.target)
        if target is not None and target.said and link.place is not None:
            link.place.put(draft.doc if pending.item is None else pending.item, {"reference": target.name})
    for link in pending.feed.within:
        outer = made.nearest(instance, link.target)
        if outer is None:
            continue
        if link.items is not None:
            link.items.add(outer.doc, {"reference": draft.name})
        elif link.place is not None and link.place.get(outer.doc) is MISSING:
            link.place.put(outer.doc, {"reference": draft.name})


ORDER = ("Organization", "Practitioner", "Location", "Patient", "Encounter", "ServiceRequest", "DiagnosticReport")


def in_order(drafts: list[Draft]) -> list[Draft]:
    """Return the records with those first that the keys of others are made of."""
    rank = {type_: number for number, type_ in enumerate(ORDER)}
    return sorted(drafts, key=lambda draft: rank.get(draft.type, len(ORDER)))
