"""SNOMED CT in RF2 snapshot form (Release File Specification 4.2): concepts, descriptions, is-a relationships."""

from collections.abc import Iterator
from pathlib import Path

from terminology.concepts import Concept, Designation, Edition
from terminology.errors import Refused
from terminology.loaders import files

SYSTEM = "http://snomed.info/sct"
IS_A, FSN = "116680003", "900000000000003001"
_CONCEPTS, _DESCRIPTIONS = "sct2_Concept_Snapshot_*.txt", "sct2_Description_Snapshot*.txt"
_RELATIONSHIPS = "sct2_Relationship_Snapshot_*.txt"


def read_edition(path: Path, module: str = "900000000000207008") -> Edition:
    """Return the edition of a release: its date stands in the name of the concept file."""
    name = files.find(path, _CONCEPTS).rpartition("/")[2]
    date = name.rpartition("_")[2].removesuffix(".txt")
    if not date.isdigit():
        raise Refused("the name of the concept file ends in no date", name)
    return Edition(SYSTEM, f"{SYSTEM}/{module}/version/{date}", "SNOMED CT", path.name)


def read_concepts(path: Path) -> Iterator[Concept]:
    """Yield every concept, inactive ones too, with the parents of active is-a relationships.

    The display is the first active synonym, else the fully specified name, which is a designation always.
    """
    parents: dict[str, list[str]] = {}
    needed = ("active", "sourceId", "destinationId", "typeId")
    for _, row in files.rows(path, _RELATIONSHIPS, needed, tabs=True):
        if row["active"] == "1" and row["typeId"] == IS_A:
            parents.setdefault(row["sourceId"], []).append(row["destinationId"])
    said = _descriptions(path)
    for place, row in files.rows(path, _CONCEPTS, ("id", "active"), tabs=True):
        code, active = row["id"], row["active"] == "1"
        wordings = said.get(code, [])
        names = [one for one in wordings if (one.use or {}).get("code") != FSN] or wordings
        yield Concept(
            code=code,
            display=names[0].value if names else "",
            parents=tuple(dict.fromkeys(parents.get(code, ()))),
            properties={} if active else {"inactive": True},
            where=place,
            designations=tuple(one for one in wordings if not names or one != names[0]),
        )


def _descriptions(path: Path) -> dict[str, list[Designation]]:
    found: dict[str, list[Designation]] = {}
    needed = ("active", "conceptId", "languageCode", "typeId", "term")
    for _, row in files.rows(path, _DESCRIPTIONS, needed, tabs=True):
        if row["active"] == "1":
            use = {"system": SYSTEM, "code": row["typeId"]}
            found.setdefault(row["conceptId"], []).append(Designation(row["term"], row["languageCode"], use))
    return found
