"""What the commands `terms load …` do. The caller commits, then refreshes snapshots."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from terminology import icd10_map, published, snapshots, store
from terminology.concepts import Edition, Loaded
from terminology.errors import Refused
from terminology.icd10 import SYSTEM, SYSTEM_CM
from terminology.library import Document
from terminology.loaders import claml, fhir, icd10_package, ocl, package, rf2, tables, ucum
from terminology.store import Session

Progress = Callable[[int], None]
T = TypeVar("T")


@dataclass(slots=True)
class Read:
    """What came of a load: editions stored, other resources by kind, and what was left out, with place and reason."""

    loaded: list[Loaded] = field(default_factory=list)
    resources: dict[str, int] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)


def load_icd10(session: Session, tell: Progress | None = None) -> Loaded:
    """Load WHO's ICD-10 from the installed package. Raises `NotInstalled` when the extra `icd10` is not installed."""
    return store.load(session, icd10_package.EDITION, counted(icd10_package.read_concepts(), tell))


def load_icd10cm(session: Session, tell: Progress | None = None) -> Loaded:
    """Load ICD-10-CM from the installed package. Raises `NotInstalled` when the extra `icd10cm` is not installed."""
    return store.load(session, icd10_package.read_cm_edition(), counted(icd10_package.read_cm_concepts(), tell))


def load_claml(
    session: Session, path: Path, url: str = SYSTEM, language: str = "", tell: Progress | None = None
) -> Loaded:
    """Load a ClaML file as the code system `url`. Raises `Refused` with the place; what was served stays served."""
    return store.load(session, claml.read_edition(path, url), counted(claml.read_concepts(path, language), tell))


def load_icd11(session: Session, path: Path, version: str, tell: Progress | None = None) -> Loaded:
    """Load WHO's simple tabulation of ICD-11."""
    edition = Edition(tables.ICD11, version, "ICD-11 MMS", path.name)
    return store.load(session, edition, counted(tables.read_icd11(path), tell))


def load_loinc(session: Session, path: Path, version: str, tell: Progress | None = None) -> Loaded:
    """Load a LOINC release, a zip or its folder."""
    edition = Edition(tables.LOINC, version, "LOINC", path.name)
    return store.load(session, edition, counted(tables.read_loinc(path), tell))


def load_snomed(session: Session, path: Path, tell: Progress | None = None) -> Loaded:
    """Load a SNOMED CT release in RF2, a zip or its folder."""
    return store.load(session, rf2.read_edition(path), counted(rf2.read_concepts(path), tell))


def load_custom(session: Session, path: Path, tell: Progress | None = None) -> Loaded:
    """Load a zip of `codesystem.json`, `concepts.csv`, `hierarchy.csv` and `properties.csv`."""
    return store.load(session, tables.read_custom_edition(path), counted(tables.read_custom(path), tell))


def load_dictionary(session: Session, path: Path, edition: Edition, tell: Progress | None = None) -> Loaded:
    """Load a CSV of a local dictionary."""
    return store.load(session, edition, counted(tables.read_dictionary(path), tell))


def load_ucum(session: Session, path: Path, tell: Progress | None = None) -> Loaded:
    """Load `ucum-essence.xml`."""
    return store.load(session, ucum.read_edition(path), counted(ucum.read_concepts(path), tell))


def derive_icd10_map(session: Session) -> int:
    """Make the map from the ICD-10-CM that is served to the ICD-10 that is served; return how many codes it has."""
    cm, who = snapshots.current(session, SYSTEM_CM), snapshots.current(session, SYSTEM)
    if cm is None or who is None:
        raise Refused("both are needed: terms load icd10, terms load icd10cm", SYSTEM if cm else SYSTEM_CM)
    doc = icd10_map.build(cm, who)
    published.save(session, [doc])
    return len(doc["group"][0]["element"])


def load_ocl(session: Session, path: Path, tell: Progress | None = None) -> Read:
    """Load an export of Open Concept Lab: its concepts, and its mappings as concept maps."""
    export = ocl.read(path)
    read = Read([store.load(session, ocl.read_edition(export), counted(ocl.read_concepts(export), tell))])
    read.resources["ConceptMap"] = published.save(session, ocl.read_maps(export))
    return read


def load_fhir(session: Session, path: Path, tell: Progress | None = None) -> Read:
    """Load the code systems, value sets, concept maps and naming systems of a FHIR package or file.

    Code systems without content, and supplements, are left out and told. A code system that is refused refuses all; so
    does a map of codes that a loaded system does not have.
    """
    read = Read()
    others: dict[str, list[Document]] = {}
    maps: list[tuple[str, Document]] = []
    for place, doc in counted(package.read_resources(path), tell):
        if doc["resourceType"] == "ConceptMap":
            maps.append((place, doc))
        if doc["resourceType"] != "CodeSystem":
            others.setdefault(doc["resourceType"], []).append(doc)
        elif doc.get("content") in ("not-present", "supplement") or not doc.get("concept"):
            read.left.append((place, f"content is {doc.get('content', 'empty')}"))
        else:
            read.loaded.append(_load_system(session, place, doc, path.name))
    for place, doc in maps:
        check_map(session, place, doc)
    for kind, docs in others.items():
        read.resources[kind] = published.save(session, docs)
    if not read.loaded and not read.resources and not read.left:
        raise Refused("there is no CodeSystem, ValueSet, ConceptMap or NamingSystem in it", path.name)
    return read


def check_map(session: Session, place: str, doc: Document) -> None:
    """Refuse a map from or to a code that its system does not have, where that system is loaded whole."""
    for at, group in enumerate(doc.get("group", [])):
        elements = group.get("element", [])
        targets = [target for element in elements for target in element.get("target", [])]
        for side, codes in (("source", elements), ("target", targets)):
            system = snapshots.current(session, group.get(side, ""))
            if system is None or system.edition.traits.content != "complete":
                continue
            missing = [one["code"] for one in codes if one.get("code") and system.find(one["code"]) is None]
            if missing:
                edition = system.edition
                text = f"{side} code {missing[0]} is not in {edition.url} {edition.version}".rstrip()
                raise Refused(text, f"{place} group[{at}]")


def _load_system(session: Session, place: str, doc: Document, source: str) -> Loaded:
    try:
        return store.load(session, fhir.read_edition(doc, source), fhir.read_concepts(doc))
    except Refused as refused:
        raise Refused(refused.detail, f"{place} {refused.where}".strip()) from refused


def counted(items: Iterable[T], tell: Progress | None) -> Iterator[T]:
    """Yield `items`, telling how many went by."""
    for number, item in enumerate(items, 1):
        if tell is not None and number % 256 == 0:
            tell(number)
        yield item
