"""What is refused before a search: what doesn't exist, what the user may not read, what doesn't belong together."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tracker_core import access
from tracker_core.database import Session
from tracker_core.errors import Forbidden, Malformed, NotFound
from tracker_core.metadata import Program
from tracker_core.tracker import visibility
from tracker_core.tracker.filters import Filter
from tracker_core.tracker.search.limits import check_limits
from tracker_core.tracker.search.orders import check_order
from tracker_core.tracker.search.queries import (
    EnrollmentQuery,
    EntityQuery,
    EventQuery,
    Place,
    Query,
    RelationshipQuery,
)
from tracker_core.tracker.visibility import TABLES, Kind, Sight

EVERYWHERE = "F_TRACKED_ENTITY_INSTANCE_SEARCH_IN_ALL_ORGUNITS"
_NAMES = {"trackedEntity": "TrackedEntity", "enrollment": "Enrollment", "event": "Event"}


def check(session: Session, sight: Sight, query: Query) -> Sight:
    """Refuse a query that DHIS2 refuses; return the sight to search with: `ALL` org units widen it.

    Raises `Malformed` (what doesn't exist or makes no sense), `Forbidden` (what the user may not read), `NotFound` (the
    object whose relationships are wanted) and `Conflict` (a search beyond the capture units that asks for too much).
    """
    check_order(sight.known, query)
    if isinstance(query, RelationshipQuery):
        _check_side(session, sight, query)
        return sight
    widened = _check_place(sight, query.place)
    if isinstance(query, EntityQuery):
        _check_entities(sight, query)
        check_limits(session, widened, query)
    elif isinstance(query, EnrollmentQuery):
        _tracker_program(sight, query.program)
        _check_type(sight, query.type)
        _check_entity(session, sight, query.entity)
    else:
        _check_events(session, sight, query)
    return widened


def _check_entities(sight: Sight, query: EntityQuery) -> None:
    program = _tracker_program(sight, query.program)
    _check_type(sight, query.type)
    if query.stage and (program is None or query.stage not in program.stages):
        raise Malformed(f"Program does not contain the specified programStage: {query.stage}")
    _check_attributes(sight, query.attributes)
    if not query.program and not sight.reads("trackedEntityTypes"):
        raise Forbidden("User has no access to any Tracked Entity Type")


def _check_events(session: Session, sight: Sight, query: EventQuery) -> None:
    _program(sight, query.program)
    stage = sight.known.stages.get(query.stage)
    if query.stage and stage is None:
        raise Malformed(f"Program stage is specified but does not exist: {query.stage}")
    if stage is not None and stage.pk not in sight.reads("programStages"):
        raise Forbidden(f"User has no access to program stage: {stage.uid}")
    _check_entity(session, sight, query.entity)
    if query.option_combo in visibility.hidden_combos(sight):
        raise Forbidden(f"User has no access to attribute category option combo: {query.option_combo}")
    for wanted in query.data:
        if wanted.uid not in sight.known.data_elements:
            raise Malformed(f"filter is invalid. Data element '{wanted.uid}' does not exist.")
    _check_attributes(sight, query.attributes)


def _program(sight: Sight, uid: str) -> Program | None:
    program = sight.known.programs.get(uid)
    if uid and program is None:
        raise Malformed(f"Program is specified but does not exist: {uid}")
    if program is not None and program.pk not in sight.reads("programs"):
        raise Forbidden(f"User has no access to program: {uid}")
    return program


def _tracker_program(sight: Sight, uid: str) -> Program | None:
    program = _program(sight, uid)
    if program is None:
        return None
    if not program.registration:
        raise Malformed(f"Program specified is not a tracker program: {uid}")
    if program.entity_type is not None and program.entity_type.pk not in sight.reads("trackedEntityTypes"):
        raise Forbidden(
            "Current user is not authorized to read data from selected program's tracked entity type:"
            f" {program.entity_type.uid}"
        )
    return program


def _check_type(sight: Sight, uid: str) -> None:
    type = sight.known.entity_types.get(uid)
    if uid and type is None:
        raise Malformed(f"Tracked entity type is specified but does not exist: {uid}")
    if type is not None and type.pk not in sight.reads("trackedEntityTypes"):
        raise Forbidden(f"Current user is not authorized to read data from selected tracked entity type: {uid}")


def _check_entity(session: Session, sight: Sight, uid: str) -> None:
    if not uid:
        return
    row = session.execute("select type from tracked_entity where uid = %s", (uid,)).fetchone()
    if row is None:
        raise Malformed(f"Tracked entity is specified but does not exist: {uid}")
    if row[0] not in sight.reads("trackedEntityTypes"):
        raise Forbidden(
            "Current user is not authorized to read data from type of selected tracked entity:"
            f" {sight.known.uids[row[0]]}"
        )


def _check_attributes(sight: Sight, filters: Iterable[Filter]) -> None:
    for wanted in filters:
        if wanted.uid not in sight.known.attributes:
            raise Malformed(f"attribute filters are invalid. Tracked entity attribute '{wanted.uid}' does not exist.")


def _check_place(sight: Sight, place: Place) -> Sight:
    _check_units(sight, place.units)
    actor = sight.actor
    if place.mode == "ALL":
        if not actor.may(EVERYWHERE):
            raise Malformed("Current user is not authorized to query across all organisation units")
        return replace(sight, actor=replace(actor, search=("/",)))
    if not actor.superuser and not (actor.capture or actor.search):
        raise Malformed("User needs to be assigned either search or data capture org units")
    if place.mode == "CAPTURE" and not actor.superuser and not actor.capture:
        raise Malformed("User needs to be assigned data capture org units")
    return sight


def _check_units(sight: Sight, uids: Sequence[str]) -> None:
    for uid in uids:
        unit = sight.known.org_units.get(uid)
        if unit is None:
            raise Malformed(f"Organisation unit does not exist: {uid}")
        if not access.may_see_unit(sight.actor, unit.path):
            raise Forbidden(f"Organisation unit is not part of the search scope: {uid}")


def _check_side(session: Session, sight: Sight, query: RelationshipQuery) -> None:
    if not query.side[0]:
        return
    kinds: dict[str, Kind] = {"trackedEntity": "trackedEntity", "enrollment": "enrollment", "event": "event"}
    kind = kinds[query.side[0]]
    row = session.execute(f"select pk, deleted from {TABLES[kind]} where uid = %s", (query.side[1],)).fetchone()
    gone = row is None or (row[1] and not query.deleted)
    if row is None or gone or not visibility.visible(session, sight, kind, [row[0]]):
        raise NotFound(f"{_NAMES[kind]} with id {query.side[1]} could not be found.")
