"""Code systems as FHIR resources (R4 4.8 CodeSystem)."""

from collections.abc import Iterator
from typing import Any

from terminology.concepts import Concept, Designation, Edition, Traits
from terminology.errors import Refused

STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
_PARENTS = ("parent", "subsumedBy")


def read_edition(doc: dict[str, Any], source: str = "") -> Edition:
    """Return what a CodeSystem says of itself. Raises `Refused` when it has no url."""
    url = doc.get("url")
    if not url or doc.get("resourceType") != "CodeSystem":
        raise Refused("a CodeSystem with a url is expected", str(doc.get("id", "")))
    return Edition(url, doc.get("version", ""), doc.get("name", "") or url, source, _traits(doc))


def read_concepts(doc: dict[str, Any]) -> Iterator[Concept]:
    """Yield the concepts, nested ones below those around them; property `parent` adds further parents.

    A supplement's concepts come without a display of their own. Raises `Refused` for a concept without a code.
    """
    yield from _read(doc.get("concept", []), (), "concept")


def _read(concepts: list[dict[str, Any]], above: tuple[str, ...], where: str) -> Iterator[Concept]:
    for at, one in enumerate(concepts):
        place = f"{where}[{at}]"
        code = one.get("code")
        if not code:
            raise Refused("a concept without a code", place)
        properties = _properties(one)
        parents = [*above, *(code for name in _PARENTS for code in _listed(properties.get(name)))]
        yield Concept(
            code=code,
            display=one.get("display", ""),
            parents=tuple(dict.fromkeys(parents)),
            properties=properties,
            where=place,
            definition=one.get("definition", ""),
            designations=tuple(read_designation(said) for said in one.get("designation", [])),
        )
        yield from _read(one.get("concept", []), (code,), f"{place}.concept")


def read_designation(doc: dict[str, Any]) -> Designation:
    """Return one `designation` of a CodeSystem or of a value set's compose."""
    return Designation(doc.get("value", ""), doc.get("language", ""), doc.get("use"))


def _properties(concept: dict[str, Any]) -> dict[str, Any]:
    """Return property code -> value, or list of values where it repeats."""
    found: dict[str, Any] = {}
    for one in concept.get("property", []):
        value = next((v for k, v in one.items() if k.startswith("value")), None)
        code = one.get("code", "")
        found[code] = [*_listed(found[code]), value] if code in found else value
    return found


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _traits(doc: dict[str, Any]) -> Traits:
    standards = [e.get("valueCode", "") for e in doc.get("extension", []) if e.get("url") == STANDARDS_STATUS]
    declared = doc.get("property", [])
    return Traits(
        language=doc.get("language", ""),
        case_sensitive=doc.get("caseSensitive", True),
        content=doc.get("content", "complete"),
        supplements=doc.get("supplements", ""),
        status=doc.get("status", ""),
        standards=standards[0] if standards else "",
        experimental=doc.get("experimental", False),
        uris={one["code"]: one.get("uri", "") for one in declared},
        types={one["code"]: one.get("type", "") for one in declared},
    )
