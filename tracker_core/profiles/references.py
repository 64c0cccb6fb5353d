"""References against what they may lead to: the type, the profile, and how (R4 2.3, ElementDefinition.type)."""

from tracker_core.fhirpath import Node
from tracker_core.profiles.library import Profile
from tracker_core.profiles.rules import Type
from tracker_core.profiles.trees import BASE
from tracker_core.profiles.visit import Visit
from tracker_core.records import definitions, forms

_ANY = (BASE + "Resource", BASE + "DomainResource")


def check_reference(visit: Visit, node: Node, kind: Type, where: str) -> None:
    """Note a reference that leads nowhere, to what may not be referred to, or in a way that is not allowed."""
    held = node.value
    reference = held.get("reference") if isinstance(held, dict) else None
    if not isinstance(reference, str) or not reference:
        return
    target = visit.resolve(reference, node)
    if target is None:
        _missing(visit, reference, where)
    _check_way(visit, reference, target, kind, where)
    named = forms.target(reference)
    type_ = target.kind if target is not None else named[0] if named else str(held.get("type", ""))
    if type_ and kind.targets:
        _check_target(visit, type_, target, kind, where)


def check_contained(visit: Visit, resource: Node, where: str) -> None:
    """Note contained resources that nothing refers to, and that don't refer to what contains them (dom-3)."""
    held = [one for one in resource.children("contained") if isinstance(one.value, dict)]
    if not held:
        return
    used = _referred(resource)
    for number, one in enumerate(held):
        if f"#{one.value.get('id', '')}" not in used and "#" not in _referred(one):
            text = "dom-3: nothing in the resource refers to it, and it does not refer to the resource"
            visit.note("invariant", text, f"{where}.contained[{number}]")


def _referred(node: Node) -> set[str]:
    """Return every reference, canonical and uri within a node."""
    out: set[str] = set()
    waiting = list(node.every_child())
    while waiting:
        one = waiting.pop()
        if isinstance(one.value, str) and (one.name == "reference" or one.kind in ("canonical", "uri", "url")):
            out.add(one.value)
        waiting += one.every_child()
    return out


def _missing(visit: Visit, reference: str, where: str) -> None:
    if reference.startswith("#"):
        visit.note("not-found", "nothing contained has this id", where, value=reference)
    elif reference.startswith("urn:") and visit.root.kind == "Bundle":
        visit.note("not-found", "no entry of the bundle has this fullUrl", where, "warning", reference)
    elif visit.world.stored and forms.target(reference) and "://" not in reference:
        visit.note("not-found", "it refers to what is not here", where, "warning", reference)


def _check_way(visit: Visit, reference: str, target: Node | None, kind: Type, where: str) -> None:
    if not kind.aggregation:
        return
    bundled = target is not None and any(target is one for one in visit.entries.values())
    way = "contained" if reference.startswith("#") else "bundled" if bundled else "referenced"
    if way not in kind.aggregation and not (way == "bundled" and "referenced" in kind.aggregation):
        visit.note("value", f"it is {way}, and may only be {' or '.join(kind.aggregation)}", where, value=reference)


def _check_target(visit: Visit, type_: str, target: Node | None, kind: Type, where: str) -> None:
    if type_ not in definitions.resource_types() or any(url.partition("|")[0] in _ANY for url in kind.targets):
        return
    profiles = [visit.world.library.profile(url) for url in kind.targets]
    known = [one for one in profiles if one is not None]
    fitting = [one for one in known if one.type == type_]
    if not fitting and len(known) == len(profiles):
        wanted = " or ".join(sorted({one.type for one in known}))
        visit.note("value", f"it refers to {type_}; allowed is {wanted}", where)
    elif target is not None and fitting and all(one.constrains for one in fitting):
        _check_profiles(visit, target, fitting, where)


def _check_profiles(visit: Visit, target: Node, profiles: list[Profile], where: str) -> None:
    if not any(visit.conforms(target, one.url) for one in profiles):
        names = " or ".join(one.url for one in profiles)
        visit.note("value", f"what it refers to does not conform to {names}", where)
