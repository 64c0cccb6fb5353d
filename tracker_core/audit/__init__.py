"""The audit trail: who read what (kept here, a row per request), who wrote what (the change log, seen as deeds)."""

from tracker_core.audit.deeds import KINDS, Asked, Deed, Kind, count, deeds
from tracker_core.audit.reads import Entry, sweep, write
from tracker_core.audit.writes import Written, change_sets_of, names_of, patients_of, related, written

__all__ = [
    "KINDS",
    "Asked",
    "Deed",
    "Entry",
    "Kind",
    "Written",
    "change_sets_of",
    "count",
    "deeds",
    "names_of",
    "patients_of",
    "related",
    "sweep",
    "write",
    "written",
]
