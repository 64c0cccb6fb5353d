"""Checks of attribute values, on tracked entities and on enrollments alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from tracker_core.metadata import Attribute
from tracker_core.tracker.rows import EnrollmentItem, Entity, EntityItem
from tracker_core.tracker.unique import unique_key
from tracker_core.tracker.validation.value_types import accepts, in_options
from tracker_core.tracker.world import World

Holder: TypeAlias = EntityItem | EnrollmentItem
Found: TypeAlias = Sequence[tuple[str, ...]]
_LONGEST = 1_200


def known(item: Holder, world: World) -> Found:
    """E1006: every attribute exists."""
    attributes, given = world.metadata.attributes, item.change.attributes
    return () if given.keys() <= attributes.keys() else [(uid,) for uid in given if uid and uid not in attributes]


def named(item: Holder, world: World) -> Found:
    """E1075: every attribute has a uid."""
    return [("",)] if "" in item.change.attributes else ()


def short(item: Holder, world: World) -> Found:
    """E1077: a value has at most 1,200 characters."""
    values = item.change.attributes.values()
    return [(value, str(_LONGEST)) for value in values if value and len(value) > _LONGEST]


def not_confidential(item: Holder, world: World) -> Found:
    """E1112: a confidential value would have to be stored encrypted, which the hub does not do by itself."""
    confidential = world.metadata.confidential & item.change.attributes.keys()
    values = (item.change.attributes[uid] for uid in sorted(confidential))
    return [(value, "missing_encryption_password") for value in values if value]


def valid(item: Holder, world: World) -> Found:
    """E1007: a value is of its attribute's value type."""
    attributes = world.metadata.attributes
    return [
        (attribute.value_type, f"Value `{value}` is not a valid {attribute.value_type}")
        for uid, value in _changed(item, world)
        if (attribute := attributes.get(uid)) and not accepts(attribute.value_type, value, world)
    ]


def of_pattern(item: Holder, world: World) -> Found:
    """E1007: a generated value is one that its pattern makes, or one that was reserved."""
    attributes = world.metadata.attributes
    return [
        (attributes[uid].value_type, f"Value `{value}` does not match the pattern {attributes[uid].pattern}")
        for uid, value in _changed(item, world)
        if (uid, value) in world.foreign
    ]


def optional(item: Holder, world: World) -> Found:
    """E1125: a value of an option set is one of its codes."""
    attributes = world.metadata.attributes
    if world.metadata.with_options.isdisjoint(item.change.attributes):
        return ()
    return [
        (value, options.uid)
        for uid, value in _changed(item, world)
        if (attribute := attributes.get(uid))
        and (options := attribute.option_set)
        and not in_options(attribute.value_type, options.options, value)
    ]


def file_free(item: Holder, world: World) -> Found:
    """E1009: a file belongs to no other value, neither stored nor in this import (the first one has it)."""
    entity = _entity(item, world)
    if entity is None or not world.files:
        return ()
    return [
        (value,)
        for uid, value in item.change.attributes.items()
        if value in world.files and world.claimed.setdefault(value, (entity.uid, uid)) != (entity.uid, uid)
    ]


def unique(item: Holder, world: World) -> Found:
    """E1064: a unique value belongs to no other entity, neither stored nor in this import (the first one has it)."""
    entity = _entity(item, world)
    if entity is None:
        return ()
    found = []
    for attribute, value in _unique_values(item.change.attributes, world):
        key = (attribute.uid, unique_key(attribute, value, entity.org_unit) or "")
        if world.taken.setdefault(key, entity.uid) != entity.uid:
            found.append((value, attribute.uid))
    return found


def _changed(item: Holder, world: World) -> Iterable[tuple[str, str]]:
    """Yield the values that differ from the stored ones: what is sent back as it is stays, whatever it was then."""
    stored = item.old if isinstance(item, EntityItem) else _entity(item, world)
    known = stored.attributes if stored else {}
    return ((uid, value) for uid, value in item.change.attributes.items() if value and known.get(uid) != value)


def _unique_values(values: Mapping[str, str | None], world: World) -> Iterable[tuple[Attribute, str]]:
    attributes = world.metadata.attributes
    for uid, value in values.items():
        if value and (attribute := attributes.get(uid)) and attribute.unique:
            yield attribute, value


def _entity(item: Holder, world: World) -> Entity | None:
    return item.row if isinstance(item, EntityItem) else item.entity
