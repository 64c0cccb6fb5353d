"""Case finding: which episodes (enrollments) the touched records open, join, complete, or make more or less sure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hub.bound.circumstances import Persons
from hub.bound.groups import Group
from hub.bound.loading import Bound
from mappings.binding import Case, Verdict, classify, find_case
from mappings.binding.cases import case_day
from mappings.scope import Scope
from tracker_core.changes import EnrollmentChange
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.tracker import decisions, episodes
from tracker_core.tracker.decisions import Decision, Kind
from tracker_core.tracker.episodes import Holder, Visit
from tracker_core.uids import new_uid

RULED_OUT = "ruled-out"


@dataclass(slots=True)
class Spell:
    """An episode while it is being decided about: stored, or made by this derivation (`fresh`). `day` is its first.

    `classification` is empty while nothing is known; `reclassified` tells that it is another one now.
    """

    uid: str
    program: str
    org_unit: str
    status: str
    day: date
    origin: int | None
    pk: int = 0
    ended: date | None = None
    classification: str = ""
    fresh: bool = False
    changed: bool = False
    reclassified: bool = False

    @property
    def open_to_cases(self) -> bool:
        """Whether more cases may join it: it was not cancelled by hand."""
        return self.status != "CANCELLED" or self.classification == RULED_OUT


@dataclass(slots=True)
class Work:
    """What one derivation knows: persons, their groups of records, their spells by person, their events so far.

    `units` is the org unit (uid) of a group by key; `origins` are events (uid) that a record (pk) now stands behind.
    `decided` is what was decided before of each record and program, `decisions` what this derivation decides.
    `captured` are events (uid) that were not made from records, but have records that were made from them.
    """

    known: Metadata
    people: dict[int, Holder]
    groups: list[Group]
    scope: Scope
    persons: Persons
    units: dict[int, str] = field(default_factory=dict)
    spells: dict[tuple[int, str], list[Spell]] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    origins: dict[str, int] = field(default_factory=dict)
    decided: dict[tuple[int, str], str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    captured: set[str] = field(default_factory=set)

    def unit(self, group: Group | None, person: int) -> str:
        """Return the org unit of a group, else of its person."""
        return (self.units.get(group.key) if group else None) or self.people[person].org_unit

    def documents(self) -> Iterator[tuple[Group, Stored, dict[str, Any]]]:
        """Yield every record with its group and its document."""
        for group in self.groups:
            for documents in group.documents.values():
                for document in documents:
                    yield group, group.stored[id(document)], document

    def reclassified(self) -> dict[int, int]:
        """Return the stored episodes whose class is another one now: pk -> pk of the person."""
        return {
            one.pk: person
            for (person, _), spells in self.spells.items()
            for one in spells
            if one.reclassified and one.pk
        }

    def note(self, kind: Kind, spell: Spell | None, record: Stored | None, program: str, reason: str) -> None:
        """Remember a decision; one that was taken of the record before is not taken again."""
        key = (record.pk if record else 0, program)
        if kind in ("joined", "refused") and self.decided.get(key) == reason:
            return
        self.decided[key] = reason
        uid, classification = (spell.uid, spell.classification) if spell else ("", "")
        self.decisions.append(Decision(program, uid, record.pk if record else None, kind, reason, classification))


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record that meets a case definition, with its day and the group it stands in."""

    person: int
    case: Case
    record: Stored
    day: date
    group: Group


def find(
    session: Session, programs: Sequence[Bound], touched: Sequence[Stored], work: Work
) -> tuple[list[EnrollmentChange], list[EnrollmentChange]]:
    """Fill `work.spells`, `work.visits` and `work.decisions`; return the enrollments that change, and the new ones.

    A case within the window of an episode joins it; a later one completes it and opens the next; an earlier one is an
    episode that is over. What all records of an episode say makes its class; ruled out, it is cancelled, and open
    again when they say otherwise.
    """
    _load(session, programs, work)
    pks = {record.pk for record in touched}
    for bound in (one for one in programs if one.binding.cases):
        for sighting in sorted(_sightings(bound, pks, work), key=lambda one: (one.day, one.record.pk)):
            _settle(bound, sighting, work)
        _classify(bound, work)
    old = [(key, one) for key, spells in work.spells.items() for one in spells if one.changed and not one.fresh]
    new = [(key, one) for key, spells in work.spells.items() for one in spells if one.fresh]
    return (
        [EnrollmentChange(uid=one.uid, fields={"status": one.status}, where=f"episode {one.uid}") for _, one in old],
        [_enrolment(work, person, one) for (person, _), one in new],
    )


def _load(session: Session, programs: Sequence[Bound], work: Work) -> None:
    if not work.groups:
        return
    pks = [bound.program.pk for bound in programs if bound.program]
    persons = {group.person for group in work.groups}
    stored = [one for one in episodes.episodes(session, persons, pks) if not one.deleted]
    work.decided = decisions.latest(session, [pk for group in work.groups for pk in group.pks])
    if not stored:
        return
    classes = decisions.classifications(session, [one.pk for one in stored])
    for one in stored:
        ended = one.completed_at.date() if one.completed_at else None
        day, known = one.enrolled_at.date(), classes.get(one.pk, "")
        spell = Spell(one.uid, one.program, one.org_unit, one.status, day, one.origin, one.pk, ended, known)
        work.spells.setdefault((one.person, one.program), []).append(spell)
    work.visits = episodes.visits(session, [one.pk for one in stored])


