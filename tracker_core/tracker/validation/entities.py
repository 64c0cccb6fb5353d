"""Checks of tracked entities. Each returns the arguments of its message once per fault, nothing when all is well."""

from collections.abc import Sequence
from typing import TypeAlias

from tracker_core.tracker.rows import EntityItem
from tracker_core.tracker.validation.geometry import fits
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]


def is_new(item: EntityItem, world: World) -> Found:
    """E1002: strategy CREATE takes new ones only."""
    return [(item.row.uid,)] if item.old else ()


def is_stored(item: EntityItem, world: World) -> Found:
    """E1063: an update or deletion needs a stored one."""
    return () if item.old else [(item.row.uid,)]


def is_alive(item: EntityItem, world: World) -> Found:
    """E1114: a deleted one stays as it is."""
    return [(item.row.uid,)] if item.old and item.old.deleted else ()


def is_complete(item: EntityItem, world: World) -> Found:
    """E1121: type and org unit are there."""
    parts = (("trackedEntityType", item.row.type), ("orgUnit", item.row.org_unit))
    return [(name,) for name, value in parts if not value]


def has_type(item: EntityItem, world: World) -> Found:
    """E1005: the type exists."""
    return [(item.row.type,)] if item.row.type and item.type is None else ()


def has_unit(item: EntityItem, world: World) -> Found:
    """E1049: the org unit exists."""
    return [(item.row.org_unit,)] if item.row.org_unit and item.unit is None else ()


def keeps_type(item: EntityItem, world: World) -> Found:
    """E1126: the type never changes."""
    return [("trackedEntityType",)] if item.old and item.row.type != item.old.type else ()


def has_feature_type(item: EntityItem, world: World) -> Found:
    """E1074: a geometry needs a type that has one."""
    return [()] if item.change.fields.get("geometry") and item.type and item.type.feature_type == "NONE" else ()


def fits_feature_type(item: EntityItem, world: World) -> Found:
    """E1012: a geometry is of its type's feature type."""
    geometry = item.change.fields.get("geometry")
    if not geometry or item.type is None or item.type.feature_type == "NONE" or fits(geometry, item.type.feature_type):
        return ()
    return [(item.type.feature_type,)]


def has_mandatory(item: EntityItem, world: World) -> Found:
    """E1090: a new one has every mandatory attribute of its type."""
    if item.type is None:
        return ()
    mandatory = (uid for uid, needed in item.type.attributes.items() if needed)
    given = item.change.attributes
    return [(uid, item.type.uid, item.row.uid) for uid in mandatory if uid not in given]


def keeps_mandatory(item: EntityItem, world: World) -> Found:
    """E1076: a mandatory attribute is not cleared."""
    if item.type is None:
        return ()
    needed = item.type.attributes
    cleared = (uid for uid, value in item.change.attributes.items() if not value)
    return [("TrackedEntityAttribute", uid) for uid in cleared if needed.get(uid)]
