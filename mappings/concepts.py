"""Concept maps that rows name: small code tables as data files, and the answer a terminology service may give instead.

    heading:  NAME source-system -> target-system
    line:     code target [display …]     target = code | system"|"code | "*" (the same code) | "-" (no equivalent)

A code `*` stands for every other code. The first line with a target is the one chosen on the way back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from mappings.naming import expand, expand_token
from mappings.paths import BadRow
from mappings.rows import Line, read_lines


@dataclass(frozen=True, slots=True)
class Target:
    """One code with its system and, where the map gives one, its display."""

    system: str
    code: str
    display: str = ""

    def coding(self) -> dict[str, str]:
        """Return it as a FHIR Coding."""
        pairs = {"system": self.system, "code": self.code, "display": self.display}
        return {name: value for name, value in pairs.items() if value}


@dataclass(slots=True)
class ConceptMap:
    """One map. `source` and `target` are systems; `forward` and `back` are by code, `back` also by (system, code)."""

    name: str
    source: str
    target: str
    forward: dict[str, Target] = field(default_factory=dict)
    back: dict[tuple[str, str], str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    same: bool = False

    def translate(self, code: str) -> Target | None:
        """Return the target of a source code, else None."""
        found = self.forward.get(code)
        if found is None and self.same and code not in self.silent:
            return Target(self.target, code)
        return found

    def inverse(self, system: str, code: str) -> str | None:
        """Return the preferred source code of a target; an empty `system` means the map's own."""
        found = self.back.get((system or self.target, code))
        if found is None and self.same and system in ("", self.target):
            return code
        return found


Translate: TypeAlias = Callable[[str, str, str], Target | None]
"""(map name, system of the code or empty, code) -> its target: what a terminology-backed translation must be."""
Inverse: TypeAlias = Callable[[str, str, str], str | None]
"""(map name, system of the target, code of the target) -> the preferred source code: a translation's way back."""
ANSWERS = "urn:tracker-hub:concept-map"
"""The url of the ConceptMap with what people answered to codes of a peer is this, the peer's code, the map's name."""


def parse_concept_map(text: str, name: str) -> ConceptMap:
    """Read one concept map file called `name`. Raises `BadRow` with the line."""
    lines = list(read_lines(text))
    if not lines or len(lines[0].words) != 4 or lines[0].words[2] != "->":
        raise BadRow(f"{name}: the first line must be NAME source -> target")
    title, source, _, target = lines[0].words
    made = ConceptMap(title, expand(source), expand(target))
    for line in lines[1:]:
        add_code(made, line, name)
    return made


def add_code(made: ConceptMap, line: Line, name: str) -> None:
    """Add one line of a concept map."""
    if len(line.words) < 2:
        raise BadRow(f"{name}:{line.number}: a code needs a target")
    code, token, *display = line.words
    if code == "*":
        made.same = True
        return
    if code in made.forward or code in made.silent:
        raise BadRow(f"{name}:{line.number}: {code} is mapped twice")
    if token == "-":  # noqa: S105 - the sign for "no equivalent"
        made.silent.add(code)
        return
    system, target = expand_token(token)
    found = Target(system or made.target, code if target == "*" else target, " ".join(display))
    made.forward[code] = found
    made.back.setdefault((found.system, found.code), code)
