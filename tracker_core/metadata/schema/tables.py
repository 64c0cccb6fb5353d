"""The described types, read once."""

from collections.abc import Mapping

from tracker_core.metadata.schema.model import Property, Type
from tracker_core.metadata.schema.reading import read_types

_EVERY: Mapping[str, Type] = read_types()
TYPES: Mapping[str, Type] = {name: type for name, type in _EVERY.items() if not (type.part or type.own)}
_SINGULARS: Mapping[str, Type] = {type.singular: type for type in TYPES.values()}


def of(collection: str) -> Type:
    """Return the type of `collection` (`programs`). Raises KeyError when there is none."""
    return TYPES[collection]


def find(collection: str) -> Type | None:
    """Return the type of `collection`, one of the hub's own included; None when there is none."""
    found = _EVERY.get(collection)
    return found if found and not found.part else None


def by_singular(singular: str) -> Type | None:
    """Return the type that is called `singular` (`program`), as sharing and schemas call it."""
    return _SINGULARS.get(singular)


def structure(target: str) -> Type:
    """Return what a `part` property is made of: a part, or a type that lives within another one."""
    return _EVERY[target]


def referring(collection: str) -> list[tuple[Type, Property]]:
    """Return every stored reference into `collection`, with the type or part it is a property of."""
    return [
        (type, found) for type in _EVERY.values() for found in type.of_kind("ref", "refs") if found.target == collection
    ]
