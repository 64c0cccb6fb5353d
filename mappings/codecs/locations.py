"""PL <-> Location: the innermost place with its whole path as identifier (v2.9 2A.3.PL).

The hierarchy above it belongs to organisation units; the path keeps it, and makes the codec reversible.
"""

from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.identifiers import authority_of, joined, parts, system_of
from mappings.er7 import Encoding, escape
from mappings.scope import Scope

PATH = "urn:tracker-hub:v2-location"
TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
# Component index -> physical type, innermost first.
LEVELS = {2: "bd", 1: "ro", 0: "wa", 7: "lvl", 6: "bu", 3: "si"}
_PLAIN = Encoding()


def location(depth: int) -> Codec:
    """Return the codec of PL at `depth`."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        raw = text.split(scope.marks[depth])
        raw += [""] * (11 - len(raw))
        names = [parts(piece, scope.marks[depth + 1], scope) for piece in raw]
        level = next((index for index in LEVELS if names[index][0]), None)
        if level is None:
            return MISSING
        return {**made(names, level), **described(names, scope)}

    def encode(value: Any, scope: Scope, _old: str) -> str | None:
        if not isinstance(value, dict):
            return None
        pieces = path_of(value)
        if not any(any(piece) for piece in pieces):
            return None
        pieces += [[""]] * (11 - len(pieces))
        if value.get("description"):
            pieces[8] = [value["description"]]
        status = value.get("operationalStatus") or {}
        if status.get("system") == STATUS:
            pieces[4] = [status.get("code", "")]
        for identifier in value.get("identifier") or ():
            if identifier.get("system") != PATH and identifier.get("value"):
                known = authority_of(identifier["system"], scope) if identifier.get("system") else ()
                pieces[9] = [identifier["value"], *known]
        mark, inner = scope.marks[depth], scope.marks[depth + 1]
        return mark.join(joined(piece, inner, scope) for piece in pieces).rstrip(mark)

    owns = ("identifier", "name", "mode", "physicalType", "description", "operationalStatus")
    targets = ("identifier", "mode", "physicalType.coding.code", "physicalType.coding.system", "description", "name")
    return Codec("PL", decode, encode, "raw", owns, targets=(*targets, "operationalStatus", "identifier.assigner"))


def place_part(depth: int, name: str) -> Codec:
    """Return the codec of PL <-> one part of the Location that it names: the path of its identifier, or its name."""
    whole = location(depth)

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        found = whole.decode(text, scope, None)
        if found is MISSING:
            return MISSING
        return found["identifier"][0]["value"] if name == "place_path" else found["name"]

    def encode(value: Any, scope: Scope, _old: str) -> str | None:
        text = whole.encode({"identifier": [{"system": PATH, "value": value}]}, scope, "")
        return None if text is None else str(text)

    return Codec(name, decode, encode, "raw")


def made(names: list[list[str]], level: int) -> dict[str, Any]:
    """Return the Location of the innermost level, identified by its path."""
    path = [names[index] if index in LEVELS else [""] for index in range(8)]
    text = "^".join("&".join(escape(sub, _PLAIN) for sub in piece).rstrip("&") for piece in path).rstrip("^")
    return {
        "identifier": [{"system": PATH, "value": text}],
        "name": names[level][0],
        "mode": "instance",
        "physicalType": {"coding": [{"system": TYPE, "code": LEVELS[level]}]},
    }


def described(names: list[list[str]], scope: Scope) -> dict[str, Any]:
    """Return what the rest of PL says of the place; its own identifier (PL.10) stands beside the path."""
    out: dict[str, Any] = {}
    if names[8][0]:
        out["description"] = names[8][0]
    if names[4][0]:
        out["operationalStatus"] = {"system": STATUS, "code": names[4][0]}
    if names[9][0]:
        namespace, universal, kind = [*names[9][1:], "", "", ""][:3]
        system = system_of(namespace, universal, kind, scope)
        own = {"system": system, "value": names[9][0]} if system else {"value": names[9][0]}
        path = made(names, next(index for index in LEVELS if names[index][0]))["identifier"]
        out["identifier"] = [*path, own]
    return out


def path_of(value: dict[str, Any]) -> list[list[str]]:
    """Return the components of a Location's path; one that came another way is a point of care by its name."""
    scope = Scope()
    for identifier in value.get("identifier") or ():
        if identifier.get("system") == PATH:
            return [parts(piece, "&", scope) for piece in identifier.get("value", "").split("^")]
    first = next((i.get("value", "") for i in value.get("identifier") or ()), "")
    return [[value.get("name") or first]]
