"""The values that loaders make and the store keeps."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Designation:
    """Another way to say a concept: in a `language` (BCP 47, or empty), for a `use` (a FHIR Coding, or None)."""

    value: str
    language: str = ""
    use: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a code system.

    `parents` are the codes above it, none at the top; `kind` is the source's own word (`chapter`, `block`, `category`);
    `properties` are further facts under FHIR property names (`usage`: `dagger` or `aster`, `inclusion`: list of text),
    a list where the property repeats; `where` names the place in the source, for refusals.
    """

    code: str
    display: str
    parents: tuple[str, ...] = ()
    kind: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    where: str = ""
    definition: str = ""
    designations: tuple[Designation, ...] = ()


@dataclass(frozen=True, slots=True)
class Traits:
    """What a FHIR CodeSystem says of itself beside its codes (R4 4.8): how to compare, what it leaves out, its state.

    `content` is `complete`, `fragment`, `example`, `supplement` (to `supplements`) or `not-present`; `status` is the
    resource's own, `standards` that of the extension structuredefinition-standards-status; `uris` gives each property
    code its uri, `types` its type.
    """

    language: str = ""
    case_sensitive: bool = True
    content: str = "complete"
    supplements: str = ""
    status: str = "active"
    standards: str = ""
    experimental: bool = False
    uris: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a code system, as its publisher names it. `source` says where the content came from."""

    url: str
    version: str
    name: str
    source: str = ""
    traits: Traits = field(default_factory=Traits)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An edition in the store: its key, whether it is the one served, and how many concepts it holds."""

    pk: int
    edition: Edition
    current: bool
    concepts: int
