"""The tracker: tracked entities, enrollments, events and relationships, written by one import and read by sets."""

from tracker_core.tracker.applying import Applied, apply
from tracker_core.tracker.rows import Finding
from tracker_core.tracker.scheduling import schedule_events
from tracker_core.tracker.writing import Touched

__all__ = ["Applied", "Finding", "Touched", "apply", "schedule_events"]
