"""What an operation may refer to: code systems and value sets by canonical url, with the version rules of a request."""

from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from terminology.code_system import CodeSystem, compile_system
from terminology.concepts import Concept
from terminology.errors import Refused
from terminology.loaders.fhir import read_concepts, read_edition
from terminology.store import check_hierarchy

Document = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions by url that a request names: to take where none is said, to insist on, to take whatever is said."""

    default: Mapping[str, str] = field(default_factory=dict)
    check: Mapping[str, str] = field(default_factory=dict)
    force: Mapping[str, str] = field(default_factory=dict)
    value_sets: Mapping[str, str] = field(default_factory=dict)
    supplements: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """Return the rules as a key of a dictionary."""
        rules = (self.default, self.check, self.force, self.value_sets, dict.fromkeys(self.supplements, ""))
        return tuple(tuple(sorted(one.items())) for one in rules)


@dataclass(frozen=True, slots=True)
class Library:
    """Resources at hand: those of this request first, then what is stored.

    `stored_systems(url)` and `stored_value_sets(url)` return every version stored, by version; compiled systems are
    shared and immutable. `kept` remembers what was composed of stored resources, for as long as none of them changes.
    """

    systems: Mapping[str, Mapping[str, CodeSystem]] = field(default_factory=dict)
    value_sets: Mapping[str, Mapping[str, Document]] = field(default_factory=dict)
    supplements: tuple[CodeSystem, ...] = ()
    stored_systems: Callable[[str], Mapping[str, CodeSystem]] = lambda _: {}
    stored_value_sets: Callable[[str], Mapping[str, Document]] = lambda _: {}
    kept: MutableMapping[Hashable, Any] | None = None

    def system_versions(self, url: str) -> Mapping[str, CodeSystem]:
        """Return version -> code system for every version of `url`."""
        return {**self.stored_systems(url), **self.systems.get(url, {})}

    def value_set_versions(self, url: str) -> Mapping[str, Document]:
        """Return version -> ValueSet for every version of `url`."""
        return {**self.stored_value_sets(url), **self.value_sets.get(url, {})}

    def system(self, url: str, version: str = "") -> CodeSystem | None:
        """Return the code system `url` in `version`, which may end in `.x`, or its newest version; None if absent."""
        return pick(self.system_versions(url), version)

    def value_set(self, url: str, version: str = "") -> Document | None:
        """Return the ValueSet `url` in `version`, or its newest version; None when it is absent."""
        return pick(self.value_set_versions(url), version)

    def supplement(self, url: str, version: str = "") -> CodeSystem | None:
        """Return the supplement `url`, of this request or stored; None when it is absent."""
        brought = {one.edition.version: one for one in self.supplements if one.edition.url == url}
        stored = self.system_versions(url)
        held = {v: one for v, one in stored.items() if one.edition.traits.content == "supplement"}
        return pick({**held, **brought}, version)


def compile_document(doc: Document) -> CodeSystem:
    """Compile a CodeSystem as FHIR writes it. Raises `Refused` for a code twice, a missing parent, or a circle."""
    concepts: dict[str, Concept] = {}
    for concept in read_concepts(doc):
        if concept.code in concepts:
            raise Refused(f"code {concept.code} is there twice", concept.where)
        concepts[concept.code] = concept
    check_hierarchy(concepts)
    return compile_system(read_edition(doc), concepts.values())


def with_resources(library: Library, docs: Iterable[Document]) -> Library:
    """Return `library` with CodeSystems and ValueSets that count for one request only (`tx-resource`)."""
    brought = list(docs)
    if not brought:
        return library
    systems = {url: dict(versions) for url, versions in library.systems.items()}
    sets = {url: dict(versions) for url, versions in library.value_sets.items()}
    supplements = list(library.supplements)
    for doc in brought:
        if doc.get("resourceType") == "ValueSet" and doc.get("url"):
            sets.setdefault(doc["url"], {})[doc.get("version", "")] = doc
        elif doc.get("resourceType") == "CodeSystem":
            compiled = compile_document(doc)
            if compiled.edition.traits.content == "supplement":
                supplements.append(compiled)
            else:
                systems.setdefault(compiled.edition.url, {})[compiled.edition.version] = compiled
    return Library(systems, sets, tuple(supplements), library.stored_systems, library.stored_value_sets)


def pick(versions: Mapping[str, T], version: str = "") -> T | None:
    """Return what is there in `version`; `1.x` takes the newest 1, no version the newest of all."""
    if not version:
        return versions[max(versions, key=_order)] if versions else None
    if version in versions:
        return versions[version]
    if version.endswith((".x", ".*")):
        fitting = [one for one in versions if one.startswith(version[:-1])]
        return versions[max(fitting, key=_order)] if fitting else None
    return None


def _order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Order versions part by part, numbers as numbers."""
    parts = version.replace("-", ".").split(".")
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def split(canonical: str) -> tuple[str, str]:
    """Return url and version of `url|version`; no version is empty."""
    url, _, version = canonical.partition("|")
    return url, version
