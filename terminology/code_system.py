"""A code system compiled for use in process: immutable, shared by threads, made once per loaded version."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

from terminology.concepts import Concept, Edition
from terminology.hierarchy import Hierarchy, arrange
from terminology.words import WordIndex, index_words


@dataclass(frozen=True, slots=True, eq=False)
class CodeSystem:
    """One version of a code system. Positions are those of a walk from the top, children in source order.

    `folded` leads from a code in lower case to its position where the system compares without case; `owners[i]` is the
    position of the concept that the i-th text of `words` belongs to: displays and designations are found alike.
    """

    edition: Edition
    concepts: tuple[Concept, ...]
    positions: dict[str, int]
    folded: dict[str, int]
    hierarchy: Hierarchy
    words: WordIndex
    owners: "array[int]"
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

    def find(self, code: str) -> Concept | None:
        """Return the concept of `code`, in any case where the system does not distinguish it."""
        at = self.positions.get(code)
        if at is None and self.folded:
            at = self.folded.get(code.casefold())
        return None if at is None else self.concepts[at]

    def display(self, code: str) -> str:
        """Return the display of `code`, empty when this version has no such code."""
        at = self.positions.get(code)
        return "" if at is None else self.concepts[at].display

    def chain(self, code: str) -> list[Concept]:
        """Return what lies above `code`, nearest first, up to the top; of several parents, the first."""
        found = []
        at = self.positions.get(code, -1)
        while at >= 0 and (above := self.hierarchy.parents[at]):
            at = above[0]
            found.append(self.concepts[at])
        return found

    def subsumes(self, above: str, below: str) -> bool:
        """Tell whether `above` is `below` or lies above it (FHIR `$subsumes`); false when either is unknown."""
        high, low = self.positions.get(above), self.positions.get(below)
        return high is not None and low is not None and self.hierarchy.subsumes(high, low)

    def below(self, code: str) -> Iterator[Concept]:
        """Yield `code` and everything below it, in the order of the source."""
        at = self.positions.get(code)
        if at is not None:
            yield self.concepts[at]
            for place in self.hierarchy.below(at):
                yield self.concepts[place]

    def children(self, code: str) -> list[Concept]:
        """Return the concepts directly below `code`."""
        at = self.positions.get(code)
        return [] if at is None else [self.concepts[place] for place in self.hierarchy.children[at]]

    def search(self, text: str, limit: int = 20) -> list[Concept]:
        """Return the first `limit` concepts that `find_text` yields."""
        return list(islice(self.find_text(text), limit))

    def find_text(self, text: str) -> Iterator[Concept]:
        """Yield the concepts that `text` finds, each once, best first: by the start of a code, then of every word.

        An exact code comes first, then exact wordings, wordings that start with the text, shorter before longer ones.
        """
        seen: set[int] = set()
        for at in chain(self._code_prefix(text.strip()), (self.owners[i] for i in self.words.find(text))):
            if at not in seen:
                seen.add(at)
                yield self.concepts[at]

    def _code_prefix(self, text: str) -> Iterator[int]:
        for prefix in dict.fromkeys((text, text.upper()) if text else ()):
            for place in range(bisect_left(self.sorted_codes, prefix), len(self.sorted_codes)):
                if not self.sorted_codes[place].startswith(prefix):
                    break
                yield self.positions[self.sorted_codes[place]]


def supplement(system: CodeSystem, more: CodeSystem) -> CodeSystem:
    """Return `system` with the designations and properties that a supplement adds to its codes."""
    added = {concept.code: concept for concept in more.concepts}
    return compile_system(system.edition, (_supplemented(one, added.get(one.code)) for one in system.concepts))


def _supplemented(concept: Concept, more: Concept | None) -> Concept:
    if more is None:
        return concept
    return replace(
        concept,
        designations=(*concept.designations, *more.designations),
        properties={**concept.properties, **more.properties},
    )


def compile_system(edition: Edition, concepts: Iterable[Concept]) -> CodeSystem:
    """Compile concepts, given in source order, whose parents all exist and form no circle (`check_hierarchy`)."""
    given = list(concepts)
    places = {concept.code: at for at, concept in enumerate(given)}
    order, hierarchy = arrange([[places[code] for code in concept.parents] for concept in given])
    ordered = tuple(given[at] for at in order)
    positions = {concept.code: at for at, concept in enumerate(ordered)}
    wordings = [
        (at, said)
        for at, concept in enumerate(ordered)
        for said in dict.fromkeys((concept.display, *(one.value for one in concept.designations)))
        if said
    ]
    fold = {} if edition.traits.case_sensitive else {code.casefold(): at for code, at in positions.items()}
    return CodeSystem(
        edition=edition,
        concepts=ordered,
        positions=positions,
        folded=fold,
        hierarchy=hierarchy,
        words=index_words([said for _, said in wordings]),
        owners=array("i", (at for at, _ in wordings)),
        sorted_codes=tuple(sorted(positions)),
    )
