"""Writing what the tracker shows as records: failures are warnings, and encounters become their events' origins."""

from collections.abc import Iterable
from typing import Any

from hub.bound.groups import EVENT_SYSTEM, marked, parse
from tracker_core import records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.issues import Issue, Report
from tracker_core.records import Stored
from tracker_core.tracker import episodes

# What says nothing of its own, but shows a tracker object whole: written by the hub, it is not read back.
VIEWS = frozenset({"EpisodeOfCare", "QuestionnaireResponse", "Appointment", "Task", "RelatedPerson", "Group"})


def apply_views(session: Session, context: Context, changes: list[RecordChange], report: Report) -> list[Stored]:
    """Write these records; add what became of them to `report`, and return the new versions."""
    if not changes:
        return []
    applied = records.apply(session, context, changes, atomic=False)
    report.outcomes += [outcome for outcome in applied.outcomes if outcome.action != "unchanged"]
    report.issues += [Issue(i.code, i.text, "warning", i.where, i.value) for i in applied.issues]
    return applied.touched


def note_encounters(session: Session, written: Iterable[Stored]) -> None:
    """Remember which record stands behind each event whose records these are."""
    made = {uid: record.pk for record, document in _parsed(written) if (uid := marked(document, EVENT_SYSTEM))}
    if made:
        episodes.set_origins(session, made)


def _parsed(written: Iterable[Stored]) -> Iterable[tuple[Stored, dict[str, Any]]]:
    """Yield the records with their documents, encounters last: of one event's records, they are its origin."""
    own = [one for one in written if not one.deleted and one.type not in VIEWS]
    return ((one, parse(one)) for one in sorted(own, key=lambda one: one.type == "Encounter"))
