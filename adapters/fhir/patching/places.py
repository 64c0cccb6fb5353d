"""FHIRPath that names places of a document: what a patch may point with.

Understood are element names, `[n]`, `first()`, `last()`, `where(…)`, `ofType(…)`, `as(…)` and `extension('url')`; in a
condition also `=`, `!=`, `and`, `or`, `exists()`, `empty()`, `not()`, texts, numbers, booleans and dates.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from tracker_core.records import definitions

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|`[^`]*`|'(?:[^'\\]|\\.)*'|@[\w:.+\-]+|\d+(?:\.\d+)?|!=|[().=\[\],$])")


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_ZONED = re.compile(r"T[\d:.]+(?:Z|[+-]\d\d:\d\d)\Z")
_MOMENT = "a date or time"


class Mismatch(Exception):
    """A patch does not fit the document; `path` is the place it named."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text)
        self.path = path


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands: keys and positions from the root, and its FHIR type. Literals stand nowhere.

    `beside` is where the id and extensions of a primitive are (`_birthDate`), if it has any.
    """

    value: Any
    kind: str
    steps: tuple[str | int, ...] = ()
    beside: "Place | None" = None


Places: TypeAlias = list[Place]


def find(document: dict[str, Any], path: str) -> Places:
    """Return the places that `path` names, in order. Raises `Mismatch` for what is not understood."""
    root = Place(document, str(document["resourceType"]))
    reading = _Reading(_split(path), path)
    found = reading.either([root])
    reading.end()
    return found


def children(place: Place, name: str) -> Places:
    """Return the elements of that name; a choice goes by its name without the type.

    Raises `Mismatch` for what R4 does not have.
    """
    if place.kind in definitions.primitive_patterns():
        return children(place.beside, name) if place.beside else []
    variants = definitions.choices(place.kind).get(name)
    known = definitions.elements(place.kind)
    if not variants and name not in known and place.kind:
        raise Mismatch(f"{place.kind} has no {name}", name)
    out: Places = []
    for key in variants[1] if variants else (name,):
        held, beside = place.value.get(key), place.value.get("_" + key)
        kind = known[key].kind if key in known else ""
        if isinstance(held, list):
            besides = beside if isinstance(beside, list) else []
            for n, item in enumerate(held):
                own = besides[n] if n < len(besides) else None
                out.append(_inner(item, kind, (*place.steps, key, n), _beside(own, (*place.steps, "_" + key, n))))
        elif held is not None:
            out.append(_inner(held, kind, (*place.steps, key), _beside(beside, (*place.steps, "_" + key))))
    return out


def _inner(value: Any, kind: str, steps: tuple[str | int, ...], beside: Place | None) -> Place:
    if kind == "Resource" and isinstance(value, dict):
        kind = str(value.get("resourceType", kind))
    return Place(value, kind, steps, beside)


def _beside(value: Any, steps: tuple[str | int, ...]) -> Place | None:
    return Place(value, "Element", steps) if isinstance(value, dict) else None


def _split(path: str) -> list[str]:
    tokens = []
    at = 0
    text = path.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Mismatch(f"the path is not understood at {text[at : at + 20]!r}", path)
        tokens.append(match[1])
        at = match.end()
    return [*tokens, ""]


class _Reading:
    """Recursive descent over the tokens of one path; each rule evaluates as it reads."""

    def __init__(self, tokens: Sequence[str], path: str) -> None:
        self.tokens = tokens
        self.path = path
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at]

    def take(self, wanted: str = "") -> str:
        found = self.tokens[self.at]
        if not found or (wanted and found != wanted):
            raise Mismatch(f"the path is not understood at {found!r}", self.path)
        self.at += 1
        return found

    def end(self) -> None:
        if self.peek():
            raise Mismatch(f"the path is not understood at {self.peek()!r}", self.path)

    def either(self, focus: Places) -> Places:
        left = self.both(focus)
        while self.peek() == "or":
            self.take()
            left = _told(_holds(left) | _holds(self.both(focus)))
        return left

    def both(self, focus: Places) -> Places:
        left = self.equality(focus)
        while self.peek() == "and":
            self.take()
            left = _told(_holds(left) & _holds(self.equality(focus)))
        return left

    def equality(self, focus: Places) -> Places:
        left = self.term(focus)
        if self.peek() not in ("=", "!="):
            return left
        wanted = self.take() == "="
        right = self.term(focus)
        if not left or not right:
            return []
        return _told(self.same(left, right) is wanted)

    def same(self, left: Places, right: Places) -> bool:
        for one, other in zip(left, right, strict=False):
            # Dates of different precision or zone are neither equal nor not: nobody should patch by them.
            if _MOMENT in (one.kind, other.kind) and len(str(one.value)) != len(str(other.value)):
                raise Mismatch("dates are compared in one precision and zone", self.path)
            if isinstance(one.value, str) and _ZONED.search(one.value) and one.value != other.value:
                raise Mismatch("dates are compared in one precision and zone", self.path)
        return [p.value for p in left] == [p.value for p in right]

    def term(self, focus: Places) -> Places:
        ahead = self.peek()
        if ahead == "(":
            self.take()
            inner = self.either(focus)
            self.take(")")
            return self.tail(inner)
        literal = _literal(ahead)
        if literal is not None:
            self.take()
            return [literal]
        return self.chain(focus)

    def chain(self, focus: Places) -> Places:
        name = self.take().strip("`")
        if name == "$":
            self.take("this")
            return self.tail(focus)
        if name == focus[0].kind and not focus[0].steps:
            return self.tail(focus[:1])
        return self.tail(self.step(focus, name))

    def tail(self, focus: Places) -> Places:
        while self.peek() in (".", "["):
            if self.take() == "[":
                position = self.take()
                self.take("]")
                if not position.isdigit():
                    raise Mismatch("a position is a number", self.path)
                focus = focus[int(position) : int(position) + 1]
            else:
                focus = self.step(focus, self.take())
        return focus

    def step(self, focus: Places, name: str) -> Places:
        if self.peek() != "(":
            return [child for place in focus for child in children(place, name.strip("`"))]
        self.take("(")
        found = self.call(focus, name)
        self.take(")")
        return found

    def call(self, focus: Places, name: str) -> Places:
        if name == "where":
            return self.where(focus)
        if name in ("ofType", "as"):
            kind = self.take()
            while self.peek() == ".":
                self.take()
                kind = self.take()
            if not definitions.elements(kind) and kind not in definitions.primitive_patterns():
                raise Mismatch(f"{kind} is no type of R4", self.path)
            if name == "as" and len(focus) > 1:
                raise Mismatch("as() is for one element", self.path)
            return [place for place in focus if place.kind == kind]
        if name == "extension":
            url = _literal(self.take())
            held = [child for place in focus for child in children(place, "extension")]
            return [place for place in held if url and place.value.get("url") == url.value]
        if name not in _FUNCTIONS:
            raise Mismatch(f"{name}() is not understood", self.path)
        return _FUNCTIONS[name](focus)

    def where(self, focus: Places) -> Places:
        start = self.at
        kept = []
        for place in focus or [Place({}, "")]:
            self.at = start
            if _holds(self.either([place])) and place.kind:
                kept.append(place)
        return kept


def _literal(word: str) -> Place | None:
    if word in ("true", "false"):
        return Place(word == "true", "boolean")
    if word[:1] == "'":
        return Place(_ESCAPE.sub(_unescaped, word[1:-1]), "string")
    if word[:1] == "@":
        return Place(word[1:].removeprefix("T"), _MOMENT)
    return Place(Decimal(word), "decimal") if word[:1].isdigit() else None


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2].translate(str.maketrans("nrtf", "\n\r\t\f"))


def _told(value: bool) -> Places:
    return [Place(value, "boolean")]


def _holds(places: Places) -> bool:
    return len(places) == 1 and places[0].value is True


def _single(focus: Places) -> Places:
    if len(focus) > 1:
        raise Mismatch("single() is for one element", "single()")
    return focus


def _not(focus: Places) -> Places:
    if any(not isinstance(place.value, bool) for place in focus):
        raise Mismatch("not() is for a boolean", "not()")
    return [Place(not place.value, "boolean") for place in focus]


_FUNCTIONS: dict[str, Callable[[Places], Places]] = {
    "first": lambda focus: focus[:1],
    "last": lambda focus: focus[-1:],
    "single": _single,
    "exists": lambda focus: _told(bool(focus)),
    "empty": lambda focus: _told(not focus),
    "not": _not,
}
