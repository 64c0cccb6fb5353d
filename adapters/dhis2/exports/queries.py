"""From query parameters to queries (Web API 2.42, "Tracker export"): what may go together, and what each means."""

from collections.abc import Mapping, Sequence

from adapters.dhis2.exports.filters import read_filters
from adapters.dhis2.exports.parameters import (
    assignees,
    maybe,
    need_program,
    order,
    place,
    renamed,
    span,
    updated,
    word,
)
from adapters.dhis2.lists import uid, uids
from adapters.dhis2.parameters import flag
from tracker_core.errors import Malformed
from tracker_core.metadata import Metadata
from tracker_core.metadata.compiling import reference
from tracker_core.tracker.search import EnrollmentQuery, EntityQuery, EventQuery, RelationshipQuery

Pairs = Sequence[tuple[str, str]]
_ENROLLMENT = ("ACTIVE", "COMPLETED", "CANCELLED")
_EVENT = ("ACTIVE", "COMPLETED", "VISITED", "SCHEDULE", "OVERDUE", "SKIPPED")
_SIDES = ("trackedEntity", "enrollment", "event")
# Parameters of tracked entities that were taken away in 2.41, and what to say of them.
_REMOVED = {
    "query": "`query` parameter was removed in v41. Use `filter` instead.",
    "attribute": "`attribute` parameter was removed in v41. Use `filter` instead.",
    "includeAllAttributes": "`includeAllAttributes` parameter was removed in v41.",
}
_OF_PROGRAM = {
    "programStatus": "enrollment status is defined",
    "enrollmentStatus": "enrollment status is defined",
    "followUp": "follow up status is defined",
    "enrollmentEnrolledAfter": "program enrollment start date is specified",
    "enrollmentEnrolledBefore": "program enrollment end date is specified",
    "enrollmentOccurredAfter": "program incident start date is specified",
    "enrollmentOccurredBefore": "program incident end date is specified",
}
_OF_ENROLLMENT = {
    "status": "status is defined",
    "programStatus": "status is defined",
    "followUp": "follow up status is defined",
    "enrolledAfter": "enrollment start date is specified",
    "enrolledBefore": "enrollment end date is specified",
}


def entity_query(pairs: Pairs) -> EntityQuery:
    """Read the parameters of tracked entities. Raises `Malformed`."""
    given = dict(pairs)
    for name, text in _REMOVED.items():
        if given.get(name, "").strip():
            raise Malformed(text)
    renamed(given, "trackedEntity", "trackedEntities")
    named = uids(given, "trackedEntities") or uids(given, "trackedEntity")
    program, type = uid(given, "program"), uid(given, "trackedEntityType")
    if program and type:
        raise Malformed("Program and tracked entity type cannot be specified simultaneously")
    if not (program or type or named):
        raise Malformed("Either Program or Tracked entity type should be specified")
    need_program(given, _OF_PROGRAM)
    _check_event_times(given)
    return EntityQuery(
        uids=named,
        place=place(given, alone=bool(named)),
        program=program,
        type=type,
        status=_status(given, "enrollmentStatus"),
        follow_up=maybe(given, "followUp"),
        enrolled=span(given, "enrollmentEnrolled"),
        occurred=span(given, "enrollmentOccurred"),
        stage=uid(given, "programStage"),
        event_status=word(given, "eventStatus", _EVENT) or "",
        event_occurred=span(given, "eventOccurred"),
        assignees=assignees(given),
        updated=updated(given),
        attributes=read_filters(pairs, "filter"),
        potential_duplicate=maybe(given, "potentialDuplicate"),
        deleted=flag(given, "includeDeleted", default=False),
        order=order(given),
    )


