"""Answering `fields` from plain documents: what they hold is all there is."""

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.dhis2.fields.language import Field, Fields
from adapters.dhis2.fields.transforms import transformed

ALL = ("*", ":all")
STORED = (":owner", ":persisted")
IDENTIFIABLE = ("id", "name", "code", "created", "lastUpdated", "lastUpdatedBy")
NAMEABLE = ("id", "name", "shortName", "code", "description", "created", "lastUpdated")


def select(fields: Fields, value: Any) -> Any:
    """Return of `value`, a document or a list of them, what `fields` asks for.

    Unknown names are ignored, properties without a value left out; an object or list asked for without brackets comes
    whole. Explicit entries win over `*` and presets, exclusions over both.
    """
    if isinstance(value, list):
        return [select(fields, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    chosen: dict[str, Any] = {}
    for name, entry in _plan(fields, value).items():
        item = value[name]
        if item is None:
            continue
        if entry.inner is not None:
            item = select(entry.inner, item)
        key, shown = transformed(entry.transformers, name, item)
        chosen[key] = shown
    return chosen


def wants(fields: Fields, *path: str) -> bool:
    """Tell whether `fields` asks for the property at `path`: what is not wanted need not be loaded."""
    first, rest = path[0], path[1:]
    if any(entry.excluded and entry.name == first for entry in fields):
        return False
    named = [entry for entry in fields if entry.name == first and not entry.excluded]
    if named:
        return not rest or any(entry.inner is None or wants(entry.inner, *rest) for entry in named)
    return any(entry.name in ALL or entry.name in STORED for entry in fields)


def _plan(fields: Fields, value: Mapping[str, Any]) -> dict[str, Field]:
    """Decide which properties of `value` come, each with the entry that says how."""
    plan: dict[str, Field] = {}
    for entry in fields:
        if entry.excluded:
            continue
        for name in _expand(entry.name, value):
            if name == entry.name or name not in plan:
                plan[name] = entry if name == entry.name else Field(name)
    for entry in fields:
        if entry.excluded:
            for name in _expand(entry.name, value):
                plan.pop(name, None)
    return plan


def _expand(name: str, value: Mapping[str, Any]) -> Iterable[str]:
    if name in ALL or name in STORED:
        return list(value)
    if name == ":identifiable":
        return [key for key in IDENTIFIABLE if key in value]
    if name == ":nameable":
        return [key for key in NAMEABLE if key in value]
    if name == ":simple":
        return [key for key, item in value.items() if not isinstance(item, dict | list)]
    return [name] if name in value else []
