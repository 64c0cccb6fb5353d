"""Structure definitions for tests, written short."""

from typing import Any

from tracker_core.profiles import Library, World, validate

BASE = "http://hl7.org/fhir/StructureDefinition/"


def profile(name: str, type_: str, *elements: dict[str, Any], base: str = "") -> dict[str, Any]:
    """A constraint by differential."""
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": f"urn:profile:{name}",
        "name": name,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type_,
        "baseDefinition": base or BASE + type_,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }


def at(id: str, **parts: Any) -> dict[str, Any]:
    """An element of a differential."""
    path = ".".join(step.partition(":")[0] for step in id.split("."))
    slice_ = id.rpartition(".")[2].partition(":")[2]
    return {"id": id, "path": path, **({"sliceName": slice_} if slice_ else {}), **parts}


def sliced(type_: str, path: str, rules: str = "open", **more: Any) -> dict[str, Any]:
    """Slicing by one discriminator."""
    return {"discriminator": [{"type": type_, "path": path}], "rules": rules, **more}


def library(*profiles: dict[str, Any]) -> Library:
    """A library that holds these beside R4's own."""
    held = {one["url"]: one for one in profiles}
    return Library(lambda url, _version: held.get(url))


def errors(document: dict[str, Any], *profiles: dict[str, Any], world: World | None = None) -> list[tuple[str, str]]:
    """The errors against the first of the profiles, as (code, place); a warning about narratives is none."""
    used = world or World(library(*profiles))
    found = validate(used, [document], [profiles[0]["url"]])[0]
    return [(one.code, one.where) for one in found if one.severity == "error"]
