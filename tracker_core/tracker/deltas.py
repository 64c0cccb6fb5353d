"""What differs between the row before and the row after, under DHIS2's names: `{field: [old, new]}`.

Data values and attributes stand one by one, as `dataValues.<uid>` and `attributes.<uid>`: the log tells for every value
who set it and when. A creation has no delta: its values are those of the row less what later changes say.
"""

from collections.abc import Mapping
from typing import Any

from tracker_core.metadata import DEFAULT_OPTION_COMBO
from tracker_core.tracker.rows import Enrollment, Entity, Event

Delta = dict[str, list[Any]]

ENTITY_FIELDS = {
    "orgUnit": "org_unit",
    "inactive": "inactive",
    "potentialDuplicate": "potential_duplicate",
    "geometry": "geometry",
    "createdAtClient": "created_at_client",
    "updatedAtClient": "updated_at_client",
}
ENROLLMENT_FIELDS = {
    "orgUnit": "org_unit",
    "status": "status",
    "enrolledAt": "enrolled_at",
    "occurredAt": "occurred_at",
    "completedAt": "completed_at",
    "completedBy": "completed_by",
    "followUp": "follow_up",
    "geometry": "geometry",
    "notes": "notes",
    "createdAtClient": "created_at_client",
    "updatedAtClient": "updated_at_client",
}
EVENT_FIELDS = {
    "orgUnit": "org_unit",
    "status": "status",
    "occurredAt": "occurred_at",
    "scheduledAt": "scheduled_at",
    "completedAt": "completed_at",
    "completedBy": "completed_by",
    "attributeOptionCombo": "attribute_option_combo",
    "assignedUser": "assigned_user",
    "geometry": "geometry",
    "notes": "notes",
    "providedElsewhere": "provided_elsewhere",
    "createdAtClient": "created_at_client",
    "updatedAtClient": "updated_at_client",
}


def entity_delta(old: Entity, new: Entity) -> Delta:
    """Return what differs between two states of an entity, its attributes apart."""
    return _fields(old, new, ENTITY_FIELDS)


def enrollment_delta(old: Enrollment, new: Enrollment) -> Delta:
    """Return what differs between two states of an enrollment."""
    return _fields(old, new, ENROLLMENT_FIELDS)


def event_delta(old: Event, new: Event) -> Delta:
    """Return what differs between two states of an event, its data values included."""
    delta = _fields(old, new, EVENT_FIELDS) | values_delta("dataValues", old.data, new.data)
    # The default option combo is shown where none is stored: sent back, it is no change.
    if delta.get("attributeOptionCombo") == [None, DEFAULT_OPTION_COMBO]:
        del delta["attributeOptionCombo"]
    return delta


def values_delta(prefix: str, old: Mapping[str, str], new: Mapping[str, str]) -> Delta:
    """Return what differs between two sets of values, None standing for absence."""
    if old == new:
        return {}
    names = [*old, *(name for name in new if name not in old)]
    return {f"{prefix}.{n}": [old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)}


def _fields(old: object, new: object, fields: Mapping[str, str]) -> Delta:
    pairs = ((name, getattr(old, slot), getattr(new, slot)) for name, slot in fields.items())
    return {name: [before, after] for name, before, after in pairs if before != after}
