"""`fields` over metadata objects (Web API 2.42, "Field filter language"), compiled once per type and text.

Compiled, a text is one function per property asked for; presets are spread over the properties that the type describes
and, per object, over those that only its document knows.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from adapters.dhis2.fields import ALL, IDENTIFIABLE, NAMEABLE, STORED, Field, Fields, parse_fields, select, transformed
from adapters.dhis2.objects.fetching import fetching
from adapters.dhis2.objects.properties import plain_reader, raw_reader, reference_reader
from adapters.dhis2.objects.view import UNITS, Document, Show, View
from tracker_core.metadata import schema
from tracker_core.metadata.schema import TYPES, Type

Step = tuple[str, Show]

_SIMPLE = ":simple"
_PRESETS = (*ALL, *STORED, _SIMPLE, ":identifiable", ":nameable")
_SPREAD = (*ALL, *STORED, _SIMPLE)
# Shown only when asked for by name.
_ASKED_FOR = ("href",)
_COMPOSED = ("ref", "refs", "part", "parts", "json", "geometry", "texts", "integers", "enums")


@lru_cache(maxsize=1024)
def selection(collection: str, text: str) -> Show:
    """Return what shows an object of `collection` as the `fields` text asks. Raises `Conflict` (E7651)."""
    return compile_fields(TYPES[collection], parse_fields(text))


def compile_fields(type: Type, fields: Fields) -> Show:
    """Return what shows an object, or a part, of `type` as `fields` ask.

    Unknown names are ignored, properties without a value left out, lists shown even when they are empty. Entries by
    name win over presets, exclusions over both.
    """
    excluded = {name for entry in fields if entry.excluded for name in _expand(type, entry.name)}
    named = [entry for entry in fields if not entry.excluded and entry.name not in _PRESETS]
    presets = [entry.name for entry in fields if not entry.excluded and entry.name in _PRESETS]
    taken = excluded | {entry.name for entry in named}
    spread = dict.fromkeys(name for preset in presets for name in _expand(type, preset) if name not in taken)
    steps = [(name, plain_reader(type, name)) for name in spread]
    steps += [_step(type, entry) for entry in named if entry.name not in excluded]
    unknown = next((_unknown(preset) for preset in presets if preset in _SPREAD), None)
    stored_only = frozenset(spread) if presets and set(presets) <= set(STORED) else frozenset()
    show = _show(steps, unknown, frozenset(type.properties) | taken, stored_only)
    return fetching(show, spread.keys() | {entry.name for entry in named}) if type.collection == UNITS else show


def _show(
    steps: Iterable[Step], unknown: Callable[[Any], bool] | None, known: frozenset[str], stored_only: frozenset[str]
) -> Show:
    """Return what runs `steps`; what only the document knows comes along when `unknown` says so of its value.

    `stored_only` are shown only when the document holds them.
    """
    every = tuple(steps)

    def show(view: View, doc: Document) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, read in every:
            if key in stored_only and key not in doc:
                continue
            value = read(view, doc)
            if value is not None:
                shown[key] = value
        if unknown is not None:
            shown |= {k: v for k, v in doc.items() if k not in known and v is not None and unknown(v)}
        return shown

    return show


def _unknown(preset: str) -> Callable[[Any], bool]:
    if preset == _SIMPLE:
        return lambda value: not isinstance(value, dict | list)
    return lambda _value: True


def _expand(type: Type, name: str) -> list[str]:
    """Return the described properties that an entry stands for."""
    described = type.properties
    if name in ALL:
        return [key for key in described if key not in _ASKED_FOR]
    if name in STORED:
        return [key for key, found in described.items() if found.owner]
    if name == _SIMPLE:
        return [key for key, found in described.items() if found.kind not in _COMPOSED and key not in _ASKED_FOR]
    if name == ":identifiable":
        return [key for key in IDENTIFIABLE if key in described]
    if name == ":nameable":
        return [key for key in NAMEABLE if key in described]
    return [name]


def _step(type: Type, entry: Field) -> Step:
    read = _reader(type, entry)
    transformers = entry.transformers
    if not transformers:
        return entry.name, read
    key, _ = transformed([each for each in transformers if each.name == "rename"], entry.name, None)
    changes = [each for each in transformers if each.name != "rename"]
    if not changes:
        return key, read

    def changed(view: View, doc: Document) -> Any:
        value = read(view, doc)
        return None if value is None else transformed(changes, key, value)[1]

    return key, changed


def _reader(type: Type, entry: Field) -> Show:
    found = type.properties.get(entry.name)
    if entry.inner is None:
        inner = _needed(entry) if found is not None and found.kind in ("ref", "refs") else None
        if inner is None:
            return plain_reader(type, entry.name)
    else:
        inner = entry.inner
    if found is not None and found.kind in ("ref", "refs"):
        only_id = inner == (Field("id"),)
        return reference_reader(type, found, None if only_id else compile_fields(TYPES[found.target], inner))
    raw = raw_reader(type, entry.name)
    show = compile_fields(schema.structure(found.target), inner) if found is not None and found.target else None
    if show is None:
        return lambda view, doc: select(inner, raw(view, doc))
    many = found is not None and found.many
    return lambda view, doc: _each(view, show, raw(view, doc), many=many)


def _needed(entry: Field) -> Fields | None:
    """Return what transformers read of the objects referred to: `~pluck(name)` needs their names."""
    names = [name for each in entry.transformers if each.name in ("pluck", "keyBy") for name in each.arguments]
    return tuple(Field(name) for name in dict.fromkeys(("id", *names))) if names else None


def _each(view: View, show: Show, value: Any, *, many: bool) -> Any:
    if isinstance(value, list):
        return [show(view, item) if isinstance(item, Mapping) else item for item in value]
    if isinstance(value, Mapping):
        return show(view, value)
    return [] if value is None and many else value
