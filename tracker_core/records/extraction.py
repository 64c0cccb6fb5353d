"""Index entries of a document: all search parameters of a type compiled into one tree of keys, walked once.

Parameters that read the same place share its entries: `patient` is `subject` restricted to patients, `combo-code` is
`code` and `component-code`. `sources` tells which parameter numbers hold the entries of a parameter.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from tracker_core.records import composites, definitions
from tracker_core.records.entries import EMITTERS, Emit, Entries, emit_main_concept
from tracker_core.records.expressions import Path, Step, compile_expression
from tracker_core.records.terms import MIN_TIME, code_tokens

_KEPT_ELSEWHERE = ("_id", "_lastUpdated", "_text", "_content", "_query")
# The parameter pair that lists of a type are read by: "this code, newest first".
RANKED = {
    "Observation": ("code", "date"),
    "Condition": ("code", "recorded-date"),
    "Procedure": ("code", "date"),
    "DiagnosticReport": ("code", "date"),
    "ServiceRequest": ("code", "authored"),
    "Immunization": ("vaccine-code", "date"),
    "MedicationRequest": ("code", "authoredon"),
}

OWN = 20_000  # the lowest number of a parameter of the hub's own
# What tells one place from another: parameter type, steps, FHIR type (of a composite: its components).
Signature: TypeAlias = tuple[str, tuple[Step, ...], str]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the entries of a parameter are: under `numbers`, of reference targets of type `only` if given."""

    numbers: tuple[int, ...]
    only: str = ""


@dataclass(slots=True)
class _Node:
    emits: list[tuple[Emit, int]] = field(default_factory=list)
    tests: list[tuple[Step, "_Node"]] = field(default_factory=list)
    children: dict[str, "_Node"] = field(default_factory=dict)
    positions: dict[int, "_Node"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    root: _Node
    sources: dict[str, Source]
    absent: tuple[tuple[tuple[str, ...], int], ...]
    rank: tuple[int, ...]


def extract(type_: str, document: dict[str, Any]) -> Entries:
    """Return the index entries of `document`, whose elements have the JSON kinds R4 gives them."""
    plan = _plan(type_)
    out = Entries()
    _walk(plan.root, document, out)
    for keys, number in plan.absent:
        if not any(key in document for key in keys):
            out.tokens += code_tokens(number, "", "false")[:2]
    return out


def rank(type_: str, entries: Entries) -> int:
    """Return the time by which a record of a ranked type is listed: the start of its first date."""
    wanted = _plan(type_).rank
    return min((lo for n, lo, _ in entries.dates if n in wanted), default=MIN_TIME)


def sources(type_: str) -> dict[str, Source]:
    """Return where the entries of each search parameter of a type are kept, by parameter code."""
    return _plan(type_).sources


def _walk(node: _Node, value: Any, out: Entries) -> None:
    for emit, number in node.emits:
        emit(value, number, out)
    for test, following in node.tests:
        _walk_test(test, following, value, out)
    children = node.children
    if children and type(value) is dict:
        for key in value:
            child = children.get(key)
            if child is not None:
                inner = value[key]
                if type(inner) is list:
                    for item in inner:
                        _walk(child, item, out)
                    for at, following in child.positions.items():
                        if at < len(inner):
                            _walk(following, inner[at], out)
                else:
                    _walk(child, inner, out)


def _walk_test(test: Step, following: _Node, value: Any, out: Entries) -> None:
    if test is True:
        _walk(following, value is not False, out)
    elif isinstance(test, tuple) and value.get(test[0]) == test[1]:
        _walk(following, value, out)


def _plan(type_: str) -> _Plan:
    return _compiled(type_, definitions.edition())


@lru_cache(maxsize=1_024)
def _compiled(type_: str, _edition: int) -> _Plan:
    root = _Node()
    found: dict[str, Source] = {}
    groups: dict[int, frozenset[Signature]] = {}
    absent = []
    known = [(p, _paths(type_, p)) for p in definitions.parameters(type_).values()]
    # The hub's own come last: what R4's share among themselves must not depend on them.
    for parameter, paths in sorted(known, key=lambda pair: (pair[0].number >= OWN, len(pair[1]), pair[0].number)):
        signatures = {(parameter.type, p.steps, _detail(parameter, p)): p for p in paths}
        shared = [n for n, group in groups.items() if group <= signatures.keys()]
        covered = frozenset(s for n in shared for s in groups[n])
        own = {s: p for s, p in signatures.items() if s not in covered}
        for path in own.values():
            _place(root, type_, parameter, path)
        if own:
            groups[parameter.number] = frozenset(own)
            shared.append(parameter.number)
        only = {p.only for p in paths}
        found[parameter.code] = Source(tuple(sorted(shared)), only.pop() if len(only) == 1 else "")
        if paths and all(p.steps and p.steps[-1] is True for p in paths):
            absent.append((tuple(str(p.steps[0]) for p in paths), parameter.number))
    ranked = RANKED.get(type_)
    return _Plan(root, found, tuple(absent), found[ranked[1]].numbers if ranked else ())


def _paths(type_: str, parameter: definitions.Parameter) -> tuple[Path, ...]:
    if not parameter.expression or parameter.code in _KEPT_ELSEWHERE:
        return ()
    paths = compile_expression(parameter.expression, type_)
    if parameter.type == "composite":
        return tuple(p for p in paths if composites.emitter(type_, parameter, p))
    return tuple(p for p in paths if p.kind in EMITTERS.get(parameter.type, {}))


def _detail(parameter: definitions.Parameter, path: Path) -> str:
    if parameter.type == "composite":
        return ";".join(expression for _, expression in parameter.components)
    return path.kind


def _place(root: _Node, type_: str, parameter: definitions.Parameter, path: Path) -> None:
    emit = composites.emitter(type_, parameter, path) if parameter.type == "composite" else None
    rooted = emit is not None and composites.is_rooted(parameter)
    if emit is None:
        emit = EMITTERS[parameter.type][path.kind]
    if RANKED.get(type_, ("",))[0] == parameter.code and path.kind == "CodeableConcept":
        emit = emit_main_concept
    node = root
    for step in () if rooted else path.steps:
        node = _next(node, step)
    node.emits.append((emit, parameter.number))


def _next(node: _Node, step: Step) -> _Node:
    if isinstance(step, str):
        return node.children.setdefault(step, _Node())
    if type(step) is int:
        return node.positions.setdefault(step, _Node())
    for test, following in node.tests:
        if test == step and type(test) is type(step):
            return following
    following = _Node()
    node.tests.append((step, following))
    return following
