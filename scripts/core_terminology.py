"""Reduce HL7's published code systems and value sets to `terminology/data/core.json.gz`.

    npm pack hl7.fhir.r4.examples@4.0.1 hl7.terminology.r4@7.0.1        # both CC0; run it in an empty folder
    python scripts/core_terminology.py hl7.fhir.r4.examples-4.0.1.tgz hl7.terminology.r4-7.0.1.tgz

Later packages win over earlier ones. Kept are codes, displays, parents, status and versions of complete code systems,
and the composition of value sets. Left out are texts, and every value set that lists codes of SNOMED CT, LOINC or
another system whose publisher does not let them be handed on.
"""

import gzip
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "terminology" / "data" / "core.json.gz"
OPEN = ("http://terminology.hl7.org/", "http://hl7.org/fhir/", "urn:ietf:bcp:", "urn:iso:std:iso:3166")
CLOSED = ("http://hl7.org/fhir/sid/", "http://hl7.org/fhir/test")
HIERARCHIES = ("parent", "subsumedBy")
STATUSES = ("status", "inactive", "notSelectable", "deprecated")
Json = dict[str, Any]


def main() -> None:
    """Read the packages named on the command line and write the data file."""
    systems: Json = {}
    sets: Json = {}
    for path in map(Path, sys.argv[1:]):
        for doc in read_package(path):
            url = doc.get("url", "")
            if doc["resourceType"] == "CodeSystem" and is_open(url) and doc.get("content") == "complete":
                systems[url] = reduce_system(doc)
            elif doc["resourceType"] == "ValueSet" and is_open(url) and (compose := reduce_compose(doc)):
                sets[url] = {"version": doc.get("version", ""), "name": doc.get("name", ""), "compose": compose}
    data = {"systems": dict(sorted(systems.items())), "sets": dict(sorted(sets.items()))}
    OUT.write_bytes(gzip.compress(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0))
    count = sum(len(one["concepts"]) for one in systems.values())
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes, {len(systems)} systems, {count} codes, {len(sets)} value sets")


def read_package(path: Path) -> Iterator[Json]:
    """Yield every code system and value set of a package, in the order of their names."""
    with tarfile.open(path) as archive:
        named = [m for m in archive if Path(m.name).name.startswith(("CodeSystem-", "ValueSet-"))]
        for member in sorted(named, key=lambda one: one.name):
            opened = archive.extractfile(member)
            assert opened is not None
            yield json.load(opened)


def is_open(url: str) -> bool:
    """Tell whether the codes of a system may be handed on."""
    return url.startswith(OPEN) and not url.startswith(CLOSED)


def reduce_system(doc: Json) -> Json:
    """Return version, name, rules and concepts: [code, display, places of the parents, status properties]."""
    concepts: list[list[Any]] = []
    places: dict[str, int] = {}
    later: list[tuple[int, str]] = []
    names = {one["code"] for one in doc.get("property", [])}

    def add(one: Json, above: list[int]) -> None:
        at = places[one["code"]] = len(concepts)
        said = {p["code"]: next(v for k, v in p.items() if k.startswith("value")) for p in one.get("property", [])}
        later.extend((at, said[name]) for name in HIERARCHIES if isinstance(said.get(name), str))
        flags = {name: said[name] for name in STATUSES if name in said and name in names}
        row = [one["code"], one.get("display", ""), above, flags]
        concepts.append(row)
        for child in one.get("concept", []):
            if child["code"] not in places:
                add(child, [at])

    for one in doc.get("concept", []):
        add(one, [])
    for at, code in later:
        if code in places and places[code] not in concepts[at][2] and places[code] != at:
            concepts[at][2].append(places[code])
    for row in concepts:
        while row and not row[-1]:
            row.pop()
    kept = {"version": doc.get("version", ""), "name": doc.get("name", ""), "concepts": concepts}
    uris = {one["code"]: one.get("uri", "") for one in doc.get("property", []) if one["code"] in STATUSES}
    status = {"status": doc["status"]} if doc.get("status", "active") != "active" else {}
    sensitive = {} if doc.get("caseSensitive", True) else {"caseSensitive": False}
    return {**kept, **({"uris": uris} if uris else {}), **status, **sensitive}


def reduce_compose(doc: Json) -> Json | None:
    """Return how a value set is made, without displays; None when it lists codes that may not be handed on."""
    compose = doc.get("compose", {})
    made: Json = {}
    for side in ("include", "exclude"):
        for part in compose.get(side, []):
            if part.get("concept") and not is_open(part.get("system", "")):
                return None
            kept = {name: part[name] for name in ("system", "version", "valueSet", "filter") if name in part}
            if "concept" in part:
                kept["concept"] = [{"code": one["code"]} for one in part["concept"]]
            made.setdefault(side, []).append(kept)
    return made or None


if __name__ == "__main__":
    main()
