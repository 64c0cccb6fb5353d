"""Due events that the hub plans itself when it enrols (clients of the DHIS2 API plan their own)."""

from datetime import datetime, timedelta

from tracker_core.changes import EventChange
from tracker_core.metadata import Metadata, Stage
from tracker_core.tracker.resolving import parse_moment
from tracker_core.uids import new_uid


def schedule_events(
    metadata: Metadata, enrollment: str, program: str, org_unit: str, enrolled_at: str, occurred_at: str = ""
) -> list[EventChange]:
    """Return the events that the program's stages plan for a new enrollment: one per stage with `autoGenerateEvent`.

    An event is due `minDaysFromStart` days after the enrollment date (`generatedByEnrollmentDate`) or else after the
    incident date, where one is known. A stage that opens after enrollment is planned for its due day like the others.
    """
    found = metadata.programs.get(program)
    enrolled = parse_moment(enrolled_at)
    if found is None or enrolled is None:
        return []
    incident = parse_moment(occurred_at) or enrolled
    return [
        _due(stage, enrolled if stage.generated_by_enrollment_date else incident, enrollment, program, org_unit)
        for stage in found.stages.values()
        if stage.auto_generate
    ]


def _due(stage: Stage, start: datetime, enrollment: str, program: str, org_unit: str) -> EventChange:
    due = (start + timedelta(days=stage.min_days_from_start)).isoformat()
    fields = {"status": "SCHEDULE", "scheduledAt": due}
    return EventChange(new_uid(), enrollment, program, stage.uid, org_unit, fields=fields)
