"""Reduce the published FHIR R4 definitions to `tracker_core/records/data/r4.json.gz`.

    npm pack hl7.fhir.r4.examples@4.0.1        # CC0, 18.8 MB; run it in an empty folder
    python scripts/fhir_definitions.py hl7.fhir.r4.examples-4.0.1.tgz

Numbers of resource types and search parameters are stored in every index row: those that the present file gives stay.
"""

import gzip
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "tracker_core" / "records" / "data" / "r4.json.gz"
BASE = "http://hl7.org/fhir/StructureDefinition/"
UNIVERSAL = ("Resource", "DomainResource")
Json = dict[str, Any]


def main() -> None:
    """Read the package named on the command line and write the data file."""
    files = read_package(Path(sys.argv[1]))
    structures = [f for f in files if f["resourceType"] == "StructureDefinition" and is_base(f)]
    value_sets = expand_all(files)
    before = json.loads(gzip.decompress(OUT.read_bytes())) if OUT.exists() else {"types": {}, "parameters": {}}
    elements, used = reduce_structures(structures, value_sets)
    types = [s["type"] for s in structures if s["kind"] == "resource" and not s["abstract"]]
    data = {
        "version": "4.0.1",
        "types": number(sorted(types), before["types"]),
        "primitives": {s["type"]: primitive_pattern(s) for s in structures if s["kind"] == "primitive-type"},
        "elements": elements,
        "codes": {url: value_sets[url] for url in sorted(used)},
        "parameters": reduce_parameters(files, sorted(types), before["parameters"]),
        "compartments": reduce_compartments(files),
    }
    OUT.parent.mkdir(exist_ok=True)
    # The order of elements is theirs in XML; everything else was put in order above.
    OUT.write_bytes(gzip.compress(json.dumps(data, separators=(",", ":")).encode(), mtime=0))
    count = sum(map(len, data["parameters"].values()))
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes, {len(types)} types, {count} parameters")


def read_package(path: Path) -> list[Json]:
    """Return every definition in the package."""
    kinds = ("StructureDefinition-", "SearchParameter-", "ValueSet-", "CodeSystem-", "CompartmentDefinition-")
    with tarfile.open(path) as archive:
        members = [m for m in archive if Path(m.name).name.startswith(kinds)]
        return [json.load(archive.extractfile(m)) for m in sorted(members, key=lambda m: m.name)]  # type: ignore[arg-type]


def is_base(structure: Json) -> bool:
    """Tell a type of FHIR itself from profiles and logical models."""
    return (
        structure.get("derivation") != "constraint"
        and structure["kind"] != "logical"
        and structure["url"] == BASE + structure["type"]
    )


def reduce_structures(structures: list[Json], value_sets: dict[str, list[str]]) -> tuple[Json, set[str]]:
    """Return {structure: {element: row of `reduce_element`}}, elements in their order, and the code lists used."""
    out: Json = {}
    used: set[str] = set()
    for structure in structures:
        out[structure["type"]] = {}
        if structure["kind"] == "primitive-type":
            continue
        for element in structure["snapshot"]["element"][1:]:
            parent, _, name = element["path"].rpartition(".")
            row = reduce_element(element, value_sets)
            if row[4]:
                used.add(row[4])
            out.setdefault(parent, {})[name] = row
    return out, used


def reduce_element(element: Json, value_sets: dict[str, list[str]]) -> list[Any]:
    """Return one element as `[types, required, list, targets, code list, flags]`.

    Flags: `s` for what a summary shows, `m` for what changes the meaning of the rest, `a` for attributes in XML.
    """
    if "contentReference" in element:
        types = [element["contentReference"]]
    else:
        types = [type_code(t) for t in element.get("type", [])]
    targets = {p.removeprefix(BASE) for t in element.get("type", []) for p in t.get("targetProfile", [])}
    binding = element.get("binding", {})
    url = binding.get("valueSet", "").partition("|")[0] if binding.get("strength") == "required" else ""
    return [
        types,
        int(element["min"] > 0),
        int(element["max"] != "1"),
        sorted(targets),
        url if url in value_sets else "",
        "s" * bool(element.get("isSummary"))
        + "m" * bool(element.get("isModifier"))
        + "a" * ("xmlAttr" in element.get("representation", [])),
    ]


