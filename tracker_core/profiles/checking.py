"""Documents validated: their structure, R4's own rules, the profiles they claim and those that are asked for."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from tracker_core.fhirpath import Node
from tracker_core.issues import Issue
from tracker_core.profiles.extensions import check_extension
from tracker_core.profiles.library import Profile
from tracker_core.profiles.references import check_contained, check_reference
from tracker_core.profiles.rules import Rule, Type
from tracker_core.profiles.shapes import check_form, elements_of
from tracker_core.profiles.slicing import check_slices, divided
from tracker_core.profiles.trees import BASE
from tracker_core.profiles.values import check_code, check_invariants, check_values
from tracker_core.profiles.visit import Visit, World
from tracker_core.records import definitions

_DEEPEST = 60
# What each element of a document adds to what its expressions may look at: room for more than any of R4's takes
_EARNED = 20


def validate(world: World, documents: Iterable[dict[str, Any]], profiles: Sequence[str] = ()) -> list[list[Issue]]:
    """Return what is wrong with each document, at FHIRPath places, the worst first in none of them: as it stands there.

    Documents are parsed JSON, decimals as `Decimal`. Each is checked against R4's definition of its type, the profiles
    it names in `meta.profile`, and `profiles`; so is every resource within it. Compiled profiles are kept by
    `world.library`.
    """
    return [_validated(world, document, profiles) for document in documents]


def _validated(world: World, document: dict[str, Any], profiles: Sequence[str]) -> list[Issue]:
    type_ = str(document.get("resourceType", ""))
    if type_ not in definitions.resource_types():
        return [Issue("structure", f"R4 has no resource type {type_!r}", where="resourceType", value=type_)]
    node = Node(document, type_)
    visit = Visit(world, node, check_profile)
    _check_resource(visit, node, profiles, type_)
    return list(visit.found.values())


def _check_resource(visit: Visit, node: Node, profiles: Sequence[str], where: str) -> None:
    if node.kind not in definitions.resource_types():
        visit.note("structure", f"R4 has no resource type {node.kind!r}", where)
        return
    visit.check(visit, node, BASE + node.kind, where)
    check_contained(visit, node, where)
    for url in _claimed(node):
        if visit.world.library.profile(url) is None:
            visit.note("not-found", f"the profile {url} is not known, and was not checked", where, "warning")
        else:
            visit.check(visit, node, url, where)
    for url in profiles:
        if visit.world.library.profile(url) is None:
            visit.note("not-found", f"the profile {url} is not known", where)
        else:
            visit.check(visit, node, url, where)


def _claimed(node: Node) -> list[str]:
    meta = node.value.get("meta")
    held = meta.get("profile", []) if isinstance(meta, dict) else []
    return [url for url in held if isinstance(url, str)] if isinstance(held, list) else []


def check_profile(visit: Visit, node: Node, url: str, where: str) -> None:
    """Validate a node against a profile; each pair once."""
    # Values live as long as the document; nodes don't, and their ids come again.
    key = (id(node.value if isinstance(node.value, dict) else node.beside), url)
    if key in visit.seen:
        return
    visit.seen.add(key)
    profile = visit.world.library.profile(url)
    if profile is None:
        visit.note("not-found", f"the profile {url} is not known, and was not checked", where, "information")
        return
    if not _of_type(node, profile):
        visit.note("structure", f"{url} is about {profile.type}, not {node.kind}", where)
        return
    check_element(visit, node, profile.rule, profile.rule, where)


def _of_type(node: Node, profile: Profile) -> bool:
    return profile.type in (node.kind, "Resource", "DomainResource", "Element", "BackboneElement")


def check_element(visit: Visit, node: Node, rule: Rule, trunk: Rule, where: str) -> None:
    """Validate one element: its own value, then what is within it. `trunk` is the rule of the whole profile."""
    check_values(visit, node, rule, where)
    check_invariants(visit, node, rule.invariants, where)
    if rule.content:
        rule = _followed(trunk, rule.content)
    if not rule.children or (not isinstance(node.value, dict) and node.beside is None):
        return
    if visit.depth >= _DEEPEST:
        visit.note("too-costly", "it is nested too deeply to be checked", where)
        return
    visit.depth += 1
    _check_children(visit, node, rule, trunk, where)
    visit.depth -= 1


def _check_children(visit: Visit, node: Node, rule: Rule, trunk: Rule, where: str) -> None:
    there = elements_of(visit, node, where)
    visit.budget.left += _EARNED * len(there)
    lists = _lists(node.kind if isinstance(node.value, dict) else "Element")
    for child in rule.required:
        if child.name not in there:
            visit.note("required", f"{child.name} is missing", where)
    for child in rule.sliced:
        if child.name not in there:
            check_slices(visit, child, [], f"{where}.{child.name.removesuffix('[x]')}", [])
    for name, nodes in there.items():
        found = rule.children.get(name)
        if found is not None:
            check_repetitions(visit, nodes, found, trunk, f"{where}.{name.removesuffix('[x]')}", name in lists)


@cache
def _lists(structure: str) -> frozenset[str]:
    return frozenset(one.name for one in definitions.elements(structure).values() if one.many)


def _followed(trunk: Rule, path: str) -> Rule:
    at = trunk
    for name in path.split(".")[1:]:
        at = at.children.get(name) or Rule(name)
    return at


def check_repetitions(visit: Visit, nodes: list[Node], rule: Rule, trunk: Rule, where: str, many: bool) -> None:
    """Validate every repetition of an element, and how often it is there."""
    if len(nodes) > rule.most:
        text = f"at most {rule.most}, found {len(nodes)}" if rule.most else "it may not be there"
        visit.note("structure", text, where)
    if len(nodes) < rule.least:
        visit.note("required", f"at least {rule.least}, found {len(nodes)}", where)
    placed: list[tuple[Node, str]] = []
    for number, node in enumerate(nodes):
        at = f"{where}[{number}]" if many else where
        at = f"{at}.ofType({node.kind})" if rule.name.endswith("[x]") else at
        _check_one(visit, node, rule, trunk, at)
        placed.append((node, at))
    if rule.slices and rule.slicing:
        _check_sliced(visit, placed, rule, trunk, where)


def _check_sliced(visit: Visit, placed: list[tuple[Node, str]], rule: Rule, trunk: Rule, where: str) -> None:
    """Validate each repetition as its slice wants, then the slices, and the slices of slices."""
    names = divided(visit, [node for node, _ in placed], rule)
    for (node, at), name in zip(placed, names, strict=True):
        if name:
            _check_one(visit, node, rule.slices[name], trunk, at)
    check_slices(visit, rule, names, where, [at for _, at in placed])
    for name, one in rule.slices.items():
        if one.slicing and one.slices:
            inner = [pair for pair, found in zip(placed, names, strict=True) if found == name]
            _check_sliced(visit, inner, one, trunk, where)


def _check_one(visit: Visit, node: Node, rule: Rule, trunk: Rule, where: str) -> None:
    if node.kind in definitions.resource_types() or node.kind == "Resource":
        check_element(visit, node, rule, trunk, where)
        _check_inner(visit, node, rule, where)
        return
    kind = rule.types.get(node.kind)
    # Publishers write the type of ids in three ways.
    if kind is None and rule.types and rule.name != "id" and not rule.content and "." not in node.kind:
        visit.note("structure", f"{node.kind} is not allowed: {' or '.join(rule.types)}", where)
        return
    if "." not in node.kind:
        if node.beside is not None or isinstance(node.value, dict):
            check_profile(visit, node, BASE + node.kind, where)
        _form(visit, node, where)
    elif not isinstance(node.value, dict):
        visit.note("structure", "an object is expected", where)
        return
    check_element(visit, node, rule, trunk, where)
    if kind is not None:
        _check_type(visit, node, kind, where)


def _check_type(visit: Visit, node: Node, kind: Type, where: str) -> None:
    """What elements of some types are asked besides: codes, references, extensions, and the profiles of the type."""
    if node.kind == "Coding":
        check_code(visit, node, where)
    if kind.profiles:
        _check_profiles(visit, node, kind.profiles, where)
    if node.kind == "Reference":
        check_reference(visit, node, kind, where)
    elif node.kind == "Extension":
        check_extension(visit, node, where)


def _form(visit: Visit, node: Node, where: str) -> None:
    key = (where, "form")
    if key not in visit.seen:
        visit.seen.add(key)
        check_form(visit, node, where)


def _check_inner(visit: Visit, node: Node, rule: Rule, where: str) -> None:
    """A resource within another one: contained, in an entry, in a parameter."""
    _check_resource(visit, node, (), where)
    kind = rule.types.get(node.kind) or rule.types.get("Resource")
    if kind is None and rule.types:
        visit.note("structure", f"{node.kind} is not allowed: {' or '.join(rule.types)}", where)
    elif kind is not None and kind.profiles:
        _check_profiles(visit, node, kind.profiles, where)


def _check_profiles(visit: Visit, node: Node, urls: tuple[str, ...], where: str) -> None:
    """One profile is gone into; of several, one is enough."""
    if len(urls) == 1:
        visit.check(visit, node, urls[0], where)
    elif not any(visit.conforms(node, url) for url in urls):
        visit.note("structure", f"it conforms to none of {' or '.join(urls)}", where)
