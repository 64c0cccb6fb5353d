"""Finding tracker objects for a user: a query per kind, answered with the pks of one page.

`check` refuses what DHIS2 refuses before anything is read; `search` and `count` then see only what the user may see.
"""

from tracker_core.tracker.search.checks import check
from tracker_core.tracker.search.pages import count, search
from tracker_core.tracker.search.queries import (
    MODES,
    Assignees,
    EnrollmentQuery,
    EntityQuery,
    EventQuery,
    Mode,
    Place,
    Query,
    RelationshipQuery,
    Span,
)
from tracker_core.tracker.search.singles import find, note_audited

__all__ = [
    "MODES",
    "Assignees",
    "EnrollmentQuery",
    "EntityQuery",
    "EventQuery",
    "Mode",
    "Place",
    "Query",
    "RelationshipQuery",
    "Span",
    "check",
    "count",
    "find",
    "note_audited",
    "search",
]
