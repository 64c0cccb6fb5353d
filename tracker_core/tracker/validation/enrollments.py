"""Checks of enrollments. Each returns the arguments of its message once per fault, nothing when all is well."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias

from tracker_core.tracker.rows import EnrollmentItem
from tracker_core.tracker.validation.geometry import fits
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]
STATUSES = ("ACTIVE", "COMPLETED", "CANCELLED")
# A day that has begun anywhere on earth is not in the future.
_AHEAD = timedelta(hours=14)


def is_new(item: EnrollmentItem, world: World) -> Found:
    """E1080: strategy CREATE takes new ones only."""
    return [(item.row.uid,)] if item.old else ()


def is_stored(item: EnrollmentItem, world: World) -> Found:
    """E1081: an update or deletion needs a stored one."""
    return () if item.old else [(item.row.uid,)]


def is_alive(item: EnrollmentItem, world: World) -> Found:
    """E1113: a deleted one stays as it is."""
    return [(item.row.uid,)] if item.old and item.old.deleted else ()


def is_complete(item: EnrollmentItem, world: World) -> Found:
    """E1122: program, tracked entity and org unit are there."""
    row = item.row
    parts = (("orgUnit", row.org_unit), ("program", row.program), ("trackedEntity", row.entity))
    return [(name,) for name, value in parts if not value]


def has_entity(item: EnrollmentItem, world: World) -> Found:
    """E1068: the tracked entity is stored or in this import."""
    missing = item.row.entity and (item.entity is None or item.entity.deleted)
    return [(item.row.entity,)] if missing else ()


def has_program(item: EnrollmentItem, world: World) -> Found:
    """E1069: the program exists."""
    return [(item.row.program,)] if item.row.program and item.program is None else ()


def has_unit(item: EnrollmentItem, world: World) -> Found:
    """E1070: the org unit exists."""
    return [(item.row.org_unit,)] if item.row.org_unit and item.unit is None else ()


def keeps_parents(item: EnrollmentItem, world: World) -> Found:
    """E1127: program and tracked entity never change."""
    old, row = item.old, item.row
    if old is None:
        return ()
    pairs = (("program", row.program, old.program), ("trackedEntity", row.entity, old.entity))
    return [(name,) for name, new, before in pairs if new != before]


def may_register(item: EnrollmentItem, world: World) -> Found:
    """E1014: event programs have no enrollments."""
    return [(item.program.uid,)] if item.program and not item.program.registration else ()


def fits_type(item: EnrollmentItem, world: World) -> Found:
    """E1022: the tracked entity is of the program's type."""
    program, entity = item.program, item.entity
    if program is None or entity is None or program.entity_type is None or entity.type == program.entity_type.uid:
        return ()
    return [(entity.uid, program.uid)]


def at_program(item: EnrollmentItem, world: World) -> Found:
    """E1041: the org unit is one of the program's."""
    if item.program is None or item.unit is None or item.unit.uid in item.program.org_units:
        return ()
    return [(item.unit.uid, item.program.uid)]


def has_date(item: EnrollmentItem, world: World) -> Found:
    """E1025: the enrollment date is there."""
    return () if item.row.enrolled_at or item.findings else [()]


def not_ahead(item: EnrollmentItem, world: World) -> Found:
    """E1020: the enrollment date is not in the future, unless the program allows it."""
    at = item.row.enrolled_at
    if at is None or item.program is None or item.program.future_enrollment or at <= world.context.at + _AHEAD:
        return ()
    return [(at.date().isoformat(),)]


def incident_not_ahead(item: EnrollmentItem, world: World) -> Found:
    """E1021: the incident date is not in the future, unless the program allows it."""
    at = item.row.occurred_at
    if at is None or item.program is None or item.program.future_incident or at <= world.context.at + _AHEAD:
        return ()
    return [(at.date().isoformat(),)]


def has_incident_date(item: EnrollmentItem, world: World) -> Found:
    """E1023: a program that shows an incident date wants one."""
    return [()] if item.program and item.program.incident_date and item.row.occurred_at is None else ()


def has_status(item: EnrollmentItem, world: World) -> Found:
    """E1122: the status is one of the three."""
    return () if item.row.status in STATUSES else [("status",)]


def open_without_completion(item: EnrollmentItem, world: World) -> Found:
    """E1052: only a completed one has a completion date."""
    given = item.change.fields.get("completedAt")
    return [(item.row.uid, item.row.status)] if given and item.row.status != "COMPLETED" else ()


def one_active(item: EnrollmentItem, world: World) -> Found:
    """E1015: one active enrollment per entity and program; an earlier one of this import counts too."""
    row = item.row
    if item.program is None or item.entity is None or row.status != "ACTIVE":
        return ()
    others = world.enrolled.get((row.entity, row.program), {})
    if any(status == "ACTIVE" for uid, status in others.items() if uid != row.uid):
        return [(row.entity, row.program)]
    return ()


def only_once(item: EnrollmentItem, world: World) -> Found:
    """E1016: some programs enroll an entity once in its life."""
    row = item.row
    if item.program is None or not item.program.once or row.status == "CANCELLED":
        return ()
    others = world.enrolled.get((row.entity, row.program), {})
    if any(status != "CANCELLED" for uid, status in others.items() if uid != row.uid):
        return [(row.entity, row.program)]
    return ()


def only_program_attributes(item: EnrollmentItem, world: World) -> Found:
    """E1019: attributes of an enrollment are the program's, or the type's."""
    program = item.program
    if program is None:
        return ()
    own = program.entity_type.attributes if program.entity_type else {}
    known = world.metadata.attributes
    return [(a,) for a in item.change.attributes if a not in program.attributes and a not in own and a in known]


def has_mandatory(item: EnrollmentItem, world: World) -> Found:
    """E1018: every mandatory attribute of the program has a value, here or on the entity."""
    program, entity = item.program, item.entity
    if program is None or entity is None:
        return ()
    given, held = item.change.attributes, entity.attributes
    mandatory = (uid for uid, place in program.attributes.items() if place.mandatory)
    return [(uid, program.uid, item.row.uid) for uid in mandatory if uid not in given and uid not in held]


def keeps_mandatory(item: EnrollmentItem, world: World) -> Found:
    """E1076: a mandatory attribute of the program is not cleared."""
    if item.program is None:
        return ()
    places = item.program.attributes
    cleared = (uid for uid, value in item.change.attributes.items() if not value)
    return [("TrackedEntityAttribute", uid) for uid in cleared if uid in places and places[uid].mandatory]


def has_feature_type(item: EnrollmentItem, world: World) -> Found:
    """E1074: a geometry needs a program that has one."""
    return [()] if item.change.fields.get("geometry") and item.program and item.program.feature_type == "NONE" else ()


def fits_feature_type(item: EnrollmentItem, world: World) -> Found:
    """E1012: a geometry is of the program's feature type."""
    geometry, program = item.change.fields.get("geometry"), item.program
    if not geometry or program is None or program.feature_type == "NONE" or fits(geometry, program.feature_type):
        return ()
    return [(program.feature_type,)]
