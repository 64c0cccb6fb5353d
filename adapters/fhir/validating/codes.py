"""Whether a code is in a value set, as validation asks: yes, no, or that it cannot be told here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from terminology import implicit
from terminology.composing import Composed
from terminology.errors import Refused
from terminology.expanding import compose_kept
from terminology.library import Document, Library
from terminology.problems import Problem
from terminology.requests import Request
from tracker_core.profiles import Coded, Verdict

# Systems that a grammar defines: their value sets are not listed, and any code of the form will do.
_GRAMMARS = ("urn:ietf:bcp:13", "urn:ietf:bcp:47", "urn:iso:std:iso:4217", "http://unitsofmeasure.org")
_DEEPEST = 20


@dataclass(slots=True)
class Lookup:
    """Answers from the terminology of one database, each question once."""

    library: Library
    _answers: dict[tuple[str, tuple[tuple[str | None, str], ...]], Verdict] = field(default_factory=dict)
    _composed: dict[str, Composed | Document | None] = field(default_factory=dict)

    def __call__(self, value_set: str, codings: Coded) -> Verdict:
        """Tell whether one of the codings is in the value set."""
        key = value_set, tuple(codings)
        if key not in self._answers:
            self._answers[key] = self._answer(value_set, codings)
        return self._answers[key]

    def known(self, system: str, code: str) -> Verdict:
        """Tell whether a code system has a code; of one that is not there, or not whole, nothing is known."""
        found = self.library.system(system)
        if found is None or found.edition.traits.content != "complete":
            return "unknown"
        return "in" if found.find(code) is not None else "out"

    def _answer(self, canonical: str, codings: Coded) -> Verdict:
        if canonical not in self._composed:
            self._composed[canonical] = self._compose(canonical)
        held = self._composed[canonical]
        if held is None:
            return "unknown"
        if isinstance(held, Composed):
            return "in" if any(_holds(held, system, code) for system, code in codings) else "out"
        verdicts = [_listed(self.library, held, system, code, 0) for system, code in codings]
        return "in" if "in" in verdicts else "unknown" if "unknown" in verdicts else "out"

    def _compose(self, canonical: str) -> Composed | Document | None:
        doc = _find(self.library, canonical)
        if doc is None:
            return None
        try:
            return compose_kept(self.library, Request(), doc)
        except (Problem, Refused):
            return doc


def _find(library: Library, canonical: str) -> Document | None:
    """A version that is not there is taken in the newest one that is: R4's bindings all name 4.0.1."""
    url, _, version = canonical.partition("|")
    return library.value_set(url, version) or library.value_set(url) or implicit.value_set(url)


def _holds(composed: Composed, system: str | None, code: str) -> bool:
    if system is not None:
        return composed.get(system, code) is not None
    urls = {one.edition.url for one in composed.used.systems.values()}
    return any(composed.get(url, code) is not None for url in urls)


def _listed(library: Library, doc: Document, system: str | None, code: str, depth: int) -> Verdict:
    """Judge by what the value set itself lists, where a code system of it is not loaded."""
    compose = doc.get("compose", {})
    verdicts = [_in_part(library, one, system, code, depth) for one in compose.get("include", [])]
    found: Verdict = "in" if "in" in verdicts else "unknown" if "unknown" in verdicts else "out"
    left = [_in_part(library, one, system, code, depth) for one in compose.get("exclude", [])]
    if found == "in" and left and set(left) != {"out"}:
        return "out" if "in" in left else "unknown"
    return found


def _in_part(library: Library, part: dict[str, Any], system: str | None, code: str, depth: int) -> Verdict:
    own = part.get("system")
    if own and system is not None and own != system:
        return "out"
    verdicts = list(_of_sets(library, part, system, code, depth))
    if "concept" in part:
        verdicts.append("in" if any(one.get("code") == code for one in part["concept"]) else "out")
    elif own:
        plain = own in _GRAMMARS and "filter" not in part
        verdicts.append("in" if plain else _in_system(library, own, code) if "filter" not in part else "unknown")
    return "out" if "out" in verdicts else "unknown" if "unknown" in verdicts or not verdicts else "in"


def _in_system(library: Library, url: str, code: str) -> Verdict:
    system = library.system(url)
    if system is None:
        return "unknown"
    return "in" if system.find(code) is not None else "out"


def _of_sets(library: Library, part: dict[str, Any], system: str | None, code: str, depth: int) -> Iterator[Verdict]:
    for canonical in part.get("valueSet", []):
        doc = _find(library, canonical) if depth < _DEEPEST else None
        yield "unknown" if doc is None else _listed(library, doc, system, code, depth + 1)
