"""The visits that the hub plans when it enrols."""

from tracker_core import tracker
from tracker_core.changes import ChangeSet, EnrollmentChange, EntityChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.metadata import Metadata


def test_stages_plan_their_visits(session: Session, context: Context, metadata_here: Metadata) -> None:
    """A stage with `autoGenerateEvent` plans one event, its days after the date that it counts from."""
    [follow] = tracker.schedule_events(metadata_here, "EnNew000001", "PrMalaria00", "OuClinicA00", "2024-03-01")
    assert (follow.stage, follow.fields["scheduledAt"][:10]) == ("PsFollow000", "2024-03-29")
    born = ("EnNew000002", "PrBirth0000", "OuClinicA00", "2024-03-01", "2024-02-01")
    [birth] = tracker.schedule_events(metadata_here, *born)
    assert birth.fields["scheduledAt"][:10] == "2024-02-08"
    changes = ChangeSet(
        entities=[EntityChange("TeNew000001", "MCPQUTHX1Ze", "OuClinicA00", {"sB1IHYu2xQT": "New"})],
        enrollments=[EnrollmentChange("EnNew000001", "TeNew000001", "PrMalaria00", "OuClinicA00", "2024-03-01")],
        events=[follow],
    )
    assert tracker.apply(session, context, changes).issues == []
    assert session.execute("select status from event").fetchone() == ("SCHEDULE",)


def test_nothing_is_planned_without_program_or_date(metadata_here: Metadata) -> None:
    """An unknown program or an unreadable date plans nothing."""
    assert tracker.schedule_events(metadata_here, "EnNew000001", "Nowhere0001", "OuClinicA00", "2024-03-01") == []
    assert tracker.schedule_events(metadata_here, "EnNew000001", "PrMalaria00", "OuClinicA00", "soon") == []