def type_code(kind: Json) -> str:
    """Return the type's name; FHIRPath system types stand for the FHIR type they are written as."""
    code: str = kind["code"]
    if not code.startswith("http://hl7.org/fhirpath/"):
        return code
    declared = [x["valueUrl"] for x in kind.get("extension", []) if x["url"].endswith("structuredefinition-fhir-type")]
    return declared[0] if declared else "string"


def primitive_pattern(structure: Json) -> str:
    """Return the regular expression of a primitive type, or empty."""
    for element in structure["snapshot"]["element"]:
        if element["path"].endswith(".value"):
            for extension in element["type"][0].get("extension", []):
                if extension["url"].endswith("/regex"):
                    return str(extension["valueString"])
    return ""


def expand_all(files: list[Json]) -> dict[str, list[str]]:
    """Return the codes of every value set that enumerates complete code systems or lists."""
    systems = {f["url"]: f for f in files if f["resourceType"] == "CodeSystem" and f.get("content") == "complete"}
    out = {}
    for value_set in (f for f in files if f["resourceType"] == "ValueSet"):
        codes = expand(value_set, systems)
        if codes:
            out[value_set["url"]] = sorted(codes)
    return out


def expand(value_set: Json, systems: dict[str, Json]) -> set[str] | None:
    """Return the codes of one value set, or None when it does not enumerate them."""
    out: set[str] = set()
    compose = value_set.get("compose", {})
    if "exclude" in compose:
        return None
    for include in compose.get("include", []):
        if "filter" in include or "valueSet" in include:
            return None
        if "concept" in include:
            out.update(c["code"] for c in include["concept"])
        elif include.get("system") in systems:
            out.update(all_codes(systems[include["system"]].get("concept", [])))
        else:
            return None
    return out


def all_codes(concepts: list[Json]) -> set[str]:
    """Return the codes of a concept tree."""
    out = set()
    for concept in concepts:
        out.add(concept["code"])
        out |= all_codes(concept.get("concept", []))
    return out


def reduce_parameters(files: list[Json], types: list[str], before: Json) -> Json:
    """Return {type: {code: {n, type, expression, targets, components}}} for the specification's own parameters."""
    found = [f for f in files if f["resourceType"] == "SearchParameter" and is_standard(f)]
    by_url = {f["url"]: f["code"] for f in found}
    flat: dict[str, Json] = {}
    for parameter in found:
        for base in types if parameter["base"][0] in UNIVERSAL else parameter["base"]:
            flat[f"{base}.{parameter['code']}"] = reduce_parameter(parameter, by_url)
    known = {f"{t}.{c}": p["n"] for t, ps in before.items() for c, p in ps.items()}
    out: Json = {}
    for key, n in number(sorted(flat), known).items():
        base, _, code = key.partition(".")
        out.setdefault(base, {})[code] = {"n": n, **flat[key]}
    return out


def is_standard(parameter: Json) -> bool:
    """Tell the parameters of the specification from examples and those of profiles."""
    name = parameter["url"].removeprefix("http://hl7.org/fhir/SearchParameter/")
    return (
        not name.startswith("example") and "-extensions-" not in name and "-genetic-" not in name and name != "filter"
    )


def reduce_parameter(parameter: Json, by_url: dict[str, str]) -> Json:
    """Return what indexing and searching need of one parameter."""
    out = {"type": parameter["type"], "expression": parameter.get("expression", "")}
    if parameter.get("target"):
        out["targets"] = parameter["target"]
    if parameter.get("component"):
        out["components"] = [[by_url[c["definition"]], c["expression"]] for c in parameter["component"]]
    return out


def reduce_compartments(files: list[Json]) -> Json:
    """Return {compartment: {type: parameters that put a record into it}}; `{def}` stands for the record itself."""
    found = [f for f in files if f["resourceType"] == "CompartmentDefinition" and f["id"] != "example"]
    return {f["code"]: {r["code"]: r["param"] for r in f["resource"] if r.get("param")} for f in found}


def number(names: list[str], before: Json) -> dict[str, int]:
    """Number `names`, keeping the numbers given before."""
    out = {name: before[name] for name in names if name in before}
    following = max(before.values(), default=0) + 1
    for name in names:
        if name not in out:
            out[name] = following
            following += 1
    return out


if __name__ == "__main__":
    main()
