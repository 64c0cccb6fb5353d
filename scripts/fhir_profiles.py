"""Reduce the StructureDefinitions of FHIR R4 to `tracker_core/profiles/data/r4.json.gz`: what validation asks of them.

    npm pack hl7.fhir.r4.examples@4.0.1        # CC0, 18.8 MB; run it in an empty folder
    python scripts/fhir_profiles.py hl7.fhir.r4.examples-4.0.1.tgz

Types keep their snapshots, profiles and extensions their differentials. Texts for people are left out, but those that
say what an invariant wants.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from fhir_definitions import read_package

OUT = Path(__file__).parent.parent / "tracker_core" / "profiles" / "data" / "r4.json.gz"
BASE = "http://hl7.org/fhir/StructureDefinition/"
HEAD = ("url", "name", "kind", "abstract", "type", "baseDefinition", "derivation", "context")
KEPT = ("id", "path", "sliceName", "slicing", "min", "max", "type", "maxLength", "contentReference")
# These hold for every element and every extension: they are asked of the types, not of each place.
EVERYWHERE = {"ele-1": "Element", "ext-1": "Extension"}
Json = dict[str, Any]


def main() -> None:
    """Read the package named on the command line and write the data file."""
    found = [f for f in read_package(Path(sys.argv[1])) if f["resourceType"] == "StructureDefinition"]
    kept = [reduce_structure(one) for one in found if is_standard(one)]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(gzip.compress(json.dumps(kept, separators=(",", ":")).encode(), mtime=0))
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes, {len(kept)} structures")


def is_standard(one: Json) -> bool:
    """Tell the specification's own types, profiles and extensions from examples and logical models."""
    return bool(one["url"].startswith(BASE)) and one["kind"] != "logical" and "differential" in one


def reduce_structure(one: Json) -> Json:
    """Return one structure with its elements: of a type all of them, of a profile what it changes."""
    type_ = one.get("derivation") != "constraint"
    elements = one["snapshot" if type_ else "differential"]["element"]
    made: Json = {key: one[key] for key in HEAD if key in one}
    if "context" in made:
        made["context"] = [{key: each[key] for key in ("type", "expression")} for each in made["context"]]
    form = "snapshot" if type_ else "differential"
    made[form] = {"element": [reduce_element(each, one["type"]) for each in elements]}
    return made


def reduce_element(element: Json, type_: str) -> Json:
    """Return what is asked of one element; an id that repeats the path is left out."""
    made: Json = {key: element[key] for key in KEPT if key in element}
    made |= {key: value for key, value in element.items() if key.startswith(("fixed", "pattern", "minV", "maxV"))}
    if made.get("id") == made["path"]:
        del made["id"]
    if "type" in made:
        made["type"] = [reduce_type(each) for each in made["type"]]
    binding = element.get("binding", {})
    if binding.get("valueSet") and binding["strength"] != "example":
        made["binding"] = {"strength": binding["strength"], "valueSet": binding["valueSet"]}
    own = [each for each in element.get("constraint", []) if EVERYWHERE.get(each["key"], type_) == type_]
    if own and not ("ele-1" in {each["key"] for each in own} and "." in made["path"]):
        made["constraint"] = [reduce_constraint(each) for each in own if "expression" in each]
    return made


def reduce_type(one: Json) -> Json:
    """Return code, profiles, targets and aggregation of one type; FHIRPath's types as the FHIR type they are."""
    made = {key: one[key] for key in ("code", "profile", "targetProfile", "aggregation") if key in one}
    declared = [x["valueUrl"] for x in one.get("extension", []) if x["url"].endswith("structuredefinition-fhir-type")]
    if made["code"].startswith("http://hl7.org/fhirpath/"):
        made["code"] = declared[0] if declared else "string"
    return made


def reduce_constraint(one: Json) -> Json:
    """Return key, severity, text and expression of an invariant."""
    made = {key: one[key] for key in ("key", "severity", "human", "expression")}
    # R4 asks for FHIRPath's own type where an element's is meant: no answer would ever have it (que-7).
    return made | {"expression": made["expression"].replace("answer is Boolean", "answer is boolean")}


if __name__ == "__main__":
    main()
