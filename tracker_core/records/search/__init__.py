"""Search over records (FHIR R4 3.1.1): parameters become conditions on index entries, pages are walked by cursor."""

from tracker_core.records.search.everything import everything
from tracker_core.records.search.lastn import lastn
from tracker_core.records.search.pages import Page
from tracker_core.records.search.searching import search

__all__ = ["Page", "everything", "lastn", "search"]
