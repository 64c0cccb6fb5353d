"""Unique attribute values: the key under which the database itself lets a value live only once."""

from hashlib import blake2b

from tracker_core.changes import ChangeSet
from tracker_core.metadata import Attribute
from tracker_core.records.terms import fold
from tracker_core.tracker.world import World

_FOLDED = 200


def folded(value: str) -> str:
    """Return `value` as searches compare it: without case and accents, cut to what an index entry can hold."""
    return fold(value)[:_FOLDED]


def unique_key(attribute: Attribute, value: str, org_unit: str) -> str | None:
    """Return the key of a value, None when the attribute is not unique. Case does not count; long values are hashed."""
    if not attribute.unique:
        return None
    text = value.casefold()
    if len(text) > _FOLDED:
        text = blake2b(text.encode(), digest_size=32).hexdigest()
    return f"{org_unit}|{text}" if attribute.org_unit_scope else text


def unique_keys(world: World, changes: ChangeSet) -> list[tuple[str, str]]:
    """Return (attribute uid, key) of every unique value that `changes` bring."""
    unique = {a.uid: a for a in world.metadata.attributes.values() if a.unique}
    if not unique:
        return []
    units = {t.uid: t.org_unit for t in changes.entities}
    holders = [(t.uid, t.attributes) for t in changes.entities] + [
        (n.entity, n.attributes) for n in changes.enrollments
    ]
    found = set()
    for entity, attributes in holders:
        for uid in unique.keys() & attributes.keys():
            stored = world.entities.get(entity)
            unit = units.get(entity) or (stored.org_unit if stored else "")
            if value := attributes[uid]:
                found.add((uid, unique_key(unique[uid], value, unit) or ""))
    return sorted(found)
