"""Structure definitions by their url, compiled when they are first asked for: R4's own, and those that were loaded."""

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from threading import RLock
from typing import Any

from tracker_core.profiles.rules import Rule, compile_tree
from tracker_core.profiles.trees import BASE, Branch, Json, grow


@dataclass(frozen=True, slots=True)
class Profile:
    """A compiled structure definition. `contexts` are where an extension may stand: (kind, expression)."""

    url: str
    type: str
    constrains: bool
    rule: Rule
    contexts: tuple[tuple[str, str], ...] = ()


def _nothing(_url: str, _version: str) -> Json | None:
    return None


@dataclass(slots=True, eq=False)
class Library:
    """What can be validated against. `stored(url, version)` returns a StructureDefinition that was loaded, or None.

    Shared by threads; what is loaded later is seen by another library.
    """

    stored: Callable[[str, str], Json | None] = _nothing
    _trees: dict[str, Branch | None] = field(default_factory=dict)
    _profiles: dict[str, Profile] = field(default_factory=dict)
    _lock: Any = field(default_factory=RLock)

    def profile(self, canonical: str) -> Profile | None:
        """Return the profile of a canonical url (`url`, `url|version`), None when it is not known or has no base."""
        url = canonical.partition("|")[0]
        canonical = url if url in published() else canonical
        found = self._profiles.get(canonical)
        if found is None:
            with self._lock:
                found = self._compiled(canonical)
                # Names of nothing are not kept: documents may claim any number of them.
                if found is not None:
                    self._profiles[canonical] = found
        return found

    def base(self, type_: str) -> Profile | None:
        """Return the definition of a type of FHIR itself."""
        return self.profile(BASE + type_)

    def _compiled(self, canonical: str) -> Profile | None:
        structure = self._structure(canonical)
        branch = self._tree(canonical)
        if structure is None or branch is None:
            return None
        contexts = tuple((one["type"], one["expression"]) for one in structure.get("context", ()))
        constrains = structure.get("derivation") == "constraint"
        return Profile(
            structure["url"], structure["type"], constrains, compile_tree(branch, structure["type"]), contexts
        )

    def _tree(self, canonical: str) -> Branch | None:
        structure = self._structure(canonical) if canonical not in self._trees else None
        if structure is not None:
            self._trees[canonical] = None  # what is its own base has none
            self._trees[canonical] = grow(structure, self._tree)
        return self._trees.get(canonical)

    def _structure(self, canonical: str) -> Json | None:
        url, _, version = canonical.partition("|")
        return published().get(url) or self.stored(url, version)


@cache
def published() -> dict[str, Json]:
    """Return R4's own structure definitions by url, reduced by `scripts/fhir_profiles.py`."""
    packed = (resources.files(__package__) / "data" / "r4.json.gz").read_bytes()
    found: Iterable[Json] = json.loads(gzip.decompress(packed))
    return {one["url"]: one for one in found}
