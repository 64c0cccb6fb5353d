"""Code systems published as tables: a local dictionary, ICD-11's simple tabulation, LOINC, HAPI's custom zip."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from terminology.concepts import Concept, Designation, Edition
from terminology.errors import Refused
from terminology.loaders import fhir, files

LOINC = "http://loinc.org"
ICD11 = "http://id.who.int/icd/release/11/mms"
_OWN = ("code", "display", "parent", "definition")


def read_dictionary(path: Path) -> Iterator[Concept]:
    """Yield the rows of a CSV with columns `code` and `display`; `parent` may name several codes, parted by `|`.

    A column `display:fr` is a designation in that language; every other column is a property.
    """
    for place, row in files.rows(path, path.name, ("code", "display")):
        said = {name.partition(":")[2]: value for name, value in row.items() if name.startswith("display:") and value}
        extra = {name: v for name, v in row.items() if name not in _OWN and not name.startswith("display:") and v}
        yield Concept(
            code=_code(row["code"], place),
            display=row["display"],
            parents=tuple(code.strip() for code in row.get("parent", "").split("|") if code.strip()),
            properties=dict(extra),
            where=place,
            definition=row.get("definition", ""),
            designations=tuple(Designation(value, language) for language, value in said.items()),
        )


def read_icd11(path: Path) -> Iterator[Concept]:
    """Yield WHO's simple tabulation of ICD-11 MMS: the dashes before a title say how deep it stands.

    Chapters and blocks have no code of their own there: their chapter number or block id stands for it.
    """
    above: list[str] = []
    for place, row in files.rows(path, "*", ("Code", "Title", "ClassKind"), tabs=True):
        title = row["Title"].strip().strip('"')
        bare = title.lstrip("- ")
        depth = title[: len(title) - len(bare)].count("-")
        code = _code(row["Code"] or row.get("BlockId", "") or row.get("ChapterNo", ""), place)
        if depth > len(above):
            raise Refused(f"{code} stands {depth} deep below nothing", place)
        del above[depth:]
        uri = row.get("Linearization URI") or row.get("Linearization (release) URI", "")
        yield Concept(code, bare, (above[-1],) if above else (), row["ClassKind"], {"uri": uri} if uri else {}, place)
        above.append(code)


def read_loinc(path: Path) -> Iterator[Concept]:
    """Yield LOINC's terms, with their six parts and status, below the component hierarchy where the release has it."""
    parents = _loinc_parents(path) if files.has(path, "ComponentHierarchyBySystem.csv") else {}
    groups = {code: text for code, (text, _) in parents.items() if code.startswith("LP")}
    for code, text in groups.items():
        yield Concept(code, text, tuple(sorted(parents[code][1] & groups.keys())), "part")
    for place, row in files.rows(path, "Loinc.csv", ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS")):
        code = _code(row["LOINC_NUM"], place)
        axes = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS", "STATUS")
        short = row.get("SHORTNAME", "")
        yield Concept(
            code=code,
            display=row["LONG_COMMON_NAME"],
            parents=tuple(sorted(parents.get(code, ("", set()))[1] & groups.keys())),
            properties={axis: row[axis] for axis in axes if row.get(axis)}
            | ({"inactive": True} if row["STATUS"] in ("DEPRECATED", "DISCOURAGED") else {}),
            where=place,
            designations=(Designation(short, "en"),) if short else (),
        )


def _loinc_parents(path: Path) -> dict[str, tuple[str, set[str]]]:
    found: dict[str, tuple[str, set[str]]] = {}
    for _, row in files.rows(path, "ComponentHierarchyBySystem.csv", ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT")):
        parents = found.setdefault(row["CODE"], (row["CODE_TEXT"], set()))[1]
        if row["IMMEDIATE_PARENT"]:
            parents.add(row["IMMEDIATE_PARENT"])
    return found


def read_custom_edition(path: Path) -> Edition:
    """Return the edition of a zip with `codesystem.json`, `concepts.csv`, `hierarchy.csv` and `properties.csv`."""
    with files.opened(path, files.find(path, "codesystem.json")) as raw:
        return fhir.read_edition(orjson.loads(raw.read()), path.name)


def read_custom(path: Path) -> Iterator[Concept]:
    """Yield the concepts of such a zip; hierarchy and properties are optional."""
    parents: dict[str, list[str]] = {}
    if files.has(path, "hierarchy.csv"):
        for _, row in files.rows(path, "hierarchy.csv", ("PARENT", "CHILD")):
            parents.setdefault(row["CHILD"], []).append(row["PARENT"])
    properties: dict[str, dict[str, object]] = {}
    if files.has(path, "properties.csv"):
        for _, row in files.rows(path, "properties.csv", ("CODE", "KEY", "VALUE")):
            properties.setdefault(row["CODE"], {})[row["KEY"]] = row["VALUE"]
    for place, row in files.rows(path, "concepts.csv", ("CODE", "DISPLAY")):
        code = _code(row["CODE"], place)
        yield Concept(code, row["DISPLAY"], tuple(parents.get(code, ())), "", properties.get(code, {}), place)


def _code(text: str, place: str) -> str:
    code = text.strip()
    if not code:
        raise Refused("a row without a code", place)
    return code
