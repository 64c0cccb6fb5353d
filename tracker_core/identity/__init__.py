"""Who is who: persons behind Patient records, possible duplicates, merges that can be taken back.

`assign` runs for every Patient record that is written; `trust` declares the identifier systems that join sources;
`merge`, `unmerge` and `dismiss` are the decisions of a human (or of a sender, see `tracker_core.identity.patients`).
"""

from tracker_core.identity.assignment import assign, assign_each
from tracker_core.identity.duplicates import dismiss
from tracker_core.identity.facts import PERSON_SYSTEM, PatientFacts
from tracker_core.identity.merging import absorbed, merge, merges_of, unmerge
from tracker_core.identity.picking import Choice
from tracker_core.identity.rows import forget, trust

__all__ = [
    "PERSON_SYSTEM",
    "Choice",
    "PatientFacts",
    "absorbed",
    "assign",
    "assign_each",
    "dismiss",
    "forget",
    "merge",
    "merges_of",
    "trust",
    "unmerge",
]
