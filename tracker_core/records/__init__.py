"""Records: FHIR R4 documents, versioned, kept digit for digit, searchable, each belonging to a person."""

from tracker_core.records.histories import Span, versions
from tracker_core.records.search import Page, everything, lastn, search
from tracker_core.records.search.criteria import token
from tracker_core.records.store import Applied, apply
from tracker_core.records.stored import (
    Stored,
    by_pk,
    earlier,
    latest_of_subject,
    of_subject,
    patients_of,
    read,
    read_one,
    read_version,
    sent_by,
    walk,
)
from tracker_core.records.together import apply_together, fits

__all__ = [
    "Applied",
    "Page",
    "Span",
    "Stored",
    "apply",
    "apply_together",
    "by_pk",
    "earlier",
    "everything",
    "fits",
    "lastn",
    "latest_of_subject",
    "of_subject",
    "patients_of",
    "read",
    "read_one",
    "read_version",
    "search",
    "sent_by",
    "token",
    "versions",
    "walk",
]