def enrollment_query(pairs: Pairs) -> EnrollmentQuery:
    """Read the parameters of enrollments. Raises `Malformed`."""
    given = dict(pairs)
    renamed(given, "enrollment", "enrollments")
    named = uids(given, "enrollments") or uids(given, "enrollment")
    program, type = uid(given, "program"), uid(given, "trackedEntityType")
    if program and type:
        raise Malformed("Program and tracked entity type cannot be specified simultaneously")
    need_program(given, _OF_ENROLLMENT)
    return EnrollmentQuery(
        uids=named,
        place=place(given, alone=bool(named)),
        program=program,
        type=type,
        entity=uid(given, "trackedEntity"),
        status=_status(given, "status"),
        follow_up=maybe(given, "followUp"),
        enrolled=span(given, "enrolled"),
        updated=updated(given),
        deleted=flag(given, "includeDeleted", default=False),
        order=order(given),
    )


def event_query(pairs: Pairs, known: Metadata) -> EventQuery:
    """Read the parameters of events. Raises `Malformed`."""
    given = dict(pairs)
    renamed(given, "event", "events")
    named = uids(given, "events") or uids(given, "event")
    data = read_filters(pairs, "filter")
    if named and data:
        raise Malformed("Event UIDs and filters can not be specified at the same time")
    return EventQuery(
        uids=named,
        place=place(given, alone=bool(named)),
        program=uid(given, "program"),
        stage=uid(given, "programStage"),
        entity=uid(given, "trackedEntity"),
        enrollments=uids(given, "enrollments"),
        status=word(given, "status", _EVENT) or "",
        enrollment_status=_status(given, "enrollmentStatus"),
        follow_up=maybe(given, "followUp"),
        occurred=span(given, "occurred"),
        scheduled=span(given, "scheduled"),
        updated=updated(given),
        enrolled=span(given, "enrollmentEnrolled"),
        enrollment_occurred=span(given, "enrollmentOccurred"),
        assignees=assignees(given),
        option_combo=_option_combo(known, given),
        data=data,
        attributes=read_filters(pairs, "filterAttributes"),
        deleted=flag(given, "includeDeleted", default=False),
        order=order(given),
    )


def relationship_query(pairs: Pairs) -> RelationshipQuery:
    """Read the parameters of relationships: exactly one object whose they are. Raises `Malformed`."""
    given = dict(pairs)
    renamed(given, "tei", "trackedEntity")
    sides = {name: uid(given, name) for name in _SIDES}
    sides["trackedEntity"] = sides["trackedEntity"] or uid(given, "tei")
    chosen = [(kind, value) for kind, value in sides.items() if value]
    if not chosen:
        raise Malformed("Missing required parameter 'trackedEntity', 'enrollment' or 'event'.")
    if len(chosen) > 1:
        raise Malformed("Only one of parameters 'trackedEntity', 'enrollment' or 'event' is allowed.")
    return RelationshipQuery(side=chosen[0], deleted=flag(given, "includeDeleted", default=False), order=order(given))


def _status(given: Mapping[str, str], name: str) -> str:
    """Return the enrollment status, whose older name is `programStatus`."""
    renamed(given, "programStatus", name)
    return word(given, name, _ENROLLMENT) or word(given, "programStatus", _ENROLLMENT) or ""


def _check_event_times(given: Mapping[str, str]) -> None:
    names = ("eventStatus", "eventOccurredAfter", "eventOccurredBefore")
    present = [name for name in names if given.get(name, "").strip()]
    if "eventStatus" in present and len(present) < len(names):
        raise Malformed("Event start and end date must be specified when event status is specified")
    if present and len(present) < len(names):
        raise Malformed("Event status, start date and end date must be specified together")


def _option_combo(known: Metadata, given: Mapping[str, str]) -> str:
    """Return the combination of these category options within this category combo, empty when none is asked for."""
    combo, options = uid(given, "attributeCategoryCombo"), uids(given, "attributeCategoryOptions")
    if not combo and not options:
        return ""
    if not combo or not options:
        raise Malformed("Both or none of attributeCategoryCombo and attributeCategoryOptions must be specified")
    for found in known.objects.get("categoryOptionCombos", {}).values():
        held = {reference(option) for option in found.doc.get("categoryOptions") or ()}
        if reference(found.doc.get("categoryCombo")) == combo and held == set(options):
            return found.uid
    raise Malformed(f"There is no combination of the category options {options} within the category combo {combo}")
