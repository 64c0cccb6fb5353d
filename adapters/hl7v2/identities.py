"""Identity messages: merges, moves, changed numbers, links and removals (HL7 v2.5.1, 3.3.18 to 3.3.51).

A table says what each event speaks of: the field that names it now, and the field of MRG that names it before.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import mappings
from mappings import Mappings, Profile, er7
from mappings.er7 import Message, Segment
from mappings.keys import token
from tracker_core.changes import (
    ChangeSet,
    LinkChange,
    MergeChange,
    MoveChange,
    RecordChange,
    RemovalChange,
    RenumberChange,
)
from tracker_core.issues import Issue

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Number:
    """What a number names: the record type, the places of the number now (`PID-3`), and before (a field of MRG)."""

    type: str
    now: tuple[tuple[str, int], ...]
    before: tuple[int, ...]


PATIENT = Number("Patient", (("PID", 3), ("PID", 2)), (1, 4))
EXTERNAL = Number("Patient", (("PID", 2),), (4,))
ALTERNATE = Number("Patient", (("PID", 4),), (2,))
ACCOUNT = Number("Account", (("PID", 18),), (3,))
VISIT = Number("Encounter", (("PV1", 19),), (5,))
OTHER_VISIT = Number("Encounter", (("PV1", 50),), (6,))

MERGES = {
    **dict.fromkeys(("A18", "A30", "A34", "A39", "A40"), (PATIENT,)),
    "A36": (PATIENT, ACCOUNT),
    "A35": (ACCOUNT,),
    "A41": (ACCOUNT,),
    "A42": (VISIT,),
}
MOVES = {"A43": PATIENT, "A44": ACCOUNT, "A45": VISIT}
RENUMBERS = {"A46": EXTERNAL, "A47": PATIENT, "A48": ALTERNATE, "A49": ACCOUNT, "A50": VISIT, "A51": OTHER_VISIT}
LINKS = {"A24": False, "A37": True}
REMOVALS = frozenset({"A29"})
EVENTS = frozenset((*MERGES, *MOVES, *RENUMBERS, *LINKS, *REMOVALS))
# What a move says beside itself: its visit is the one that is spoken of, not news of it.
BESIDE_A_MOVE = frozenset({"Patient", "Organization", "Practitioner", "PractitionerRole", "Location"})
# Where a type's number stands in a segment of its own, to be read by the mapping tables.
READ_FROM = {"Patient": ("PID", 3), "Account": ("PID", 18), "Encounter": ("PV1", 19)}


@dataclass(slots=True)
class Pair:
    """One PID with the MRG and PV1 that go with it."""

    pid: Segment
    mrg: Segment | None = None
    pv1: Segment | None = None
    place: str = "MRG"

    def text(self, segment: str, number: int) -> str:
        """Return one field of the PID or PV1, empty when there is none."""
        found = self.pid if segment == "PID" else self.pv1
        return er7.get(found, number) if found else ""


@dataclass(slots=True)
class Identities:
    """What an identity message says; `wrong` are issues that refuse it."""

    changes: ChangeSet = field(default_factory=ChangeSet)
    wrong: list[Issue] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """One message with the tables and the profile by which its numbers are read as those of a feed are."""

    message: Message
    tables: Mappings
    profile: Profile

    def identifiers(self, type: str, text: str) -> list[Doc]:
        """Return the identifiers that a field (CX) names a record of this type by."""
        if not text:
            return []
        name, number = READ_FROM[type]
        segment = [name, "1", *[""] * (number - 2), text]
        extra = [] if name == "PID" else [["PID", "1"]]
        alone = Message(self.message.encoding, [self.message.segments[0], *extra, segment])
        found, _ = mappings.read_message(self.tables, alone, self.profile, "ADT_A01")
        return [one for change in found if change.type == type for one in numbers_of(change)]

    def of(self, number: Number, pair: Pair) -> tuple[list[Doc], list[Doc]]:
        """Return the identifiers of a number now and before."""
        now = next((text for name, at in number.now if (text := pair.text(name, at))), "")
        before = next((text for at in number.before if (text := er7.get(pair.mrg or [], at))), "")
        return self.identifiers(number.type, now), self.identifiers(number.type, before)


def tells(event: str, type: str) -> bool:
    """Tell whether a message with this event is news of a record of this type, beside what it says of identities."""
    return event not in REMOVALS and (event not in MOVES or type in BESIDE_A_MOVE)


def numbers_of(change: RecordChange) -> list[Doc]:
    """Return the identifiers with a value of a record that was read."""
    assert isinstance(change.document, dict)
    return [one for one in change.document.get("identifier") or () if one and one.get("value")]


def query_of(identifiers: list[Doc]) -> str:
    """Return the query that finds a record by the first of its identifiers."""
    return f"identifier={token(identifiers[0].get('system', ''), identifiers[0]['value'])}" if identifiers else ""


def read_identities(message: Message, event: str, tables: Mappings, profile: Profile) -> Identities:
    """Return what a message with this event (one of `EVENTS`) says of who is who."""
    found = Identities()
    reader = Reader(message, tables, profile)
    pairs = list(pairs_of(message))
    if event in LINKS:
        read_link(reader, pairs, found, parted=LINKS[event])
    elif event in REMOVALS:
        read_removals(reader, pairs, found)
    else:
        merged = [pair for pair in pairs if pair.mrg is not None]
        for pair in merged:
            read_pair(reader, event, pair, found)
        if not merged:
            found.wrong.append(Issue("required-segment", "the message names nothing that ends or moves", where="MRG"))
    return found


def pairs_of(message: Message) -> Iterator[Pair]:
    """Yield each PID with its MRG and PV1; a PID with several MRG stands in several pairs."""
    current: Pair | None = None
    count = 0
    for segment in message.segments:
        if segment[0] == "PID":
            if current:
                yield current
            current = Pair(segment)
        elif segment[0] == "MRG" and current:
            count += 1
            if current.mrg is not None:
                yield current
                current = Pair(current.pid)
            current.mrg, current.place = segment, f"MRG:{count}"
        elif segment[0] == "PV1" and current:
            current.pv1 = segment
    if current:
        yield current


def read_pair(reader: Reader, event: str, pair: Pair, found: Identities) -> None:
    """Add what one MRG says of the PID (and PV1) it goes with."""
    if event in MERGES:
        for number in MERGES[event]:
            now, before = reader.of(number, pair)
            if told(number, now, before, pair, found):
                merge = MergeChange(query_of(now), query_of(before), pair.place, number.type)
                found.changes.merges.append(merge)
    elif event in MOVES:
        read_move(reader, MOVES[event], pair, found)
    else:
        number = RENUMBERS[event]
        now, before = reader.of(number, pair)
        if told(number, now, before, pair, found):
            found.changes.renumbers += renumbers(number.type, now, before, pair.place)


def read_move(reader: Reader, number: Number, pair: Pair, found: Identities) -> None:
    """Add the move of a visit, an account or a whole patient record to the patient of the PID."""
    patient, source = reader.of(PATIENT, pair)
    now, before = reader.of(number, pair)
    what = source if number is PATIENT else before or now
    if told(Number(number.type, PATIENT.now, number.before), patient, what, pair, found):
        found.changes.moves.append(MoveChange(number.type, query_of(what), query_of(patient), pair.place))


def told(number: Number, now: list[Doc], before: list[Doc], pair: Pair, found: Identities) -> bool:
    """Tell whether both numbers are there; what is missing is noted as wrong."""
    if not before:
        where = f"{pair.place}-{number.before[0]}"
        found.wrong.append(Issue("required-field", "the message names no identifier that was", where=where))
    if not now:
        segment, at = number.now[0]
        where = f"{segment}-{at}"
        found.wrong.append(Issue("required-field", "the message names no identifier that is", where=where))
    return bool(now and before)


def renumbers(type: str, now: list[Doc], before: list[Doc], where: str) -> Iterator[RenumberChange]:
    """Yield which identifier takes the place of which: of the same authority and kind where there is one."""
    fresh = [one for one in now if not any(same(one, other) for other in before)]
    for old in before:
        if any(same(old, one) for one in now) or not fresh:
            continue
        new = max(fresh, key=lambda one: (one.get("system") == old.get("system"), one.get("type") == old.get("type")))
        fresh.remove(new)
        yield RenumberChange(type, old, new, where)


def same(one: Doc, other: Doc) -> bool:
    """Tell whether two identifiers are one number of one authority."""
    return (one.get("system"), one["value"]) == (other.get("system"), other["value"])


def read_link(reader: Reader, pairs: list[Pair], found: Identities, *, parted: bool) -> None:
    """Add the link, or its end, between the two patients of the message."""
    queries = [query_of(reader.identifiers("Patient", er7.get(pair.pid, 3))) for pair in pairs]
    if len(queries) == 2 and all(queries):
        found.changes.links.append(LinkChange(queries[0], queries[1], parted, "PID"))
    else:
        text = "a link needs two PID, each with an identifier"
        found.wrong.append(Issue("required-segment", text, where="PID"))


def read_removals(reader: Reader, pairs: list[Pair], found: Identities) -> None:
    """Add the removal of every patient of the message."""
    for pair in pairs:
        query = query_of(reader.of(PATIENT, pair)[0])
        if query:
            found.changes.removals.append(RemovalChange(query, "PID"))
        else:
            found.wrong.append(Issue("required-field", "the patient has no identifier", where="PID-3"))
