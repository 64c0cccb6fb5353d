"""Reading tracker objects out of the hub (Web API 2.42, "Tracker export"): lists, single objects, change logs."""

from adapters.dhis2.calls import Routes
from adapters.dhis2.exports import changelogs, serving

ROUTES: Routes = (
    ("GET", "/tracker/trackedEntities", serving.list_entities),
    ("GET", "/tracker/trackedEntities.{form}", serving.list_entities),
    ("GET", "/tracker/trackedEntities/{uid}", serving.read_entity),
    ("GET", "/tracker/trackedEntities/{uid}/changeLogs", changelogs.list_entity_changes),
    ("GET", "/tracker/enrollments", serving.list_enrollments),
    ("GET", "/tracker/enrollments/{uid}", serving.read_enrollment),
    ("GET", "/tracker/enrollments/{uid}/changeLogs", changelogs.list_enrollment_changes),
    ("GET", "/tracker/events", serving.list_events),
    ("GET", "/tracker/events.{form}", serving.list_events),
    ("GET", "/tracker/events/{uid}", serving.read_event),
    ("GET", "/tracker/events/{uid}/changeLogs", changelogs.list_event_changes),
    ("GET", "/tracker/relationships", serving.list_relationships),
    ("GET", "/tracker/relationships/{uid}", serving.read_relationship),
)
