"""One document being validated: what was found, what was looked at already, and where references lead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from tracker_core.fhirpath import Context, Node
from tracker_core.fhirpath.context import Budget
from tracker_core.fhirpath.nodes import enclosing
from tracker_core.issues import Issue, Severity
from tracker_core.profiles.library import Library
from tracker_core.records import forms

Verdict = Literal["in", "out", "unknown"]
# (system, code) of each coding; the system is None for a bare code
Coded = Sequence[tuple[str | None, str]]
Codes = Callable[[str, Coded], Verdict]
Fetch = Callable[[str], dict[str, Any] | None]
MOST_ISSUES = 500


def no_systems(_system: str, _code: str) -> Verdict:
    """Answer for a hub without code systems."""
    return "unknown"


def codings(node: Node) -> Coded:
    """Return the codes of an element: (system, code), the system None where a code stands alone."""
    value = node.value
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    held = value.get("coding", []) if node.kind == "CodeableConcept" else [value]
    found = [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []
    return [(str(one.get("system", "")), one["code"]) for one in found if isinstance(one.get("code"), str)]


def no_codes(_value_set: str, _codings: Coded) -> Verdict:
    """Answer for a hub without terminology: nothing is known of any code."""
    return "unknown"


@dataclass(frozen=True, slots=True)
class World:
    """What validation asks of its surroundings.

    `codes(value set, codings)` tells whether one of the codings is in a value set; `fetch(reference)` returns a stored
    document, and `stored` says whether what it does not return is not there. `known(system, code)` tells whether a
    code system has a code.
    """

    library: Library
    codes: Codes = no_codes
    fetch: Fetch = lambda _reference: None
    stored: bool = False
    known: Callable[[str, str], Verdict] = no_systems


@dataclass(slots=True, eq=False)
class Visit:
    """The state of one validation. `check(visit, node, url, where)` validates against a profile, and adds issues."""

    world: World
    root: Node
    check: Callable[["Visit", Node, str, str], None]
    found: dict[tuple[str, str, str], Issue] = field(default_factory=dict)
    seen: set[tuple[int | str, str]] = field(default_factory=set)
    conforming: dict[tuple[int, str], bool] = field(default_factory=dict)
    depth: int = 0
    budget: Budget = field(default_factory=Budget)
    _entries: dict[str, Node] | None = None
    _held: dict[int, dict[str, Node]] = field(default_factory=dict)

    def note(self, code: str, text: str, where: str, severity: Severity = "error", value: Any = "") -> None:
        """Add what was found, once."""
        if len(self.found) < MOST_ISSUES:
            shown = value if isinstance(value, str) else ""
            self.found.setdefault((where, code, text), Issue(code, text, severity, where, shown[:200]))

    def conforms(self, node: Node, url: str) -> bool:
        """Tell whether a node conforms to a profile, without adding what is wrong with it."""
        key = (id(node.value), url)
        if key not in self.conforming:
            self.conforming[key] = True  # what refers to itself is not held against it
            trial = Visit(self.world, self.root, self.check, conforming=self.conforming, depth=self.depth)
            trial.budget = self.budget
            trial._entries = self.entries
            self.check(trial, node, url, node.kind)
            self.conforming[key] = not any(one.severity == "error" for one in trial.found.values())
        return self.conforming[key]

    def context(self, node: Node) -> Context:
        """Return what expressions about a node may refer to."""
        resource = enclosing(node)
        holder = resource
        if resource.parent is not None and resource.name == "contained":
            holder = enclosing(resource.parent)
        return Context(
            resource,
            holder,
            resolve=self.resolve,
            conforms=self._conforms,
            member=self._member,
            budget=self.budget,
        )

    def _conforms(self, url: str, node: Node) -> bool | None:
        return None if self.world.library.profile(url) is None else self.conforms(node, url)

    def _member(self, value_set: str, node: Node) -> bool | None:
        held = codings(node)
        verdict = self.world.codes(value_set, held) if held else "out"
        return None if verdict == "unknown" else verdict == "in"

    @property
    def entries(self) -> dict[str, Node]:
        """The resources of a bundle by fullUrl."""
        if self._entries is None:
            self._entries = {}
            if self.root.kind == "Bundle":
                for entry in self.root.children("entry"):
                    for resource in entry.children("resource")[:1]:
                        url = _text(entry, "fullUrl")
                        if url:
                            self._entries.setdefault(url, resource)
        return self._entries

    def resolve(self, reference: str, start: Node | None) -> Node | None:
        """Follow a reference: into what is contained, into the bundle, into the store (R4 2.3.0.4, 2.36.4.1)."""
        bare = reference.partition("|")[0]
        if bare.startswith("#"):
            return self._contained(bare[1:], start)
        found = self.entries.get(bare) or self.entries.get(self._absolute(bare, start))
        if found is not None:
            return found
        document = self.world.fetch(bare)
        return Node(document, str(document.get("resourceType"))) if document is not None else None

    def _contained(self, name: str, start: Node | None) -> Node | None:
        holder = enclosing(start) if start is not None else self.root
        if holder.parent is not None and holder.name == "contained":
            holder = enclosing(holder.parent)
        if not name:
            return holder
        key = id(holder.value)
        if key not in self._held:
            self._held[key] = {_text(one, "id"): one for one in reversed(holder.children("contained"))}
        return self._held[key].get(name)

    def _absolute(self, reference: str, start: Node | None) -> str:
        """A relative reference in a bundle stands below the base of its own entry's fullUrl."""
        entry = start
        while entry is not None and entry.kind != "Bundle.entry":
            entry = entry.parent
        url = _text(entry, "fullUrl") if entry is not None else ""
        base = url.rsplit("/", 2)[0] if urlsplit(url).scheme in ("http", "https") and forms.target(url) else ""
        return f"{base}/{reference}" if base else reference


def _text(node: Node, key: str) -> str:
    value = node.value.get(key) if isinstance(node.value, dict) else None
    return value if isinstance(value, str) else ""
