"""A code system compiled for use in process: immutable, shared by threads, made once per loaded version."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from terminology.concepts import Concept, Edition
from terminology.words import WordIndex, index_words


@dataclass(frozen=True, slots=True, eq=False)
class CodeSystem:
    """One version of a tree-shaped code system. Positions are those of a walk from the top, children in source order.

    `parents[i]` is the position above `i` (-1 at the top); `ends[i]` is the position after the last one below `i`:
    a code subsumes exactly the positions from its own up to its end.
    """

    edition: Edition
    concepts: tuple[Concept, ...]
    positions: dict[str, int]
    parents: "array[int]"
    ends: "array[int]"
    words: WordIndex
    sorted_codes: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of concepts."""
        return len(self.concepts)

    def __contains__(self, code: object) -> bool:
        """Tell whether `code` is one of this version's codes."""
        return code in self.positions

    def lookup(self, code: str) -> Concept | None:
        """Return the concept of `code`, or None when this version has no such code."""
        at = self.positions.get(code)
        return None if at is None else self.concepts[at]

    def display(self, code: str) -> str:
        """Return the display of `code`, empty when this version has no such code."""
        at = self.positions.get(code)
        return "" if at is None else self.concepts[at].display

    def chain(self, code: str) -> list[Concept]:
        """Return what lies above `code`, nearest first, up to the top."""
        found = []
        at = self.parents[self.positions[code]] if code in self.positions else -1
        while at >= 0:
            found.append(self.concepts[at])
            at = self.parents[at]
        return found

    def subsumes(self, above: str, below: str) -> bool:
        """Tell whether `above` is `below` or lies above it (FHIR `$subsumes`); false when either is unknown."""
        first, at = self.positions.get(above), self.positions.get(below)
        return first is not None and at is not None and first <= at < self.ends[first]

    def below(self, code: str) -> Iterator[Concept]:
        """Yield `code` and everything below it, in the order of the source."""
        first = self.positions.get(code)
        if first is not None:
            yield from self.concepts[first : self.ends[first]]

    def search(self, text: str, limit: int = 20) -> list[Concept]:
        """Return the concepts that `text` finds, best first: by the start of a code, else by the start of every word.

        An exact code comes first, then exact displays, displays that start with the text, shorter displays, codes.
        """
        wanted = text.strip()
        by_code = list(self._code_prefix(wanted.upper(), limit))
        by_word = [self.concepts[at] for at in self.words.search(wanted, limit)]
        seen: dict[str, Concept] = {concept.code: concept for concept in [*by_code, *by_word]}
        return list(seen.values())[:limit]

    def _code_prefix(self, prefix: str, limit: int) -> Iterator[Concept]:
        start = bisect_left(self.sorted_codes, prefix)
        for code in self.sorted_codes[start : start + limit if prefix else start]:
            if not code.startswith(prefix):
                return
            yield self.concepts[self.positions[code]]


def compile_system(edition: Edition, concepts: Iterable[Concept]) -> CodeSystem:
    """Compile concepts, given in source order, whose parents all exist and form no circle (the store checks both)."""
    ordered, parents, ends = _walk(list(concepts))
    return CodeSystem(
        edition=edition,
        concepts=tuple(ordered),
        positions={concept.code: at for at, concept in enumerate(ordered)},
        parents=parents,
        ends=ends,
        words=index_words([concept.display for concept in ordered]),
        sorted_codes=tuple(sorted(concept.code for concept in ordered)),
    )


def _walk(concepts: list[Concept]) -> "tuple[list[Concept], array[int], array[int]]":
    """Order concepts parents first, depth first, and give each its parent's position and its end."""
    children: dict[str, list[Concept]] = {}
    for concept in concepts:
        children.setdefault(concept.parent, []).append(concept)
    ordered: list[Concept] = []
    parents, ends = array("i"), array("i", [0] * len(concepts))
    todo: list[tuple[Concept | None, int]] = [(top, -1) for top in reversed(children.get("", []))]
    while todo:
        entered, at = todo.pop()
        if entered is None:
            ends[at] = len(ordered)
            continue
        here = len(ordered)
        ordered.append(entered)
        parents.append(at)
        todo.append((None, here))
        todo.extend((child, here) for child in reversed(children.get(entered.code, [])))
    return ordered, parents, ends
