"""Case finding: which episodes (enrollments) the touched records open, join, or no longer support."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hub.bound.groups import Group
from hub.bound.loading import Bound
from mappings.binding import Case, find_case, refuted
from mappings.binding.cases import case_day
from mappings.scope import Scope
from tracker_core.changes import EnrollmentChange
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.tracker import episodes
from tracker_core.tracker.episodes import Holder, Visit
from tracker_core.uids import new_uid


@dataclass(slots=True)
class Spell:
    """An episode while it is being decided about: stored, or made by this derivation (`fresh`). `day` is its first."""

    uid: str
    program: str
    org_unit: str
    status: str
    day: date
    origin: int | None
    pk: int = 0
    ended: date | None = None
    fresh: bool = False
    changed: bool = False


@dataclass(slots=True)
class Work:
    """What one derivation knows: persons, their groups of records, their spells by person, their events so far.

    `units` is the org unit (uid) of a group by key; `origins` are events (uid) that a record (pk) now stands behind.
    """

    known: Metadata
    people: dict[int, Holder]
    groups: list[Group]
    scope: Scope
    units: dict[int, str] = field(default_factory=dict)
    spells: dict[tuple[int, str], list[Spell]] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    origins: dict[str, int] = field(default_factory=dict)

    def unit(self, group: Group | None, person: int) -> str:
        """Return the org unit of a group, else of its person."""
        return (self.units.get(group.key) if group else None) or self.people[person].org_unit

    def documents(self) -> Iterator[tuple[Group, Stored, dict[str, Any]]]:
        """Yield every record with its group and its document."""
        for group in self.groups:
            for documents in group.documents.values():
                for document in documents:
                    yield group, group.stored[id(document)], document


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
    """Fill `work.spells` and `work.visits`; return the enrollments that end or change, and the new ones.

    A case within the window of an episode joins it; a later one completes it and opens the next; an earlier one is an
    episode that is over. An episode whose record is retracted or refuted is cancelled when no other case supports it.
    """
    _load(session, programs, work)
    pks = {record.pk for record in touched}
    for bound in programs:
        for sighting in sorted(_sightings(bound, pks, work), key=lambda one: (one.day, one.record.pk)):
            _settle(bound, sighting, work)
        _withdraw(bound, touched, work)
    old = [(key, one) for key, spells in work.spells.items() for one in spells if one.changed and not one.fresh]
    new = [(key, one) for key, spells in work.spells.items() for one in spells if one.fresh]
    return (
        [EnrollmentChange(uid=one.uid, fields={"status": one.status}, where=f"episode {one.uid}") for _, one in old],
        [_enrolment(work, person, one) for (person, _), one in new],
    )


def _load(session: Session, programs: Sequence[Bound], work: Work) -> None:
    pks = [bound.program.pk for bound in programs if bound.program]
    persons = {group.person for group in work.groups}
    stored = [one for one in episodes.episodes(session, persons, pks) if not one.deleted]
    for one in stored:
        ended = one.completed_at.date() if one.completed_at else None
        spell = Spell(one.uid, one.program, one.org_unit, one.status, one.enrolled_at.date(), one.origin, one.pk, ended)
        work.spells.setdefault((one.person, one.program), []).append(spell)
    work.visits = episodes.visits(session, [one.pk for one in stored]) if stored else []


def _sightings(bound: Bound, touched: set[int], work: Work) -> Iterable[Sighting]:
    for group, record, document in work.documents():
        case = find_case(bound.binding, document) if record.pk in touched else None
        if case is not None:
            yield Sighting(group.person, case, record, _day(group, document), group)


def _settle(bound: Bound, sighting: Sighting, work: Work) -> None:
    """Let a case join an episode of its person, or open one."""
    assert bound.program is not None
    spells = work.spells.setdefault((sighting.person, bound.program.uid), [])
    supported = next((one for one in spells if one.origin == sighting.record.pk), None)
    if supported is not None:
        if supported.status == "CANCELLED":
            supported.status, supported.changed = "ACTIVE", True
        return
    window = sighting.case.window
    if any(_holds(one, sighting.day, window) or bound.program.once for one in spells if one.status != "CANCELLED"):
        return
    later = any(one.day > sighting.day for one in spells if one.status != "CANCELLED")
    for one in spells:
        if one.status == "ACTIVE" and one.day < sighting.day:
            one.status, one.changed = "COMPLETED", True
    status = "COMPLETED" if later else "ACTIVE"
    unit = work.unit(sighting.group, sighting.person)
    fresh = Spell(new_uid(), bound.program.uid, unit, status, sighting.day, sighting.record.pk, fresh=True)
    spells.append(fresh)


def _holds(spell: Spell, day: date, window: int) -> bool:
    """Tell whether a case of that day belongs to the episode; without a window, to any that is open."""
    if window:
        return abs(spell.day - day) <= timedelta(days=window)
    return spell.status == "ACTIVE"


def _withdraw(bound: Bound, touched: Iterable[Stored], work: Work) -> None:
    """Cancel the episodes whose record says no longer that there is a case, where no other record of the time does."""
    assert bound.program is not None
    gone = {record.pk for record in touched if record.deleted}
    pks = {record.pk for record in touched}
    gone |= {record.pk for _, record, document in work.documents() if record.pk in pks and refuted(document)}
    for (person, program), spells in work.spells.items():
        for spell in spells if program == bound.program.uid else ():
            if spell.origin in gone and spell.status == "ACTIVE" and not _supported(bound, spell, person, work):
                spell.status, spell.changed = "CANCELLED", True


def _supported(bound: Bound, spell: Spell, person: int, work: Work) -> bool:
    for group, _, document in work.documents():
        case = find_case(bound.binding, document) if group.person == person else None
        if case is not None and _holds(spell, _day(group, document), case.window):
            return True
    return False


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
