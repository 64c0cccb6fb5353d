"""Exports of Open Concept Lab (a source version's `export.json`, alone or zipped): CIEL and other dictionaries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from terminology.concepts import Concept, Designation, Edition
from terminology.errors import Refused
from terminology.library import Document
from terminology.loaders import files

BASE = "https://api.openconceptlab.org"
# OCL's map types -> how the target stands to the source (R4 concept-map-equivalence).
_EQUIVALENCES = {"SAME-AS": "equivalent", "NARROWER-THAN": "wider", "BROADER-THAN": "narrower"}


def read(path: Path) -> Document:
    """Return the export. Raises `Refused` when the file is none."""
    with files.opened(path, files.find(path, "*.json")) as raw:
        try:
            doc = orjson.loads(raw.read())
        except ValueError as error:
            raise Refused(f"the export is not JSON: {error}", path.name) from error
    if not isinstance(doc, dict) or "concepts" not in doc:
        raise Refused("an export of Open Concept Lab has `concepts`", path.name)
    return doc


def read_edition(export: Document) -> Edition:
    """Return the edition: the source's canonical url if it has one, else its address in OCL."""
    source = export.get("source", export)
    url = source.get("canonical_url") or f"{BASE}{source.get('url', '').rstrip('/')}"
    return Edition(url, str(export.get("id", "")), source.get("short_code") or source.get("name", ""), "OCL export")


def read_concepts(export: Document) -> Iterator[Concept]:
    """Yield the concepts with every name; the locale's preferred name in the source's language is the display."""
    language = export.get("source", export).get("default_locale", "en")
    for at, one in enumerate(export["concepts"]):
        names = [n for n in one.get("names") or [] if n.get("name")]
        best = sorted(names, key=lambda n: (n.get("locale") != language, not n.get("locale_preferred")))
        yield Concept(
            code=str(one.get("id", "")),
            display=best[0]["name"] if best else one.get("display_name", ""),
            kind=one.get("concept_class", ""),
            properties=_properties(one),
            where=f"concepts[{at}]",
            designations=tuple(Designation(n["name"], n.get("locale", "")) for n in best[1:]),
        )


def _properties(one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: one[name] for name in ("concept_class", "datatype", "external_id") if one.get(name)}
    return {**found, "inactive": True} if one.get("retired") else found


def read_maps(export: Document) -> list[Document]:
    """Return one ConceptMap per target source: SAME-AS is equivalent, NARROWER-THAN has a wider target."""
    url = read_edition(export).url
    groups: dict[str, dict[str, list[dict[str, str]]]] = {}
    for one in export.get("mappings") or []:
        equivalence = _EQUIVALENCES.get(one.get("map_type", ""))
        if equivalence and not one.get("retired") and one.get("to_concept_code"):
            target = f"{BASE}{one.get('to_source_url', '').rstrip('/')}"
            code = {"code": str(one["to_concept_code"]), "equivalence": equivalence}
            groups.setdefault(target, {}).setdefault(str(one.get("from_concept_code", "")), []).append(code)
    return [
        {
            "resourceType": "ConceptMap",
            "url": f"{url}/maps/{target.rpartition('/')[2]}",
            "status": "active",
            "group": [
                {
                    "source": url,
                    "target": target,
                    "element": [{"code": code, "target": targets} for code, targets in elements.items()],
                }
            ],
        }
        for target, elements in groups.items()
    ]
