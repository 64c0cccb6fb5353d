"""The audit trail: who read what (kept here, one row per request) and who wrote what (the change log, seen as acts)."""

from tracker_core.audit.acts import KINDS, Act, Asked, Kind, acts, count
from tracker_core.audit.reads import Entry, sweep, write
from tracker_core.audit.writes import Written, change_sets_of, names_of, patients_of, related, written

__all__ = [
    "KINDS",
    "Act",
    "Asked",
    "Entry",
    "Kind",
    "Written",
    "acts",
    "change_sets_of",
    "count",
    "names_of",
    "patients_of",
    "related",
    "sweep",
    "write",
    "written",
]
