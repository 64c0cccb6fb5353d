"""What a value set's `compose` holds (R4 4.9 ValueSet): asked code by code, or walked from the first to the last."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from terminology import facts, implicit
from terminology.code_system import CodeSystem, supplement
from terminology.concepts import Concept, Designation
from terminology.filters import Test, compile_filters
from terminology.library import Document, Library, Versions, split
from terminology.loaders.fhir import STANDARDS_STATUS, read_designation
from terminology.problems import Problem
from terminology.words import holds_words

# How many value sets may stand between one and what it imports.
DEEPEST = 50
SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
DEPRECATED = "http://hl7.org/fhir/StructureDefinition/valueset-deprecated"


@dataclass(frozen=True, slots=True)
class Member:
    """One code of a value set: its concept, and the wording the value set gives it instead of the code system's."""

    system: CodeSystem
    concept: Concept
    display: str = ""
    designations: tuple[Designation, ...] = ()
    extensions: tuple[Document, ...] = ()

    @property
    def deprecated(self) -> bool:
        """Tell whether the value set itself marks the code as deprecated."""
        said = {
            one.get("url"): next((v for k, v in one.items() if k.startswith("value")), None) for one in self.extensions
        }
        return said.get(DEPRECATED) in (True, "true") or said.get(STANDARDS_STATUS) == "deprecated"

    def says(self, text: str) -> bool:
        """Tell whether `text` starts the code, or each word of it some word of one wording."""
        if self.concept.code.casefold().startswith(text.strip().casefold()):
            return True
        said = (self.display, self.concept.display, *(one.value for one in self.concept.designations))
        return any(holds_words(one, text) for one in said if one)

    @property
    def key(self) -> tuple[str, str]:
        """Return what makes the member one of a kind: system url and code."""
        return self.system.edition.url, self.concept.code


@dataclass(frozen=True, slots=True)
class Part:
    """One include or exclude. Without a `system` it is what all of its `sets` hold; `listed` codes come as written."""

    system: CodeSystem | None
    listed: dict[str, Member] | None
    test: Test | None
    sets: tuple["Composed", ...]

    @property
    def whole(self) -> bool:
        """Tell whether the part is a hierarchy of its system, that may be shown nested."""
        return self.system is not None and self.listed is None and not self.sets

    def get(self, system: str, code: str) -> Member | None:
        """Return the member that `code` of `system` is, or None."""
        if self.system is None:
            found = [one.get(system, code) for one in self.sets]
            return found[0] if found and all(found) else None
        if self.system.edition.url != system:
            return None
        member = self._own(code)
        if member is None or not all(one.get(system, member.concept.code) for one in self.sets):
            return None
        return member

    def _own(self, code: str) -> Member | None:
        assert self.system is not None
        concept = self.system.find(code)
        if concept is None:
            return None
        if self.listed is not None:
            return self.listed.get(concept.code)
        return Member(self.system, concept) if self.test is None or self.test(concept) else None

    def walk(self) -> Iterator[Member]:
        """Yield the members in the order of the list, else of the code system."""
        if self.system is None:
            first, *rest = self.sets
            yield from (m for m in first.walk() if all(one.get(*m.key) for one in rest))
            return
        for concept in self.system.concepts if self.listed is None else ():
            if (self.test is None or self.test(concept)) and self._in_sets(concept):
                yield Member(self.system, concept)
        for member in (self.listed or {}).values():
            if self._in_sets(member.concept):
                yield member

    def find_text(self, text: str) -> Iterator[Member]:
        """Yield the members that `text` finds, best first where the part is of one system."""
        if self.system is None or self.listed is not None:
            yield from (member for member in self.walk() if member.says(text))
            return
        for concept in self.system.find_text(text):
            if (self.test is None or self.test(concept)) and self._in_sets(concept):
                yield Member(self.system, concept)

    def _in_sets(self, concept: Concept) -> bool:
        assert self.system is not None
        return all(one.get(self.system.edition.url, concept.code) for one in self.sets)


@dataclass(frozen=True, slots=True)
class Composed:
    """A value set ready to be asked. `used` are the resources it was made of, in the order they were met."""

    doc: Document
    includes: tuple[Part, ...]
    excludes: tuple[Part, ...]
    active_only: bool
    used: "Used"

    def get(self, system: str, code: str) -> Member | None:
        """Return the member that `code` of `system` is, or None."""
        for part in self.includes:
            member = part.get(system, code)
            if member is not None and self._kept(member):
                return member
        return None

    def walk(self) -> Iterator[Member]:
        """Yield every member once."""
        return self._once(member for part in self.includes for member in part.walk())

    def find_text(self, text: str) -> Iterator[Member]:
        """Yield every member once that `text` finds: by the start of its code, or of words of one of its wordings."""
        return self._once(member for part in self.includes for member in part.find_text(text))

    def _once(self, members: Iterable[Member]) -> Iterator[Member]:
        seen: set[tuple[str, str]] = set()
        for member in members:
            if member.key not in seen and self._kept(member):
                seen.add(member.key)
                yield member

    def _kept(self, member: Member) -> bool:
        if self.active_only and facts.inactive(member.concept, member.system.edition.traits):
            return False
        return not any(part.get(*member.key) for part in self.excludes)

    @property
    def canonical(self) -> str:
        """Return `url|version`."""
        return named(self.doc)


