"""Writing a message: groups rendered once per record that their links reach, by the same tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.er7 import Encoding
from mappings.fields import Segment, field_text
from mappings.keys import KEY
from mappings.library import Mappings
from mappings.places import MISSING, Doc
from mappings.rules import path_of
from mappings.scope import Profile, Scope
from mappings.structure import Feed, Group, Link, Slot
from mappings.tables import Table
from tracker_core.issues import Issue

Around = dict[str, Doc]
# Segments whose first field is their number within the group.
NUMBERED = frozenset(
    {
        *("PID", "NK1", "PV1", "OBR", "OBX", "NTE", "DG1", "PR1", "AL1", "IN1", "SPM", "TXA"),
        *("AIS", "AIG", "AIL", "AIP", "TQ1", "FT1", "GT1"),
    }
)
# Lists whose items are told apart by what this element leads to: an AIL says nothing of a participant who is a person.
TOLD_BY = {"Appointment.participant": "actor", "Encounter.participant": "individual"}


@dataclass(slots=True)
class View:
    """The records to write: by type, by every reference that leads to them, and which have been written."""

    types: dict[str, list[Doc]] = field(default_factory=dict)
    names: dict[str, Doc] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)


def write_message(
    mappings: Mappings,
    structure: str,
    records: Sequence[Doc] | Mapping[str, Doc],
    profile: Profile,
    encoding: Encoding | None = None,
    version: str = "2.5.1",
) -> tuple[list[Segment], list[Issue]]:
    """Return the segments of a message behind its header (MSH and EVN are the adapter's), and the issues met.

    `records` are FHIR documents, found by `Type/id`, or by their keys when given as a mapping from reference to record.
    A segment is written where a record has something to say. Raises `KeyError` for an unknown structure.
    """
    scope = Scope(profile, encoding or Encoding(), version=version)
    view = view_of(records)
    scope.refer = by_content
    root = mappings.structures[structure].root
    around = next(iter(instances(root, {}, view)), {})
    return list(write_group(root, around, view, scope, {})), scope.issues


def write_segment(table: Table, segment: Segment, record: Doc, scope: Scope, records: Mapping[str, Doc]) -> None:
    """Write one record into one segment in place; what its reading already says, and what no row names, stays."""
    view = view_of(records)
    scope.refer = by_content
    write_into(table, segment, record, view, scope)


def view_of(records: Sequence[Doc] | Mapping[str, Doc]) -> View:
    """Index the records, without the keys that the hub gave them."""
    named = records if isinstance(records, Mapping) else {f"{r['resourceType']}/{r.get('id', '')}": r for r in records}
    view = View()
    for name, record in named.items():
        clean = without_keys(record)
        view.names[name] = clean
        view.types.setdefault(clean["resourceType"], []).append(clean)
    return view


def without_keys(record: Doc) -> Doc:
    """Return a record without the identifiers that the hub made."""
    identifiers = record.get("identifier")
    if not isinstance(identifiers, list):
        return dict(record)
    kept = [identifier for identifier in identifiers if identifier.get("system") != KEY]
    return {
        name: kept if name == "identifier" else value for name, value in record.items() if name != "identifier" or kept
    }


def by_content(type_: str, record: Doc) -> Doc:
    """Stand in for a reference while readings are compared: equal records, equal references."""
    return {"reference": f"={type_} {sorted(record.items())!r}"}


def follow(reference: object, holder: Doc, view: View) -> Doc | None:
    """Return the record behind a reference: contained, in the view by name, or by the end of an absolute address."""
    text = reference.get("reference", "") if isinstance(reference, dict) else ""
    if text in view.names:
        return view.names[text]
    if text.startswith("#"):
        return next((held for held in holder.get("contained") or () if held.get("id") == text[1:]), None)
    parts = text.split("/_history/")[0].split("/")
    return view.names.get("/".join(parts[-2:]))


def write_group(group: Group, around: Around, view: View, scope: Scope, outside: dict[str, int]) -> Iterator[Segment]:
    """Yield the segments of one group instance; `outside` counts those that begin instances of the group."""
    counts: dict[str, int] = {}
    for item in group.items:
        if isinstance(item, Slot):
            for segment in () if item.reads_only else write_slot(item, around, view, scope):
                number_segment(segment, outside if item.segment in group.openers else counts)
                yield segment
            continue
        for inner in instances(item, around, view):
            yield from write_group(item, inner, view, scope, counts)
        if item.repeats and homes(item):
            yield from write_rest(item, around, view, scope)


def number_segment(segment: Segment, counts: dict[str, int]) -> None:
    """Give a segment its set ID."""
    counts[segment[0]] = number = counts.get(segment[0], 0) + 1
    if segment[0] in NUMBERED and not segment[1]:
        segment[1] = str(number)


def write_rest(group: Group, around: Around, view: View, scope: Scope) -> Iterator[Segment]:
    """Yield what inner groups hold although no record makes an instance of this one (a result without a report)."""
    counts: dict[str, int] = {}
    bare = {type_: record for type_, record in around.items() if type_ not in homes(group)}
    for item in group.items:
        if isinstance(item, Group):
            for inner in instances(item, bare, view):
                yield from write_group(item, inner, view, scope, counts)


def homes(group: Group) -> dict[str, list[Feed]]:
    """Return the record types of which each instance of the group has one, with their lines."""
    found: dict[str, list[Feed]] = {}
    for slot in group.slots():
        for feed in slot.feeds:
            if feed.table.writes and not (feed.fresh or feed.shared or feed.items):
                found.setdefault(feed.type, []).append(feed)
    return found


def instances(group: Group, around: Around, view: View) -> list[Around]:
    """Return what surrounds each instance of a group: one for every record that its links reach."""
    types = homes(group)
    if not types:
        return [around]
    referring = {link.target for feeds in types.values() for feed in feeds for link in feed.within}
    found: list[Around] = []
    for type_ in sorted(types, key=lambda name: name not in referring):
        found += [
            gather(type_, record, types, around, view)
            for record in candidates(type_, types[type_], around, types, view)
            if id(record) not in view.written
        ]
    return found if group.repeats else found[:1]


def gather(type_: str, record: Doc, types: Mapping[str, list[Feed]], around: Around, view: View) -> Around:
    """Return the records of the instance that `record` makes: those it reaches, then those that reach it."""
    made = {**around, type_: record}
    view.written.add(id(record))
    for link in links(types[type_]):
        target = follow(link.place.get(record), record, view) if link.place else None
        if link.target in types and target is not None:
            made.setdefault(link.target, target)
    for other, feeds in types.items():
        if other not in made or other in around:
            found = next(iter(candidates(other, feeds, made, types, view)), None)
            if found is not None and id(found) not in view.written:
                made[other] = found
                view.written.add(id(found))
    return made


def links(feeds: Iterable[Feed]) -> Iterator[Link]:
    """Yield the outgoing links of some lines, each once."""
    seen: set[str] = set()
    for feed in feeds:
        for link in feed.links:
            if link.text not in seen:
                seen.add(link.text)
                yield link


def candidates(
    type_: str, feeds: Sequence[Feed], around: Around, types: Mapping[str, list[Feed]], view: View
) -> list[Doc]:
    """Return the records of a type that belong here: in an outer record's list of them, else by their links."""
    for feed in feeds:
        for link in feed.within:
            outer = around.get(link.target)
            if outer is not None:
                return [record for record in named(link, outer, view) if record["resourceType"] == type_]
            if link.target not in types and listed_elsewhere(link, view):
                listed_ids = {id(record) for record in listed_elsewhere(link, view)}
                return [
                    r for r in view.types.get(type_, ()) if id(r) not in listed_ids and fits(r, feeds, around, view)
                ]
    return [record for record in view.types.get(type_, ()) if fits(record, feeds, around, view)]


def listed_elsewhere(link: Link, view: View) -> list[Doc]:
    """Return the records that some record of the link's target refers to by it."""
    return [record for outer in view.types.get(link.target, ()) for record in named(link, outer, view)]


def named(link: Link, outer: Doc, view: View) -> list[Doc]:
    """Return the records that an outer record refers to by the link: in its list, or by its one element."""
    references = link.items.all(outer) if link.items else [link.place.get(outer)] if link.place else []
    found = [follow(reference, outer, view) for reference in references]
    return [record for record in found if record is not None]


def fits(record: Doc, feeds: Iterable[Feed], around: Around, view: View) -> bool:
    """Tell whether no link of a record leads to another record than the one around it."""
    for link in links(feeds):
        nearest = around.get(link.target)
        reference = link.place.get(record) if link.place else MISSING
        if nearest is None or reference is MISSING:
            continue
        target = follow(reference, record, view)
        if target is not None and target is not nearest:
            return False
    return True


def write_slot(slot: Slot, around: Around, view: View, scope: Scope) -> Iterator[Segment]:
    """Yield the segments of one slot: for each new record, each item of a list, or the records around it."""
    fresh = next((feed for feed in slot.feeds if feed.fresh and feed.table.writes), None)
    if fresh is not None:
        for record in list(candidates(fresh.type, [fresh], around, {}, view)):
            if id(record) not in view.written and (fresh.among is None or fresh.among.holds(record)):
                view.written.add(id(record))
                yield from filled(slot, {**around, fresh.type: record}, record, view, scope)
        return
    if not any(feed.items is None for feed in slot.feeds):
        for feed in slot.feeds:
            for item in feed.items.all(around.get(feed.type, {})) if feed.items else ():
                segment = [slot.segment, ""]
                write_into(feed.table, segment, item, view, scope, around[feed.type])
                yield from [segment] if any(segment[1:]) and tells(feed.table, segment) else []
        return
    yield from filled(slot, around, None, view, scope)


def tells(table: Table, segment: Segment) -> bool:
    """Tell whether a segment says what its list item is, where items of several kinds share the list."""
    element = TOLD_BY.get(table.structure)
    rules = [rule for rule in table.rules if rule.left and element and path_of(rule).steps[0].name == element]
    return not rules or any(field_text(segment, rule.left.fields[0]) for rule in rules if rule.left)


def filled(slot: Slot, around: Around, own: Doc | None, view: View, scope: Scope) -> Iterator[Segment]:
    """Yield one segment with what all lines of its slot say, unless they say nothing."""
    segment = [slot.segment, ""]
    for feed in slot.feeds:
        record = around.get(feed.type)
        if record is None:
            continue
        if feed.items is None:
            write_into(feed.table, segment, record, view, scope)
        else:
            for item in feed.items.all(record):
                if own is not None and any(
                    link.place and follow(link.place.get(item), record, view) is own for link in feed.links
                ):
                    write_into(feed.table, segment, item, view, scope, record)
    if any(segment[1:]):
        yield segment


def write_into(
    table: Table, segment: Segment, record: Doc, view: View, scope: Scope, holder: Doc | None = None
) -> None:
    """Write one record or item; `holder` is the record that contains what its references name."""
    scope.where = f"{segment[0]}"
    scope.follow = lambda reference: follow(reference, holder or record, view)
    table.write(segment, record, scope)
