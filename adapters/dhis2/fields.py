"""The field filter language (Web API 2.42, "Field filter language"): `id,programStages[id,name~rename(label)]`."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tracker_core.errors import Conflict

_NAME = re.compile(r"[A-Za-z0-9_.$@-]+|\*")
_GAP = re.compile(r"\s*")
_INTRODUCER = re.compile(r"~|::|\|")
_ALL = ("*", ":all")
_IDENTIFIABLE = ("id", "name", "code", "created", "lastUpdated", "lastUpdatedBy")
_NAMEABLE = ("id", "name", "shortName", "code", "description", "created", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Transformer:
    """A function on a property's value: its name and arguments (`rename`, ("label",))."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of a list: a property, `*`, or a preset (`:owner`); `inner` is the list in its brackets, if any."""

    name: str
    excluded: bool = False
    inner: "tuple[Field, ...] | None" = None
    transformers: tuple[Transformer, ...] = ()


Fields = tuple[Field, ...]


@lru_cache(maxsize=512)
def parse_fields(text: str) -> Fields:
    """Parse a `fields` parameter. Raises `Conflict` (DHIS2's E7651) when brackets or transformers do not fit."""
    parser = _Parser(text)
    fields = parser.entries()
    if parser.at < len(text):
        raise parser.wrong()
    return fields


def select(fields: Fields, value: Any) -> Any:
    """Return of `value`, a document or a list of them, what `fields` asks for.

    Unknown names are ignored, properties without a value left out; an object or list asked for without brackets comes
    whole. Explicit entries win over `*` and presets, exclusions over both.
    """
    if isinstance(value, list):
        return [select(fields, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    plan = _plan(fields, value)
    chosen: dict[str, Any] = {}
    for name, entry in plan.items():
        item = value[name]
        if item is None:
            continue
        if entry.inner is not None:
            item = select(entry.inner, item)
        key = name
        for transformer in entry.transformers:
            key, item = _transform(transformer, key, item)
        chosen[key] = item
    return chosen


def wants(fields: Fields, *path: str) -> bool:
    """Tell whether `fields` asks for the property at `path`: what is not wanted need not be loaded."""
    first, rest = path[0], path[1:]
    if any(entry.excluded and entry.name == first for entry in fields):
        return False
    named = [entry for entry in fields if entry.name == first and not entry.excluded]
    if named:
        return not rest or any(entry.inner is None or wants(entry.inner, *rest) for entry in named)
    return any(entry.name in _ALL or entry.name in (":owner", ":persisted") for entry in fields)


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
    if name in _ALL or name in (":owner", ":persisted"):
        return list(value)
    if name == ":identifiable":
        return [key for key in _IDENTIFIABLE if key in value]
    if name == ":nameable":
        return [key for key in _NAMEABLE if key in value]
    if name == ":simple":
        return [key for key, item in value.items() if not isinstance(item, dict | list)]
    return [name] if name in value else []


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def _pluck(value: Any, name: str = "id") -> Any:
    return [item.get(name) for item in value if isinstance(item, dict)] if isinstance(value, list) else value


def _key_by(value: Any, name: str = "id") -> Any:
    return {str(item.get(name)): item for item in value} if isinstance(value, list) else value


def _paging(value: Any, page: str = "1", size: str = "50") -> Any:
    if not isinstance(value, list) or not (page.isdigit() and size.isdigit()):
        return value
    start = (max(int(page), 1) - 1) * int(size)
    return value[start : start + int(size)]


_TRANSFORMS: dict[str, Callable[..., Any]] = {
    "size": _size,
    "isEmpty": lambda value: not _size(value),
    "isNotEmpty": lambda value: bool(_size(value)),
    "pluck": _pluck,
    "keyBy": _key_by,
    "paging": _paging,
}
_MOST_ARGUMENTS = {"size": 0, "isEmpty": 0, "isNotEmpty": 0, "pluck": 1, "keyBy": 1, "paging": 2}


def _transform(transformer: Transformer, key: str, value: Any) -> tuple[str, Any]:
    if transformer.name == "rename":
        return transformer.arguments[0], value
    return key, _TRANSFORMS[transformer.name](value, *transformer.arguments)


class _Parser:
    """Recursive descent over one `fields` text; `at` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def wrong(self) -> Conflict:
        return Conflict(
            f"E7651 the fields parameter cannot be read at position {self.at}: {self.text[self.at :][:20]!r}"
        )

    def skip(self) -> str:
        """Skip blanks; return the character that follows, or the empty text at the end."""
        found = _GAP.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def entries(self) -> Fields:
        found = []
        while self.skip() not in ("", "]"):
            found.append(self.entry())
            if self.skip() == ",":
                self.at += 1
            elif self.skip() not in ("", "]"):
                raise self.wrong()
        return tuple(found)

    def entry(self) -> Field:
        excluded = self.skip() == "!"
        self.at += excluded
        preset = self.skip() == ":"
        self.at += preset
        name = (":" if preset else "") + self.name()
        inner = self.brackets() if self.skip() == "[" else None
        transformers = []
        while introduced := _INTRODUCER.match(self.text, self.at):
            self.at = introduced.end()
            transformers.append(self.transformer())
        if inner is None and self.skip() == "[":
            inner = self.brackets()
        return Field(name, excluded, inner, tuple(transformers))

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self.wrong()
        self.at = found.end()
        return found.group()

    def brackets(self) -> Fields:
        self.at += 1
        inner = self.entries()
        if self.skip() != "]":
            raise self.wrong()
        self.at += 1
        return inner

    def transformer(self) -> Transformer:
        name = self.name()
        arguments: tuple[str, ...] = ()
        opened = self.text[self.at : self.at + 1]
        if opened in ("(", "["):
            end = self.text.find(")" if opened == "(" else "]", self.at)
            if end < 0:
                raise self.wrong()
            arguments = tuple(part.strip() for part in re.split("[;,]", self.text[self.at + 1 : end]))
            self.at = end + 1
        fits = len(arguments) == 1 if name == "rename" else len(arguments) <= _MOST_ARGUMENTS.get(name, -1)
        if not fits:
            raise self.wrong()
        return Transformer(name, arguments)
