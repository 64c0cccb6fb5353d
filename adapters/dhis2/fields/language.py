"""Parsing a `fields` text into the tree of what it asks for."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tracker_core.errors import Conflict

_NAME = re.compile(r"[A-Za-z0-9_.$@-]+|\*")
_GAP = re.compile(r"\s*")
_INTRODUCER = re.compile(r"~|::|\|")
_DEEPEST = 32


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


def _merged(fields: Fields) -> Fields:
    """Join entries that ask for parts of the same property: `a[b],a[c]` is `a[b,c]`."""
    found: dict[Any, Field] = {}
    for entry in fields:
        key = (entry.name, entry.excluded, entry.transformers, entry.inner is None)
        if (known := found.get(key)) and known.inner is not None and entry.inner is not None:
            found[key] = replace(entry, inner=_merged((*known.inner, *entry.inner)))
        else:
            found[key] = entry
    return tuple(found.values())


# The least and the most arguments that each transformer takes. The last four are those of the gist API.
_ARGUMENTS = {
    "rename": (1, 1),
    "size": (0, 0),
    "isEmpty": (0, 0),
    "isNotEmpty": (0, 0),
    "pluck": (0, 20),
    "keyBy": (0, 1),
    "paging": (0, 2),
    "ids": (0, 0),
    "id-objects": (0, 0),
    "member": (1, 1),
    "not-member": (1, 1),
}


class _Parser:
    """Recursive descent over one `fields` text; `at` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

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
        return _merged(tuple(found))

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
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong()
        inner = self.entries()
        if self.skip() != "]":
            raise self.wrong()
        self.at += 1
        self.depth -= 1
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
        least, most = _ARGUMENTS.get(name, (1, 0))
        if not least <= len(arguments) <= most:
            raise self.wrong()
        return Transformer(name, arguments)
