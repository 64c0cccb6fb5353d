"""Checks of relationships. Each returns the arguments of its message once per fault, nothing when all is well."""

from collections.abc import Sequence
from typing import TypeAlias

from tracker_core.metadata.model import RelationshipSide
from tracker_core.tracker.rows import RelationshipItem
from tracker_core.tracker.world import World

Found: TypeAlias = Sequence[tuple[str, ...]]
_WORDS = {"trackedEntity": "TRACKED_ENTITY", "enrollment": "ENROLLMENT", "event": "EVENT"}


def is_new(item: RelationshipItem, world: World) -> Found:
    """E4015: strategy CREATE takes new ones only."""
    return [(item.row.uid,)] if item.old else ()


def is_stored(item: RelationshipItem, world: World) -> Found:
    """E4016: an update or deletion needs a stored one."""
    return () if item.old else [(item.row.uid,)]


def is_alive(item: RelationshipItem, world: World) -> Found:
    """E4017: a deleted one stays as it is."""
    return [(item.row.uid,)] if item.old and item.old.deleted else ()


def is_complete(item: RelationshipItem, world: World) -> Found:
    """E1124: type and both sides are there."""
    row = item.row
    parts = (("relationshipType", row.type), ("from", row.source != ("", "")), ("to", row.target != ("", "")))
    return [(name,) for name, value in parts if not value]


def has_type(item: RelationshipItem, world: World) -> Found:
    """E4006: the type exists."""
    return [(item.row.type,)] if item.row.type and item.type is None else ()


def sides_single(item: RelationshipItem, world: World) -> Found:
    """E4001: a side names exactly one object."""
    sides = (("from", item.row.source), ("to", item.row.target))
    return [(name, item.row.uid) for name, (kind, uid) in sides if (kind, uid) != ("", "") and not (kind and uid)]


def sides_exist(item: RelationshipItem, world: World) -> Found:
    """E4012: what a side names is stored or in this import."""
    sides = (item.row.source, item.row.target)
    return [(kind, uid) for kind, uid in sides if kind and uid and world.row(kind, uid) is None]


def sides_of_kind(item: RelationshipItem, world: World) -> Found:
    """E4010: a side is of the kind that the type wants."""
    if item.type is None:
        return ()
    return [
        (item.type.uid, _WORDS[wanted.kind], _WORDS[kind])
        for wanted, (kind, _) in _pairs(item)
        if kind and wanted.kind and kind != wanted.kind
    ]


def sides_of_type(item: RelationshipItem, world: World) -> Found:
    """E4014: a tracked entity on a side is of the tracked entity type that the type wants."""
    if item.type is None:
        return ()
    return [
        (item.type.uid, wanted.entity_type, entity.type)
        for wanted, (kind, uid) in _pairs(item)
        if kind == "trackedEntity"
        and wanted.entity_type
        and (entity := world.entities.get(uid))
        and entity.type != wanted.entity_type
    ]


def not_to_itself(item: RelationshipItem, world: World) -> Found:
    """E4000: the sides differ."""
    return [(item.row.uid,)] if item.row.source == item.row.target and item.row.source[1] else ()


def not_repeated(item: RelationshipItem, world: World) -> Found:
    """E4018: two objects are linked once per type; a bidirectional type counts both directions as one."""
    row = item.row
    if item.type is None:
        return ()
    keys = [(row.type, row.source, row.target)]
    if item.type.bidirectional:
        keys.append((row.type, row.target, row.source))
    if any(world.linked.get(key, row.uid) != row.uid for key in keys):
        return [(row.uid, row.source[0], row.source[1], row.target[0], row.target[1])]
    return ()


def _pairs(item: RelationshipItem) -> list[tuple[RelationshipSide, tuple[str, str]]]:
    assert item.type is not None
    return [(item.type.source, item.row.source), (item.type.target, item.row.target)]
