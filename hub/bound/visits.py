"""Encounters of enrolled persons as events: one per encounter and stage, and the scheduled ones they fulfil."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hub.bound.cases import Spell, Work
from hub.bound.groups import Group
from hub.bound.loading import Bound, BoundStage
from hub.bound.units import units_of
from mappings.binding import EventReading, read_event, select_stages
from mappings.binding.codecs import to_moment
from tracker_core.changes import EventChange
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.records import Stored
from tracker_core.tracker import episodes
from tracker_core.tracker.episodes import Visit
from tracker_core.uids import new_uid

_OPEN = ("SCHEDULE", "OVERDUE")
_HAPPENED = ("ACTIVE", "COMPLETED", "VISITED")
# A scheduled visit is fulfilled by an encounter that comes at most this much early, or any time later.
_EARLY = timedelta(days=2)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Plan:
    """The events to write by uid, the slots (scheduled visits nobody came to yet), and what is known of both.

    `visits` are by uid, `by_origin` by the record (pk) that stands behind them; `cleared` are persons of whom a record
    is gone.
    """

    work: Work
    touched: dict[int, Stored]
    visits: dict[str, Visit]
    by_origin: dict[int, list[Visit]]
    cleared: set[int | None]
    events: dict[str, EventChange] = field(default_factory=dict)
    slots: dict[str, tuple[str, str, date]] = field(default_factory=dict)


def units(session: Session, work: Work) -> dict[int, str]:
    """Return the org unit of every group that names one."""
    return units_of(session, work.known, work.groups)


def find(programs: Sequence[Bound], touched: Iterable[Stored], work: Work) -> list[EventChange]:
    """Return the events that the touched records make, change or undo, and the visits that new episodes schedule."""
    plan = _begin(work, touched)
    for visit in work.visits:
        if visit.status in _OPEN and visit.origin is None and not visit.deleted and visit.scheduled_at:
            plan.slots[visit.uid] = (visit.enrollment, visit.stage, visit.scheduled_at.date())
    _undo(plan)
    for bound in programs:
        for person, spell in _fresh(bound, work):
            _schedule(bound, person, spell, plan)
        for group in sorted(work.groups, key=lambda one: (one.day, one.key)):
            _take(bound, group, plan)
        _tell_class(bound, plan)
    return list(plan.events.values())


def _begin(work: Work, touched: Iterable[Stored]) -> _Plan:
    by_origin: dict[int, list[Visit]] = {}
    for visit in work.visits:
        if visit.origin is not None:
            by_origin.setdefault(visit.origin, []).append(visit)
    records = {record.pk: record for record in touched}
    cleared = {record.subject for record in records.values() if record.deleted}
    return _Plan(work, records, {visit.uid: visit for visit in work.visits}, by_origin, cleared)


def _made_from(plan: _Plan, group: Group) -> list[Visit]:
    """Return the visits that a record of the group stands behind."""
    return [visit for pk in group.pks for visit in plan.by_origin.get(pk, ())]


def _tell_class(bound: Bound, plan: _Plan) -> None:
    """Let the first event of the stage that holds it say the class of its episode, where event or class are new."""
    classified = bound.binding.classified
    if bound.classified is None or classified is None or bound.program is None:
        return
    stage, element = bound.classified
    for (_, program), spells in plan.work.spells.items():
        for spell in spells if program == bound.program.uid else ():
            uid, known = _first_event(plan, spell, stage)
            if not uid or not spell.classification or (known and not spell.reclassified):
                continue
            change = plan.events.setdefault(uid, EventChange(uid=uid, where=f"class of {spell.uid}"))
            change.data[element] = classified.value_of(spell.classification)


def _first_event(plan: _Plan, spell: Spell, stage: str) -> tuple[str, bool]:
    """Return the uid of the first event of a stage in an episode, and whether it was there before."""
    gone = {change.uid for change in plan.events.values() if change.delete}
    held = [one for one in plan.work.visits if (one.enrollment, one.stage) == (spell.uid, stage)]
    live = [one for one in held if not one.deleted and one.uid not in gone and one.status in _HAPPENED]
    if live:
        return min(live, key=lambda one: one.occurred_at or one.scheduled_at or _LAST).uid, True
    fresh = [one for one in plan.events.values() if (one.enrollment, one.stage) == (spell.uid, stage)]
    return next((one.uid for one in fresh if one.uid not in gone and one.fields.get("status") in _HAPPENED), ""), False


def note_origins(session: Session, work: Work) -> None:
    """Store which record stands behind the scheduled visits that were fulfilled."""
    if work.origins:
        episodes.set_origins(session, work.origins)


def _fresh(bound: Bound, work: Work) -> Iterator[tuple[int, Spell]]:
    assert bound.program is not None
    for (person, program), spells in work.spells.items():
        if program == bound.program.uid:
            yield from ((person, spell) for spell in spells if spell.fresh and spell.status == "ACTIVE")


def _schedule(bound: Bound, person: int, spell: Spell, plan: _Plan) -> None:
    for name, days in bound.binding.schedule:
        if name not in bound.stages:
            continue
        stage, due = bound.stages[name].stage, spell.day + timedelta(days=days)
        uid = new_uid()
        plan.slots[uid] = (spell.uid, stage.uid, due)
        plan.events[uid] = EventChange(
            uid=uid,
            enrollment=spell.uid,
            program=spell.program,
            stage=stage.uid,
            org_unit=spell.org_unit,
            fields={"status": "SCHEDULE", "scheduledAt": due.isoformat()},
            where=f"schedule of {plan.work.people[person].uid}",
        )


def _take(bound: Bound, group: Group, plan: _Plan) -> None:
    """Let one encounter be the event of each stage that its records belong to."""
    assert bound.program is not None
    spells = plan.work.spells.get((group.person, bound.program.uid), [])
    if not spells:
        return
    own = plan.visits.get(group.event)
    if own is not None and own.program != bound.program.uid:
        own = None
    spell = next((one for one in spells if own and one.uid == own.enrollment), None) or _spell_of(bound, spells, group)
    concerned = group.pks & plan.touched.keys() or group.person in plan.cleared
    if spell is None or not (spell.fresh or concerned):
        return
    if _void(group):
        _drop(plan, [visit for visit in _made_from(plan, group) if visit.program == spell.program])
        return
    chosen = _stages(bound, group, own)
    for stage in chosen:
        _write(bound, stage, group, spell, own, plan)
    names = {stage.stage.uid for stage in chosen}
    stale = {one.stage.uid for one in bound.stages.values() if one.rules.otherwise} - names
    if own is None and chosen:
        _drop(plan, [visit for visit in _made_from(plan, group) if visit.stage in stale])


def _spell_of(bound: Bound, spells: Sequence[Spell], group: Group) -> Spell | None:
    """Return the episode that an encounter falls into: its own, else the latest that had begun and is not over."""
    day = date.fromisoformat(group.day)
    own = next((one for one in spells if one.origin in group.pks and one.status != "CANCELLED"), None)
    if own:
        return own
    window = max((case.window for case in bound.binding.cases), default=0)
    open_ones = [
        one for one in spells if one.status != "CANCELLED" and one.day <= day and not (one.ended and one.ended < day)
    ]
    begun = [one for one in open_ones if not window or day - one.day <= timedelta(days=window)]
    return max(begun, key=lambda one: one.day, default=None)


def _stages(bound: Bound, group: Group, own: Visit | None) -> list[BoundStage]:
    """Return the stages of an encounter: the one its event was captured in, else those its records belong to."""
    if own is not None:
        stage = bound.stage_of(own.stage)
        return [stage] if stage else []
    return [
        bound.stages[stage.name]
        for stage in select_stages(bound.binding, group.documents)
        if stage.name in bound.stages
    ]


def _void(group: Group) -> bool:
    return any(encounter.get("status") == "entered-in-error" for encounter in group.documents.get("Encounter", ()))


def _write(bound: Bound, stage: BoundStage, group: Group, spell: Spell, own: Visit | None, plan: _Plan) -> None:
    assert bound.program is not None
    work = plan.work
    work.scope.where = group.encounter.reference if group.encounter else f"records of {group.day}"
    reading = read_event(stage.rules, group.documents, work.scope)
    work.scope.where = ""
    known = own or next((visit for visit in _made_from(plan, group) if visit.stage == stage.stage.uid), None)
    if known is not None and known.deleted:
        text = f"the event {known.uid} of these records was deleted in the program; it stays deleted"
        work.scope.issues.append(Issue("event-deleted", text, "information", known.uid))
        return
    uid = known.uid if known else _fulfilled(plan, spell, stage, group)
    data = _data(stage, reading, known, clears=group.person in plan.cleared)
    change = EventChange(
        uid=uid or new_uid(),
        enrollment=spell.uid,
        program=bound.program.uid,
        stage=stage.stage.uid,
        org_unit="" if uid else work.unit(group, group.person),
        data=data,
        fields=_fields(reading, group),
        origin=group.key,
        where=group.encounter.reference if group.encounter else f"records of {group.day}",
    )
    if known is not None and _same(known, change):
        return
    if own is not None:
        work.captured.add(own.uid)
    if uid and uid in plan.events:
        change.org_unit = plan.events[uid].org_unit
        change.fields = {**plan.events[uid].fields, **change.fields}
    plan.events[change.uid] = change


def _fulfilled(plan: _Plan, spell: Spell, stage: BoundStage, group: Group) -> str:
    """Return the scheduled visit that this encounter is, the latest that was due, and take it off the list."""
    day = date.fromisoformat(group.day)
    due = [
        (when, uid)
        for uid, (enrollment, slot, when) in plan.slots.items()
        if enrollment == spell.uid and slot == stage.stage.uid and when - _EARLY <= day
    ]
    if not due:
        return ""
    uid = max(due)[1]
    del plan.slots[uid]
    plan.work.origins[uid] = group.key
    return uid


def _data(stage: BoundStage, reading: EventReading, known: Visit | None, *, clears: bool) -> dict[str, str | None]:
    held = known.data if known else {}
    data = {
        stage.elements[key]: value
        for key, value in reading.data.items()
        if key in stage.elements and (value is not None or stage.elements[key] in held)
    }
    if clears:
        both_ways = {row.key for row in stage.rules.rows if row.group and row.row.arrow == "<->"}
        gone = both_ways - reading.data.keys()
        data |= {uid: None for key, uid in stage.elements.items() if key in gone and uid in held}
    return data


def _fields(reading: EventReading, group: Group) -> dict[str, Any]:
    fields: dict[str, Any] = {"status": "ACTIVE", "occurredAt": group.day, **reading.fields}
    if fields["status"] == "SCHEDULE":
        fields["scheduledAt"] = fields.pop("occurredAt")
    return fields


def _same(visit: Visit, change: EventChange) -> bool:
    held = {
        "status": visit.status,
        "occurredAt": to_moment(visit.occurred_at.isoformat()) if visit.occurred_at else None,
        "scheduledAt": to_moment(visit.scheduled_at.isoformat()) if visit.scheduled_at else None,
    }
    told = {key: to_moment(value) if key.endswith("At") else value for key, value in change.fields.items()}
    same_data = all((visit.data.get(uid) or None) == (value or None) for uid, value in change.data.items())
    return same_data and all(held.get(key) == value for key, value in told.items() if key in held)


def _undo(plan: _Plan) -> None:
    """Drop the events of encounters that were deleted."""
    gone = {pk for pk, record in plan.touched.items() if record.deleted}
    _drop(plan, [visit for pk in gone for visit in plan.by_origin.get(pk, ())])


def _drop(plan: _Plan, visits: Iterable[Visit]) -> None:
    for visit in visits:
        if not visit.deleted:
            plan.events[visit.uid] = EventChange(uid=visit.uid, delete=True, where=f"event {visit.uid}")
