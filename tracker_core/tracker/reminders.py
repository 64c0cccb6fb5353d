"""Appointment reminders: which scheduled visits want one, and what it says.

A program stage asks for them by a DHIS2 notification template (`programNotificationTemplates`, trigger
`SCHEDULED_DAYS_DUE_DATE`, channel `SMS`); its `relativeScheduledDays` is negative before the day of the visit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from tracker_core import metadata
from tracker_core.database import Session
from tracker_core.metadata import Metadata, Object
from tracker_core.metadata.bootstrapping import FAMILY_NAME, GIVEN_NAME
from tracker_core.metadata.compiling import reference

_PHONE = "PHONE_NUMBER"
_LANGUAGE = ("LANGUAGE", "PREFERRED_LANGUAGE")


def due(session: Session, at: datetime | None = None) -> list[int]:
    """Return the events (pks) that are to be reminded of by now, or by `at`, soonest first.

    These are scheduled visits of active enrollments, within the days their stage's template names, whose person has a
    phone number, and of which no reminder was queued before.
    """
    known = metadata.load(session)
    ahead = {
        stage: -int(template.doc.get("relativeScheduledDays") or 0) for stage, template in _templates(known).items()
    }
    phones = [attribute.pk for attribute in known.attributes.values() if attribute.value_type == _PHONE]
    if not ahead or not phones:
        return []
    rows = session.execute(
        """select e.pk from event e
        join unnest(%b::bigint[], %b::int[]) as s (stage, days) on s.stage = e.stage
        join enrollment n on n.pk = e.enrollment and n.status = 'ACTIVE' and not n.deleted
        cross join (select coalesce(%s, now()) as at) clock
        where e.status = 'SCHEDULE' and not e.deleted
            and e.scheduled_at >= date_trunc('day', clock.at)
            and e.scheduled_at < date_trunc('day', clock.at) + (s.days + 1) * interval '1 day'
            and exists (select from attribute_value v where v.entity = n.entity and v.attribute = any(%b::bigint[]))
            and not exists (select from message m where m.about->'reminder' = to_jsonb(e.pk))
        order by e.scheduled_at, e.pk""",
        (list(ahead), list(ahead.values()), at, phones),
    ).fetchall()
    return [row[0] for row in rows]


def view(session: Session, events: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what the reminder of each event (pk) says, as far as the visit is still to come.

    Keys: `phone`, `name`, `when` (a date, or date and time where one is set), `place`, `language` (empty when not
    known), `template` (empty unless the stage's template has a text of its own).
    """
    known = metadata.load(session)
    rows = session.execute(
        """select e.pk, e.stage, n.entity, e.scheduled_at, u.name from event e
        join enrollment n on n.pk = e.enrollment and n.status = 'ACTIVE' and not n.deleted
        join org_unit u on u.pk = e.org_unit
        where e.pk = any(%b::bigint[]) and e.status = 'SCHEDULE' and not e.deleted""",
        (list(events),),
    ).fetchall()
    values = _values(session, known, {row[2] for row in rows})
    templates = _templates(known)
    return {
        pk: {
            "phone": _first(known, values.get(person, {}), _PHONE),
            "name": _name(values.get(person, {})),
            "when": _moment(when),
            "place": place,
            "language": _language(known, values.get(person, {})),
            "template": _text(templates.get(stage)),
        }
        for pk, stage, person, when, place in rows
    }


def _templates(known: Metadata) -> dict[int, Object]:
    """Return the reminder template of each stage (pk) that has one."""
    found: dict[int, Object] = {}
    for stage in known.stages.values():
        doc = known.objects["programStages"][stage.uid].doc
        for item in doc.get("notificationTemplates") or ():
            template = known.get("programNotificationTemplates", reference(item))
            if template and _reminds(template.doc):
                found[stage.pk] = template
    return found


def _reminds(doc: dict[str, Any]) -> bool:
    trigger, channels = doc.get("notificationTrigger"), doc.get("deliveryChannels") or ()
    return (
        trigger == "SCHEDULED_DAYS_DUE_DATE" and "SMS" in channels and int(doc.get("relativeScheduledDays") or 0) <= 0
    )


def _values(session: Session, known: Metadata, persons: Iterable[int]) -> dict[int, dict[str, str]]:
    values: dict[int, dict[str, str]] = {}
    for entity, attribute, value in session.execute(
        "select entity, attribute, value from attribute_value where entity = any(%b::bigint[])", (list(persons),)
    ):
        values.setdefault(entity, {})[known.uids[attribute]] = value
    return values


def _first(known: Metadata, values: dict[str, str], value_type: str) -> str:
    return next((value for uid, value in values.items() if known.attributes[uid].value_type == value_type), "")


def _language(known: Metadata, values: dict[str, str]) -> str:
    return next((value for uid, value in values.items() if known.attributes[uid].code in _LANGUAGE), "")


def _name(values: dict[str, str]) -> str:
    return " ".join(value for uid in (GIVEN_NAME, FAMILY_NAME) if (value := values.get(uid)))


def _moment(when: datetime) -> str:
    """Return the day alone where the schedule names no time of day."""
    return (
        when.date().isoformat()
        if when - datetime.combine(when, datetime.min.time(), when.tzinfo) == timedelta()
        else when.isoformat()
    )


def _text(template: Object | None) -> str:
    """Return a template's own text; one with DHIS2's variables (`V{due_date}`) is not ours to fill."""
    text = str(template.doc.get("messageTemplate") or "") if template else ""
    return "" if "V{" in text or "A{" in text else text
