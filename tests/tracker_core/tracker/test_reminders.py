"""Reminders: who is due, once, and what the text says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tracker_core import history, metadata, tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange, EventChange
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.tracker import reminders

PHONE, GIVEN, FAMILY = "fctSQp5nAYl", "sB1IHYu2xQT", "ENRjVGxVL6l"
NOW = datetime(2026, 3, 5, 7, 30, tzinfo=UTC)


def ask(session: Session, **more: Any) -> None:
    """Let the follow-up stage of the country's malaria program ask for a text two days ahead."""
    context = history.open_change_set(session, "tester")
    stage = metadata.load(session).objects["programStages"]["PsFollow000"].doc
    template = {
        "id": "NtFollow000",
        "name": "Follow-up",
        "notificationTrigger": "SCHEDULED_DAYS_DUE_DATE",
        "relativeScheduledDays": -2,
        "deliveryChannels": ["SMS"],
        **more,
    }
    payload = {
        "programNotificationTemplates": [template],
        "programStages": [{**stage, "notificationTemplates": [{"id": "NtFollow000"}]}],
    }
    assert metadata.import_objects(session, context, payload).issues == []


def schedule(session: Session, *days: str, phone: str | None = "+256772123456") -> dict[str, int]:
    """A person with a visit planned for each day; return the events' pks by day."""
    context = history.open_change_set(session, "tester")
    known = metadata.load(session)
    attributes = {PHONE: phone, GIVEN: "Rose", FAMILY: "Auma"}
    changes = ChangeSet(
        entities=[EntityChange("PersonAaaaa", "MCPQUTHX1Ze", "OuClinicA00", attributes)],
        enrollments=[
            EnrollmentChange(
                "EnrolAaaaaa",
                "PersonAaaaa",
                "PrMalaria00",
                "OuClinicA00",
                "2026-03-01",
                {},
                {"occurredAt": "2026-03-01"},
            )
        ],
        events=[
            EventChange(
                enrollment="EnrolAaaaaa",
                program="PrMalaria00",
                stage="PsFollow000",
                org_unit="OuClinicA00",
                fields={"status": "SCHEDULE", "scheduledAt": day},
            )
            for day in days
        ],
        validation="skip",
    )
    assert "PsFollow000" in known.stages
    written = tracker.apply(session, context, changes)
    assert written.issues == []
    rows = session.execute("select scheduled_at, pk from event").fetchall()
    return {row[0].isoformat()[:16]: row[1] for row in rows}


@pytest.mark.usefixtures("metadata_here")
def test_visits_within_the_templates_days_are_due(session: Session) -> None:
    """Today to two days ahead, soonest first; not the past, not the far future."""
    ask(session)
    events = schedule(session, "2026-03-04", "2026-03-07T09:00", "2026-03-05T06:00", "2026-03-08")
    assert reminders.due(session, NOW) == [events["2026-03-05T06:00"], events["2026-03-07T09:00"]]
    assert reminders.due(session) == []


@pytest.mark.usefixtures("metadata_here")
def test_a_reminder_is_sent_once(session: Session) -> None:
    """What was queued is not due again."""
    ask(session)
    (event,) = schedule(session, "2026-03-06").values()
    session.execute("insert into peer (code, name, format) values ('sms', 'SMS', 'sms')")
    session.execute(
        "insert into message (direction, peer, format, about) select 'out', id, 'sms', %s::jsonb from peer",
        (f'{{"reminder": {event}}}',),
    )
    assert reminders.due(session, NOW) == []


@pytest.mark.usefixtures("metadata_here")
def test_nobody_is_reminded_without_phone_template_or_enrollment(session: Session) -> None:
    """No number, no template, an enrollment that is over: no text."""
    schedule(session, "2026-03-06", phone=None)
    ask(session)
    assert reminders.due(session, NOW) == []
    session.execute("update event set deleted = true")
    schedule(session, "2026-03-06")
    assert len(reminders.due(session, NOW)) == 1
    ask(session, deliveryChannels=["EMAIL"])
    assert reminders.due(session, NOW) == []
    ask(session)
    session.execute("update enrollment set status = 'COMPLETED'")
    assert reminders.due(session, NOW) == []


def test_what_a_reminder_says(session: Session, metadata_here: Metadata) -> None:
    """Phone, name, day (with the time where one is set), place; the template's own text where it is ours to fill."""
    ask(session, messageTemplate="{name}: {when}")
    events = schedule(session, "2026-03-06", "2026-03-07T09:00")
    views = reminders.view(session, list(events.values()))
    unit = metadata_here.org_units["OuClinicA00"].name
    expected = {
        "phone": "+256772123456",
        "name": "Rose Auma",
        "place": unit,
        "language": "",
        "template": "{name}: {when}",
    }
    assert views[events["2026-03-06T00:00"]] == expected | {"when": "2026-03-06"}
    assert views[events["2026-03-07T09:00"]] == expected | {"when": "2026-03-07T09:00:00+00:00"}
    ask(session, messageTemplate="Come on V{due_date}")
    assert {view["template"] for view in reminders.view(session, list(events.values())).values()} == {""}
    session.execute("update event set status = 'COMPLETED'")
    assert reminders.view(session, list(events.values())) == {}
