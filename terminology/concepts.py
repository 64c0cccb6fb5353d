"""The values that loaders make and the store keeps."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a code system.

    `parent` is the code above it, empty at the top; `kind` is the source's own word (`chapter`, `block`, `category`);
    `properties` are further facts under FHIR property names (`usage`: `dagger` or `aster`, `inclusion`: list of text);
    `where` names the place in the source, for refusals.
    """

    code: str
    display: str
    parent: str = ""
    kind: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a code system, as its publisher names it. `source` says where the content came from."""

    url: str
    version: str
    name: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An edition in the store: its key, whether it is the one served, and how many concepts it holds."""

    pk: int
    edition: Edition
    current: bool
    concepts: int
