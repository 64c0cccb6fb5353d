"""Search over records (FHIR R4 3.1.1): parameters become conditions on index entries, pages are walked by cursor."""

from tracker_core.records.search.pages import Page, search

__all__ = ["Page", "search"]
