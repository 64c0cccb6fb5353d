"""The right side of a row: a path into a FHIR-shaped document, checked against the FHIR definitions.

    path = step ("." step)*
    step = name | name"*" | name"["key=value(,key=value)*"]"["*"] | name"["n"]" | name"[x]"

A document of several records (`{"Observation": [...]}`) is the structure `""`, whose elements are the record types.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from mappings.naming import expand_token
from tracker_core.records import definitions
from tracker_core.records.definitions import Element

DOCUMENT = ""
_STEP = re.compile(r"(?P<name>_?[A-Za-z]\w*)(?:\[(?P<inner>[^\]]*)\])?(?P<star>\*)?\Z")
_SPLIT = re.compile(r"\.(?![^\[]*\])")


class BadRow(ValueError):
    """A row that the language or the FHIR definitions do not allow; shown with its file and line at load."""


@dataclass(frozen=True, slots=True)
class Key:
    """One `key=value` of a selector. `kind` and `many` are those of the key's element."""

    name: str
    kind: str
    many: bool
    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path with what the definitions say of it.

    `keys` is the selector, `position` the `[n]` (from 1, else 0), `choice` true for `name[x]`, `every` for `*`.
    """

    name: str
    kind: str
    many: bool
    keys: tuple[Key, ...] = ()
    position: int = 0
    choice: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path. `star` is the index of the step with `*`, or -1."""

    text: str
    structure: str
    steps: tuple[Step, ...]

    @property
    def star(self) -> int:
        """The index of the step that stands for every item, or -1."""
        return next((i for i, step in enumerate(self.steps) if step.every), -1)

    @property
    def kind(self) -> str:
        """The type of the value at the end of the path."""
        return self.steps[-1].kind

    @property
    def list_name(self) -> str:
        """What names the list that the starred step stands for, without its selector."""
        index = self.star
        before = [step_text(step) for step in self.steps[:index]]
        return ".".join([*before, self.steps[index].name])

    @property
    def elements(self) -> tuple[str, ...]:
        """The bare element names, for coverage."""
        return tuple(step.name for step in self.steps)


def parse_path(text: str, structure: str) -> Path:
    """Parse `text` as a path in `structure` (a FHIR type, an inner structure, or `DOCUMENT`).

    Raises `BadRow` for a step that the grammar or the FHIR definitions do not have.
    """
    steps: list[Step] = []
    inside = structure
    for piece in _SPLIT.split(text):
        if steps and steps[-1].choice:
            raise BadRow(f"{text}: a choice can only be the last step")
        step = parse_step(piece, inside, text)
        steps.append(step)
        inside = step.kind
    if sum(step.every for step in steps) > 1:
        raise BadRow(f"{text}: more than one step stands for every item")
    return Path(text, structure, tuple(steps))


def parse_step(piece: str, inside: str, whole: str) -> Step:
    """Parse one step in the structure `inside`."""
    match = _STEP.match(piece)
    if match is None:
        raise BadRow(f"{whole}: {piece!r} is not a step")
    name, inner, every = match["name"], match["inner"], match["star"] is not None
    if inner == "x":
        if every or name not in definitions.choices(inside):
            raise BadRow(f"{whole}: {inside} has no choice {name}[x]")
        return Step(name, "", many=False, choice=True)
    element = find_element(inside, name)
    if element is None:
        raise BadRow(f"{whole}: {inside or 'a document'} has no element {name}")
    if (every or inner) and not element.many:
        raise BadRow(f"{whole}: {name} is not a list")
    if inner and inner.isdigit():
        return Step(name, element.kind, many=True, position=int(inner), every=every)
    keys = tuple(parse_key(pair, element.kind, whole) for pair in inner.split(",")) if inner else ()
    return Step(name, element.kind, element.many, keys, every=every)


def parse_key(pair: str, inside: str, whole: str) -> Key:
    """Parse `key=value` of a selector on items of the structure `inside`."""
    name, equals, value = pair.partition("=")
    element = find_element(inside, name)
    if not equals or not value or element is None:
        raise BadRow(f"{whole}: {pair!r} selects nothing in {inside}")
    system, code = expand_token(value)
    if element.kind not in ("CodeableConcept", "Coding"):
        system, code = "", expand_token(value + "|")[0]
    return Key(name, element.kind, element.many, system, code)


@cache
def find_element(inside: str, name: str) -> Element | None:
    """Return the element `name` of a structure; `_name` holds the extensions of a primitive."""
    if inside != DOCUMENT:
        base = definitions.elements(inside).get(name.removeprefix("_"))
        return base if base is None or name[0] != "_" else Element(name, "Element", False, base.many)
    return Element(name, name, False, True) if name in definitions.resource_types() else None


def step_text(step: Step) -> str:
    """Return a step as a table writes it, in one canonical spelling."""
    keys = ",".join(f"{key.name}={key.system}|{key.value}" for key in step.keys)
    inner = keys or (str(step.position) if step.position else "x" if step.choice else "")
    return step.name + (f"[{inner}]" if inner else "") + ("*" if step.every else "")


def matcher(keys: tuple[Key, ...]) -> Callable[[object], bool]:
    """Return the test whether an item carries every key of a selector."""
    tests = [_key_test(key) for key in keys]
    if len(tests) == 1:
        return tests[0]
    return lambda item: all(test(item) for test in tests)


def _key_test(key: Key) -> Callable[[object], bool]:
    name, system, code = key.name, key.system, key.value
    if key.kind in ("CodeableConcept", "Coding"):
        return lambda item: isinstance(item, dict) and has_coding(item.get(name), system, code)
    if key.many:
        return lambda item: isinstance(item, dict) and code in (item.get(name) or ())
    return lambda item: isinstance(item, dict) and item.get(name) == code


def has_coding(value: object, system: str, code: str) -> bool:
    """Tell whether a CodeableConcept, a Coding or a list of them holds `code` of `system` (empty: of any)."""
    if isinstance(value, list):
        return any(has_coding(item, system, code) for item in value)
    if not isinstance(value, dict):
        return False
    if "coding" in value:
        return has_coding(value["coding"], system, code)
    return value.get("code") == code and (not system or value.get("system") == system)


def stamper(keys: tuple[Key, ...]) -> Callable[[dict[str, object]], None]:
    """Return the function that gives an item the keys of a selector which it does not name itself."""
    values = [(key.name, _key_value(key)) for key in keys]

    def stamp(item: dict[str, object]) -> None:
        for name, value in values:
            if name not in item:
                item[name] = value()

    return stamp


def _key_value(key: Key) -> Callable[[], object]:
    def make() -> object:
        value: object = key.value
        if key.kind in ("CodeableConcept", "Coding"):
            coding = {"system": key.system, "code": key.value} if key.system else {"code": key.value}
            value = {"coding": [coding]} if key.kind == "CodeableConcept" else coding
        return [value] if key.many else value

    return make