@dataclass(slots=True)
class Used:
    """What an answer was made of: code systems and imported value sets by `url|version`."""

    systems: dict[str, CodeSystem] = field(default_factory=dict)
    value_sets: dict[str, Document] = field(default_factory=dict)
    supplements: list[str] = field(default_factory=list)


def compose(library: Library, versions: Versions, doc: Document, trail: tuple[str, ...] = ()) -> Composed:
    """Compile `doc`, a ValueSet, against `library`. Raises `Problem` for what it refers to in vain or in a circle."""
    here = named(doc)
    if here in trail:
        raise Problem.circle(here, [*trail[trail.index(here) :], here])
    if len(trail) >= DEEPEST:
        raise Problem.too_deep(here, DEEPEST)
    used = Used()
    body = doc.get("compose", {})
    steps = _Steps(library, versions, (*trail, here), used, _supplements(library, versions, doc))
    return Composed(
        doc=doc,
        includes=tuple(steps.part(one) for one in body.get("include", [])),
        excludes=tuple(steps.part(one) for one in body.get("exclude", [])),
        active_only=body.get("inactive") is False,
        used=used,
    )


def named(doc: Document) -> str:
    """Return `url|version` of a resource, only `url` when it has no version."""
    url, version = doc.get("url", ""), doc.get("version", "")
    return f"{url}|{version}" if version else url


@dataclass(frozen=True, slots=True)
class _Steps:
    library: Library
    versions: Versions
    trail: tuple[str, ...]
    used: Used
    supplements: tuple[CodeSystem, ...]

    def part(self, doc: dict[str, Any]) -> Part:
        sets = tuple(self.imported(canonical) for canonical in doc.get("valueSet", []))
        if not doc.get("system"):
            return Part(None, None, None, sets)
        system = self.system(doc["system"], doc.get("version", ""))
        if "concept" in doc:
            return Part(system, _listed(system, doc["concept"]), None, sets)
        test = compile_filters(system, doc["filter"]) if doc.get("filter") else None
        return Part(system, None, test, sets)

    def imported(self, canonical: str) -> Composed:
        url, version = split(canonical)
        pinned = not version and url in self.versions.value_sets
        version = version or self.versions.value_sets.get(url, "")
        doc = self.library.value_set(url, version) or implicit.value_set(url)
        if doc is None:
            raise Problem.value_set_missing(f"{url}|{version}" if version else url, pinned=pinned)
        self.used.value_sets[named(doc)] = doc
        made = compose(self.library, self.versions, doc, self.trail)
        self.used.systems.update(made.used.systems)
        self.used.value_sets.update(made.used.value_sets)
        return made

    def system(self, url: str, version: str) -> CodeSystem:
        found = find_system(self.library, self.versions, url, version)
        for one in self.supplements:
            if split(one.edition.traits.supplements)[0] == url:
                found = supplement(found, one)
                self.used.supplements.append(_edition(one))
        self.used.systems[_edition(found)] = found
        return found


def find_system(library: Library, versions: Versions, url: str, version: str = "") -> CodeSystem:
    """Return the code system by the request's version rules. Raises `Problem` when it is absent or another is asked."""
    version = versions.force.get(url) or version or versions.default.get(url, "") or versions.check.get(url, "")
    found = library.system(url, version)
    if found is None:
        raise Problem.system_missing(url, version, sorted(library.system_versions(url)))
    must = versions.check.get(url, "")
    if must and library.system(url, must) is not found:
        raise Problem.version_checked(url, found.edition.version, must)
    return found


def _supplements(library: Library, versions: Versions, doc: Document) -> tuple[CodeSystem, ...]:
    """Return the supplements that the request or the value set names. Raises `Problem` for one that is not there."""
    named_by_set = [
        value
        for one in doc.get("extension", [])
        if one.get("url") == SUPPLEMENT
        for key, value in one.items()
        if key.startswith("value")
    ]
    wanted = dict.fromkeys([*versions.supplements, *named_by_set])
    found = [library.supplement(*split(canonical)) for canonical in wanted]
    missing = [canonical for canonical, one in zip(wanted, found, strict=True) if one is None]
    if missing:
        raise Problem.supplement_missing(missing)
    return tuple(one for one in found if one is not None)


def _edition(system: CodeSystem) -> str:
    edition = system.edition
    return f"{edition.url}|{edition.version}" if edition.version else edition.url


def _listed(system: CodeSystem, concepts: list[dict[str, Any]]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for one in concepts:
        concept = system.find(one.get("code", ""))
        if concept is not None:
            said = tuple(read_designation(each) for each in one.get("designation", []))
            extensions = tuple(one.get("extension", []))
            found[concept.code] = Member(system, concept, one.get("display", ""), said, extensions)
    return found