def _sightings(bound: Bound, touched: set[int], work: Work) -> Iterable[Sighting]:
    """Yield the touched records that are cases; note why those are none that only the circumstances make none.

    Circumstances may have changed without the record: where a definition asks for some, old records are looked at, too.
    """
    assert bound.program is not None
    asks = any(case.asks for case in bound.binding.cases)
    for group, record, document in work.documents():
        case = find_case(bound.binding, document) if asks or record.pk in touched else None
        if case is None or not (case.asks or record.pk in touched):
            continue
        refusal = _refusal(case, group, record, document, work)
        if refusal:
            work.note("refused", None, record, bound.program.uid, refusal)
        else:
            yield Sighting(group.person, case, record, _day(group, document), group)


def _refusal(case: Case, group: Group, record: Stored, document: dict[str, Any], work: Work) -> str:
    if not case.asks:
        return ""
    about = work.persons.circumstances(work.known, group, record, work.unit(group, group.person))
    return case.refusal(about, _day(group, document))


def _settle(bound: Bound, sighting: Sighting, work: Work) -> None:
    """Let a case join an episode of its person, or open one."""
    assert bound.program is not None
    program, spells = bound.program, work.spells.setdefault((sighting.person, bound.program.uid), [])
    if any(one.origin == sighting.record.pk for one in spells):
        return
    window = sighting.case.window
    live = [one for one in spells if one.open_to_cases]
    held = next((one for one in live if _holds(one, sighting.day, window)), None)
    joined = held or (live[0] if live and program.once else None)
    if joined:
        within = f"within {window} days of" if held and window else "in the episode that began on"
        work.note("joined", joined, sighting.record, program.uid, f"a case of {sighting.day} {within} {joined.day}")
        return
    later = any(one.day > sighting.day for one in live)
    for one in live:
        if one.status == "ACTIVE" and one.day < sighting.day:
            one.status, one.changed = "COMPLETED", True
            text = f"the case of {sighting.day} is a new episode"
            work.note("completed", one, sighting.record, program.uid, text)
    status = "COMPLETED" if later else "ACTIVE"
    unit = work.unit(sighting.group, sighting.person)
    fresh = Spell(new_uid(), program.uid, unit, status, sighting.day, sighting.record.pk, fresh=True)
    spells.append(fresh)
    work.note("opened", fresh, sighting.record, program.uid, f"a case of {sighting.day}: {sighting.case.test.text}")


def _holds(spell: Spell, day: date, window: int) -> bool:
    """Tell whether a case of that day belongs to the episode; without a window, to any that is open."""
    if window:
        return abs(spell.day - day) <= timedelta(days=window)
    return spell.status != "COMPLETED"


def _classify(bound: Bound, work: Work) -> None:
    """Give every episode the class that its records say, and the status that follows from a change of it."""
    assert bound.program is not None
    for (person, program), spells in work.spells.items():
        for spell in spells if program == bound.program.uid else ():
            verdict = _verdict(bound, spell, spells, person, work)
            if verdict is not None and verdict.name != spell.classification and spell.open_to_cases:
                _reclassify(spell, verdict, work)


def _reclassify(spell: Spell, verdict: Verdict, work: Work) -> None:
    record: Stored | None = verdict.record
    spell.classification, spell.reclassified = verdict.name, True
    kind: Kind = "classified"
    if verdict.name == RULED_OUT and spell.status == "ACTIVE":
        spell.status, spell.changed = "CANCELLED", True
    elif verdict.name != RULED_OUT and spell.status == "CANCELLED":
        spell.status, spell.changed, kind = "ACTIVE", True, "reopened"
    text = f"{record.reference} {verdict.text}" if record else verdict.text
    work.note(kind, spell, record, spell.program, text)


def _verdict(bound: Bound, spell: Spell, spells: Sequence[Spell], person: int, work: Work) -> Verdict | None:
    """Return what the records of an episode's time say of it; one that began by a record ends with its last case."""
    supporters, evidence, stored = [], [], {}
    window = max((case.window for case in bound.binding.cases), default=0)
    for group, record, document in work.documents():
        if group.person != person or _spell_on(spells, _day(group, document), window) is not spell:
            continue
        evidence.append(document)
        stored[id(document)] = record
        case = find_case(bound.binding, document)
        if case is not None and not _refusal(case, group, record, document, work):
            supporters.append(document)
    if spell.origin is not None and not supporters:
        return Verdict(RULED_OUT, None, "no record says any longer that there is a case")
    found = classify(bound.binding, supporters, evidence)
    return Verdict(found.name, stored[id(found.record)], found.text) if found else None


def _spell_on(spells: Sequence[Spell], day: date, window: int) -> Spell | None:
    """Return the episode that a record of that day tells of: the last that had begun, else the next to begin."""
    live = [one for one in spells if one.open_to_cases]
    near = [one for one in live or spells if not window or abs(one.day - day) <= timedelta(days=window)]
    begun = [one for one in near if one.day <= day]
    if begun:
        return max(begun, key=lambda one: one.day)
    return min(near, key=lambda one: one.day, default=None)


def _day(group: Group, document: dict[str, Any]) -> date:
    return date.fromisoformat(case_day(document) or group.day)


def _enrolment(work: Work, person: int, spell: Spell) -> EnrollmentChange:
    day = spell.day.isoformat()
    return EnrollmentChange(
        uid=spell.uid,
        entity=work.people[person].uid,
        program=spell.program,
        org_unit=spell.org_unit,
        enrolled_at=day,
        fields={"occurredAt": day, "status": spell.status},
        origin=spell.origin,
        where=f"case record {spell.origin}",
    )
