"""Events as QuestionnaireResponses of their stage's form, and what edited or new responses say to the program.

The response of an event has the event's uid as id, unless a client made it: then the event's origin is the response.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hub.bound.groups import EVENT_SYSTEM, parse
from hub.bound.units import author_unit
from mappings.binding.codecs import to_moment
from mappings.forms import OCCURRED, Form, Reading, make_form, read_response, stage_of, write_response
from mappings.forms.answers import same
from mappings.forms.responses import write_status
from mappings.scope import Scope
from tracker_core import records
from tracker_core.changes import EnrollmentChange, EventChange, RecordChange
from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.metadata import Metadata
from tracker_core.records import Stored
from tracker_core.tracker import episodes
from tracker_core.tracker.episodes import Episode, Holder, Visit
from tracker_core.uids import new_uid

TYPE = "QuestionnaireResponse"
_HELD = ("ACTIVE", "COMPLETED", "VISITED")
_PLANNED = ("SCHEDULE", "OVERDUE")
_EARLY = timedelta(days=2)
_GONE = "entered-in-error"
_STATUS = {"completed": "COMPLETED", "amended": "COMPLETED", "in-progress": "ACTIVE", "stopped": "SKIPPED"}
_MOST_FORMS = 2_000
_forms: dict[tuple[int, str], Form] = {}


@dataclass(slots=True)
class Stated:
    """What responses say to programs; `origins` are scheduled events (uid) and the responses (pk) that fulfil them."""

    enrollments: list[EnrollmentChange] = field(default_factory=list)
    events: list[EventChange] = field(default_factory=list)
    origins: dict[str, int] = field(default_factory=dict)


def form_of(known: Metadata, stage: str) -> Form | None:
    """Return the form of a stage (uid), kept per version of the metadata."""
    found = known.stages.get(stage)
    if found is None or found.program not in known.programs:
        return None
    key = (known.version, stage)
    if key not in _forms:
        if len(_forms) >= _MOST_FORMS:
            _forms.clear()
        _forms[key] = make_form(known, found)
    return _forms[key]


def changes_of(
    session: Session,
    known: Metadata,
    visits: Iterable[Visit],
    patients: Mapping[int, dict[str, str]],
    encounters: Mapping[str, dict[str, str]],
    scope: Scope,
) -> list[RecordChange]:
    """Return the responses that these events make or change.

    `patients` are the references of persons by pk, `encounters` those of events by uid. Answers that say the same
    already are not touched; whatever is no answer of the form survives.
    """
    mine = [one for one in visits if one.person in patients or not one.person]
    if not mine:
        return []
    own = records.read(session, [(TYPE, one.uid) for one in mine])
    origins = records.by_pk(session, {one.origin for one in mine if one.origin is not None})
    changes = []
    for visit in mine:
        origin = origins.get(visit.origin or 0)
        held = origin if origin is not None and origin.type == TYPE else own.get((TYPE, visit.uid))
        encounter = encounters.get(visit.uid)
        if encounter is None and origin is not None and origin.type == "Encounter":
            encounter = {"reference": origin.reference}
        links = {"subject": patients.get(visit.person), "encounter": encounter}
        changes += _change(known, visit, held, links, scope)
    return changes


def _change(
    known: Metadata, visit: Visit, held: Stored | None, links: Mapping[str, Any], scope: Scope
) -> list[RecordChange]:
    form, where = form_of(known, visit.stage), f"event {visit.uid}"
    live = held is not None and not held.deleted
    if form is None or (not live and (visit.deleted or visit.status not in _HELD)):
        return []
    before = parse(held) if held is not None and live else _new(form, visit, links)
    if visit.deleted:
        after = {**before, "status": _GONE}
    else:
        scope.where = where
        after = write_response(form, _wanted(form, visit), before, scope)
        scope.where = ""
        write_status(after, visit.status)
    if not live:
        return [RecordChange(TYPE, after, "put", id=visit.uid, where=where)]
    assert held is not None
    return [] if after == before else [RecordChange(TYPE, after, "patch", held.id, version=held.version, where=where)]


def _new(form: Form, visit: Visit, links: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": TYPE,
        "id": visit.uid,
        "identifier": {"system": EVENT_SYSTEM, "value": visit.uid},
        "questionnaire": form.url,
        "status": "in-progress",
        **{name: link for name, link in links.items() if link},
    }


def _wanted(form: Form, visit: Visit) -> dict[str, str | None]:
    wanted: dict[str, str | None] = {link: visit.data.get(link) for link in form.fields}
    wanted[OCCURRED] = to_moment(visit.occurred_at.isoformat()) if visit.occurred_at else None
    return wanted


def read_back(
    session: Session, known: Metadata, touched: Iterable[Stored], people: Mapping[int, Holder], scope: Scope
) -> Stated:
    """Return what touched responses say to the programs whose forms they answer; what is wrong leaves an issue.

    An edited response speaks of what differs from its version before. A new one of a known person fulfils a scheduled
    event of its stage, else makes one, in the person's enrollment at the time or a new one. One that was retracted or
    deleted takes its event along.
    """
    mine = [record for record in touched if record.type == TYPE]
    stated = Stated()
    if not mine:
        return stated
    earlier = records.earlier(session, [record for record in mine if record.version > 1])
    visits = episodes.visits_behind(session, [record.id for record in mine], [record.pk for record in mine])
    for record in mine:
        old = earlier.get(record.pk)
        said = parse(old) if old is not None and not old.deleted else {}
        says = {} if record.deleted else parse(record)
        form = form_of(known, stage_of(str((says or said).get("questionnaire") or "")))
        known_visit = next((one for one in visits if record.pk == one.origin or record.id == one.uid), None)
        if form is None or (known_visit is not None and known_visit.stage != form.stage.uid):
            continue
        scope.where = record.reference
        if known_visit is not None:
            _edit(form, known_visit, said, says, stated, scope)
        elif says and says.get("status") in ("completed", "amended", "in-progress"):
            _capture(session, form, record, says, people, stated, scope)
        scope.where = ""
    return stated


def _edit(form: Form, visit: Visit, said: dict[str, Any], says: dict[str, Any], stated: Stated, scope: Scope) -> None:
    if not says or says.get("status") == _GONE:
        if not visit.deleted:
            stated.events.append(EventChange(uid=visit.uid, delete=True, where=scope.where))
        return
    if visit.deleted:
        if said.get("status") != says.get("status") or said.get("item") != says.get("item"):
            text = f"the event {visit.uid} was deleted in the program; it stays deleted"
            scope.issues.append(Issue("event-deleted", text, "error", scope.where, visit.uid))
        return
    before, now = read_response(form, said, Scope(quiet=True)), read_response(form, says, scope)
    values = {link: text for link, text in now.values.items() if text != before.values.get(link)}
    wanted = _wanted(form, visit)
    values = {link: text for link, text in values.items() if not same(form.fields[link], text, wanted[link])}
    fields = _fields(values.pop(OCCURRED, None), before, now, visit)
    if values or fields:
        stated.events.append(EventChange(uid=visit.uid, data=dict(values), fields=fields, where=scope.where))


def _fields(occurred: str | None, before: Reading, now: Reading, visit: Visit) -> dict[str, Any]:
    fields: dict[str, Any] = {"occurredAt": occurred} if occurred else {}
    status = _STATUS.get(now.status)
    changed = status is not None and status != _STATUS.get(before.status) and status != visit.status
    return {**fields, "status": status} if changed else fields


def _capture(
    session: Session,
    form: Form,
    record: Stored,
    says: dict[str, Any],
    people: Mapping[int, Holder],
    stated: Stated,
    scope: Scope,
) -> None:
    """Make an event of a response that has none yet."""
    reading = read_response(form, says, scope)
    told = (reading.values.pop(OCCURRED, None), str(says.get("authored") or ""), record.updated.isoformat())
    day = next(found for text in told if (found := _day(text)))
    unit = author_unit(says)
    holder = people.get(record.subject or 0)
    change = EventChange(
        uid=new_uid(),
        program=form.program.uid,
        stage=form.stage.uid,
        org_unit=unit,
        data={link: text for link, text in reading.values.items() if text is not None},
        fields={"occurredAt": day, "status": _STATUS[reading.status]},
        origin=record.pk,
        where=scope.where,
    )
    if form.program.registration:
        if holder is None:
            text = "the subject is no person that is known here"
            scope.issues.append(Issue("unknown-person", text, "error", scope.where))
            return
        _enrol(session, form, holder, date.fromisoformat(day), change, stated)
    stated.events.append(change)


def _day(text: str | None) -> str:
    """Return the day of a time, empty when it is not known to the day."""
    try:
        return date.fromisoformat((text or "")[:10]).isoformat()
    except ValueError:
        return ""


def _enrol(session: Session, form: Form, holder: Holder, day: date, change: EventChange, stated: Stated) -> None:
    """Put an event into the enrollment of its person at the time, a new one where there is none."""
    held = [one for one in episodes.episodes(session, [holder.pk], [form.program.pk]) if not one.deleted]
    spell = _spell_of(held, day, once=form.program.once)
    unit = change.org_unit or (spell.org_unit if spell else holder.org_unit)
    change.org_unit = unit
    if spell is not None:
        change.enrollment = spell.uid
        planned = _planned(session, form, spell, day)
        if planned is not None:
            stated.origins[planned.uid] = change.origin or 0
            change.uid, change.origin, change.org_unit = planned.uid, None, ""
        return
    made = next(
        (one for one in stated.enrollments if (one.entity, one.program) == (holder.uid, form.program.uid)), None
    )
    if made is None:
        fields = {"occurredAt": day.isoformat(), "status": "ACTIVE"}
        made = EnrollmentChange(
            new_uid(), holder.uid, form.program.uid, unit, day.isoformat(), fields=fields, where=change.where
        )
        stated.enrollments.append(made)
    change.enrollment = made.uid


def _spell_of(held: Sequence[Episode], day: date, *, once: bool) -> Episode | None:
    """Return the active enrollment that had begun by then, else any active one, else the only one there can be."""
    active = [one for one in held if one.status == "ACTIVE"]
    begun = [one for one in active if one.enrolled_at.date() <= day]
    return next(reversed(begun or active), None) or (held[-1] if once and held else None)


def _planned(session: Session, form: Form, spell: Episode, day: date) -> Visit | None:
    """Return the planned event that a response fulfils: of a stage that does not repeat any, else one that is due."""
    open_ones = [
        one
        for one in episodes.visits(session, [spell.pk])
        if one.stage == form.stage.uid and one.status in _PLANNED and not one.deleted and one.origin is None
    ]
    due = [
        one
        for one in open_ones
        if not form.stage.repeatable or (one.scheduled_at and one.scheduled_at.date() - _EARLY <= day)
    ]
    return due[-1] if due else None
