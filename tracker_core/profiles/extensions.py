"""Extensions: the known ones against their definition and the places they may stand in (R4 2.5)."""

from collections.abc import Iterator

from tracker_core import fhirpath
from tracker_core.fhirpath import Node
from tracker_core.fhirpath.types import is_a
from tracker_core.profiles.visit import Visit
from tracker_core.records import definitions


def check_extension(visit: Visit, node: Node, where: str) -> None:
    """Validate an extension by its definition; an unknown one is told, an unknown modifier is an error."""
    url = node.value.get("url") if isinstance(node.value, dict) else None
    if not isinstance(url, str) or ":" not in url:
        return  # parts of an extension have names; the extension's definition speaks of them
    profile = visit.world.library.profile(url)
    if profile is None:
        modifier = node.name == "modifierExtension"
        text = f"the extension {url} is not known"
        visit.note("extension", text, where, "error" if modifier else "information")
        return
    if profile.type != "Extension":
        visit.note("extension", f"{url} defines a {profile.type}, no extension", where)
        return
    visit.check(visit, node, profile.url, where)
    parent = node.parent
    if parent is not None and profile.contexts and not any(_fits(visit, parent, *one) for one in profile.contexts):
        places = ", ".join(expression for _, expression in profile.contexts)
        visit.note("extension", f"{url} may stand in {places}", where)


def _fits(visit: Visit, parent: Node, kind: str, expression: str) -> bool:
    if kind == "extension":
        return isinstance(parent.value, dict) and parent.value.get("url") == expression
    if kind == "fhirpath":
        resource = visit.context(parent)
        if resource.resource is None:
            return False
        try:
            found = fhirpath.compiled(expression).on(resource.resource, resource)
        except (fhirpath.Failed, fhirpath.Misread):
            return True
        return any(isinstance(one, Node) and one.value is parent.value for one in found)
    wanted = expression.replace("[x]", "")
    # Everything counts as an element here, resources too: R4's own extensions are used so.
    return wanted == "Element" or wanted in names(parent) or (wanted in _ABOVE and is_a(parent, f"FHIR.{wanted}"))


_ABOVE = ("Resource", "DomainResource", "BackboneElement", "Quantity")


def names(node: Node) -> set[str]:
    """Return what an element is called: its type, `HumanName.given`, `Patient.name.given`."""
    return {node.kind, *_paths(node)}


def _paths(node: Node) -> Iterator[str]:
    tail = ""
    at: Node | None = node
    while at is not None and at.parent is not None:
        tail = f".{at.name}{tail}"
        yield f"{at.parent.kind}{tail}"
        if at.parent.kind in definitions.resource_types():
            return
        at = at.parent
