"""Records: FHIR R4 documents, versioned, kept digit for digit, searchable, each belonging to a person."""

from tracker_core.records.search import Page, search
from tracker_core.records.store import Applied, apply
from tracker_core.records.stored import Stored, by_pk, of_subject, read, read_version, versions

__all__ = ["Applied", "Page", "Stored", "apply", "by_pk", "of_subject", "read", "read_version", "search", "versions"]
