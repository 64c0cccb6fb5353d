"""Structure definitions as trees of elements and slices: read from a snapshot, or grown from a base and a differential.

What FHIR calls generating a snapshot (R4 5.1.0.13) is here: a copy of the base's tree, unfolded where the differential
goes deeper, with the differential's elements laid over it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

BASE = "http://hl7.org/fhir/StructureDefinition/"
Json = dict[str, Any]
# The types of a choice before a differential named some by their short paths, and those it named
_OFFERED, _NAMED = "offered", "named"
# What an element of a differential says instead of its base, word for word
_REPLACED = ("min", "max", "maxLength", "type", "binding", "slicing", "contentReference", "sliceName", "path")
# No definition goes deeper; one that does is cut off there
_DEEPEST = 40
_VALUES = ("fixed", "pattern", "minValue", "maxValue")


@dataclass(slots=True)
class Branch:
    """One element: its definition as FHIR writes it, the elements within it, and its slices."""

    element: Json
    children: dict[str, "Branch"] = field(default_factory=dict)
    slices: dict[str, "Branch"] = field(default_factory=dict)

    def copy(self) -> "Branch":
        """Return a tree of its own."""
        return Branch(
            {key: value for key, value in self.element.items() if key not in (_OFFERED, _NAMED)},
            {name: one.copy() for name, one in self.children.items()},
            {name: one.copy() for name, one in self.slices.items()},
        )


Find = Callable[[str], "Branch | None"]


def grow(structure: Json, find: Find) -> Branch | None:
    """Return the tree of a StructureDefinition; `find(url)` returns that of another one.

    None when it has no snapshot and its base is not known.
    """
    if snapshot := structure.get("snapshot", {}).get("element"):
        trunk = Branch({})
        for id, element in identified(snapshot):
            _placed(trunk, id, None).element = element
        return trunk
    base = find(structure.get("baseDefinition", ""))
    if base is None:
        return None
    trunk = base.copy()
    for id, element in identified(structure.get("differential", {}).get("element", [])):
        overlay(_placed(trunk, id, find), element)
    return trunk


def identified(elements: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    """Yield elements with their ids; one without an id belongs to the slice that was opened last above it."""
    latest: dict[str, str] = {}
    for element in elements:
        path = str(element["path"])
        if path.count(".") > _DEEPEST:
            continue
        parent, _, name = path.rpartition(".")
        made = f"{latest.get(parent, parent)}.{name}" if parent else name
        if element.get("sliceName"):
            made += f":{element['sliceName']}"
        id = str(element.get("id") or made)
        latest[path] = id if id.count(".") == path.count(".") else made
        yield latest[path], element


def overlay(branch: Branch, element: Json) -> None:
    """Let a differential's element count at a branch; invariants are added to those that are there."""
    made = branch.element
    for key, value in element.items():
        if key == "constraint":
            own = {one["key"] for one in value}
            made[key] = [*(one for one in made.get(key, ()) if one["key"] not in own), *value]
        elif key == "type" and "contentReference" in made:
            made[key] = value
            del made["contentReference"]
        elif key in _REPLACED or key.startswith(_VALUES):
            made[key] = value


def _placed(trunk: Branch, id: str, find: Find | None) -> Branch:
    """Return the branch that an id names, made where it is not there; with `find`, from the types."""
    at = trunk
    for segment in id.split(".")[1:]:
        name, _, slice_ = segment.partition(":")
        at = _child(trunk, at, name, find)
        if slice_ and slice_ != name:
            at = _slice(at, slice_, find is not None)
    return at


def _child(trunk: Branch, at: Branch, name: str, find: Find | None) -> Branch:
    if find is not None and not at.children:
        _unfold(trunk, at, find)
    found = at.children.get(name)
    if found is None and (choice := _choice(at, name)):
        return choice
    if found is None:
        found = at.children[name] = Branch({})
    return found


def _choice(at: Branch, name: str) -> Branch | None:
    """`valueQuantity` is the slice of `value[x]` that is of this type (R4 5.1.0.14); other types are ruled out."""
    for base, branch in at.children.items():
        stem = base.removesuffix("[x]")
        if stem != base and name.startswith(stem) and name != stem:
            rest = name.removeprefix(stem)
            offered: list[Json] = branch.element.get(_OFFERED) or branch.element.get("type") or []
            branch.element[_OFFERED] = offered
            code = next((one for one in offered if one["code"].lower() == rest.lower()), None)
            if code is not None:
                named = [one for one in branch.element.get(_NAMED, ()) if one != code]
                branch.element[_NAMED] = branch.element["type"] = [*named, code]
                made = _slice(branch, name, inherits=True)
                made.element["type"] = [code]
                return made
    return None


def _slice(at: Branch, name: str, inherits: bool) -> Branch:
    """Return a slice; `a/b` is a slice of the slice `a`."""
    above, _, last = name.rpartition("/")
    if above and above in at.slices:
        return _slice_of(at.slices[above], name, last, inherits)
    return _slice_of(at, name, name, inherits)


def _slice_of(at: Branch, name: str, _last: str, inherits: bool) -> Branch:
    if name not in at.slices:
        made = at.copy() if inherits else Branch({})
        made.slices = {}
        made.element = {key: value for key, value in made.element.items() if key != "slicing"} | {"min": 0}
        at.slices[name] = made
        by_type = {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}
        if at.element.get("path", "").endswith("[x]"):
            at.element.setdefault("slicing", by_type)
    return at.slices[name]


def _unfold(trunk: Branch, at: Branch, find: Find) -> None:
    """Give a branch the elements of its type, its type's profile, or the element it refers to."""
    reference = str(at.element.get("contentReference", "")).rpartition("#")[2]
    if reference:
        source: Branch | None = _followed(trunk, reference)
    else:
        types = at.element.get("type", [])
        one = types[0] if len(types) == 1 else {"code": "Element"}
        profiles = one.get("profile", [])
        source = (find(profiles[0]) if len(profiles) == 1 else None) or find(BASE + one["code"])
    if source is not None:
        at.children = {name: one.copy() for name, one in source.children.items()}
        for name, one in source.slices.items():
            at.slices.setdefault(name, one.copy())


def _followed(trunk: Branch, path: str) -> Branch | None:
    at: Branch | None = trunk
    for name in path.split(".")[1:]:
        at = at.children.get(name) if at else None
    return at
