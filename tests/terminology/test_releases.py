"""Loaders of published forms, on small invented releases: what is read, and what is refused, with its place."""

import json
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from terminology import loading, published, snapshots, store
from terminology.code_system import CodeSystem
from terminology.concepts import Edition
from terminology.errors import NotInstalled, Refused
from terminology.loaders import icd10_package, rf2, tables
from tracker_core.database import Session

SNOMED = {
    "Snapshot/Terminology/sct2_Concept_Snapshot_INT_20260101.txt": (
        "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n"
        "1\t20260101\t1\tm\td\n2\t20260101\t1\tm\td\n3\t20260101\t1\tm\td\n4\t20260101\t0\tm\td\n"
    ),
    "Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20260101.txt": (
        "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n"
        "11\t\t1\tm\t1\ten\t900000000000003001\tFinding (finding)\tc\n"
        "12\t\t1\tm\t1\ten\t900000000000013009\tFinding\tc\n"
        "13\t\t1\tm\t2\ten\t900000000000013009\tFever\tc\n"
        '14\t\t1\tm\t3\ten\t900000000000013009\tCough "dry"\tc\n'
        "15\t\t0\tm\t3\ten\t900000000000013009\tOld word\tc\n"
    ),
    "Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20260101.txt": (
        "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\n"
        "21\t\t1\tm\t2\t1\t0\t116680003\n22\t\t1\tm\t3\t1\t0\t116680003\n23\t\t1\tm\t3\t2\t0\t116680003\n"
        "24\t\t0\tm\t1\t3\t0\t116680003\n25\t\t1\tm\t1\t3\t0\t363698007\n"
    ),
}
LOINC = {
    "LoincTable/Loinc.csv": (
        '"LOINC_NUM","COMPONENT","PROPERTY","LONG_COMMON_NAME","SHORTNAME","STATUS"\n'
        '"1-8","Acyclo","Mass","Acyclo, invented","Acy","ACTIVE"\n'
        '"2-6","Bcyclo","Mass","Bcyclo, invented","","DEPRECATED"\n'
    ),
    "AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv": (
        "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n,1,,LP1-0,Chemistry\nLP1-0,1,LP1-0,1-8,Acyclo\n"
    ),
}
CUSTOM = {
    "codesystem.json": json.dumps(
        {"resourceType": "CodeSystem", "url": "urn:custom", "version": "3", "name": "Custom"}
    ),
    "concepts.csv": "CODE,DISPLAY\nA,Above\nB,Below\n",
    "hierarchy.csv": "PARENT,CHILD\nA,B\n",
    "properties.csv": "CODE,KEY,VALUE,TYPE\nB,colour,red,string\n",
}
OCL: dict[str, Any] = {
    "id": "v2026",
    "source": {"url": "/orgs/X/sources/DICT/", "short_code": "DICT", "default_locale": "en"},
    "concepts": [
        {
            "id": "100",
            "concept_class": "Diagnosis",
            "names": [
                {"name": "Paludisme", "locale": "fr", "locale_preferred": True},
                {"name": "Malaria", "locale": "en", "locale_preferred": True},
            ],
        },
        {"id": "101", "names": [{"name": "Old", "locale": "en"}], "retired": True},
    ],
    "mappings": [
        {
            "map_type": "SAME-AS",
            "from_concept_code": "100",
            "to_concept_code": "B54",
            "to_source_url": "/orgs/W/sources/I/",
        },
        {
            "map_type": "Q-AND-A",
            "from_concept_code": "100",
            "to_concept_code": "1",
            "to_source_url": "/orgs/W/sources/I/",
        },
    ],
}


def zipped(path: Path, files: dict[str, str]) -> Path:
    """Write `files` into a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def served(session: Session, url: str) -> CodeSystem:
    """Return the compiled version that is served."""
    found = snapshots.current(session, url)
    assert found is not None
    return found


def test_snomed_is_a_graph_with_wordings(session: Session, tmp_path: Path) -> None:
    """Active is-a relationships make the hierarchy; the synonym is shown, the full name is kept."""
    loaded = loading.load_snomed(session, zipped(tmp_path / "s.zip", SNOMED))
    system = served(session, rf2.SYSTEM)
    assert (loaded.edition.version, len(system)) == (f"{rf2.SYSTEM}/900000000000207008/version/20260101", 4)
    assert (system.subsumes("1", "3"), system.subsumes("2", "3"), system.subsumes("3", "1")) == (True, True, False)
    assert (system.display("1"), system.display("3")) == ("Finding", 'Cough "dry"')
    top, retired = system.lookup("1"), system.lookup("4")
    assert top is not None
    assert retired is not None
    assert [one.value for one in top.designations] == ["Finding (finding)"]
    assert retired.properties == {"inactive": True}


def test_loinc_from_a_folder(session: Session, tmp_path: Path) -> None:
    """Terms stand below the parts of the component hierarchy; deprecated ones are inactive."""
    for name, text in LOINC.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    loading.load_loinc(session, tmp_path, "9.99")
    system = served(session, tables.LOINC)
    assert system.subsumes("LP1-0", "1-8")
    old = system.lookup("2-6")
    assert old is not None
    assert old.properties["inactive"] is True


def test_icd11_depth_is_told_by_dashes(session: Session, tmp_path: Path) -> None:
    """Chapters and blocks stand for themselves by number and id."""
    path = tmp_path / "icd11.txt"
    head = "Linearization URI\tCode\tBlockId\tTitle\tClassKind\tChapterNo\n"
    rows = "u/1\t\t\tFirst\tchapter\t01\nu/2\t\tB1\t- Block\tblock\t01\nu/3\t1A00\t\t- - Thing\tcategory\t01\n"
    path.write_text(head + rows, "utf-8")
    loading.load_icd11(session, path, "2026-01")
    assert [one.code for one in served(session, tables.ICD11).chain("1A00")] == ["B1", "01"]
    path.write_text(head + "u/3\t1A00\t\t- - Thing\tcategory\t01\n", "utf-8")
    with pytest.raises(Refused, match=r"icd11.txt line 2: 1A00 stands 2 deep below nothing"):
        loading.load_icd11(session, path, "2026-02")


def test_custom_zip(session: Session, tmp_path: Path) -> None:
    """Hierarchy and properties come from tables beside the concepts."""
    loading.load_custom(session, zipped(tmp_path / "c.zip", CUSTOM))
    system = served(session, "urn:custom")
    below = system.lookup("B")
    assert below is not None
    assert (below.parents, below.properties, system.edition.version) == (("A",), {"colour": "red"}, "3")


def test_dictionary_csv(session: Session, tmp_path: Path) -> None:
    """Further columns are properties, `display:xx` designations; several parents are parted by a bar."""
    path = tmp_path / "local.csv"
    path.write_text("\ufeffcode,display,parent,display:fr,loinc\nA,All,,,\nB,Some,,,\nC,One,A|B,Un,1-8\n", "utf-8")
    loading.load_dictionary(session, path, Edition("urn:local", "1", "Local"))
    found = served(session, "urn:local").lookup("C")
    assert found is not None
    assert (found.parents, found.properties) == (("A", "B"), {"loinc": "1-8"})
    assert [(one.language, one.value) for one in found.designations] == [("fr", "Un")]


def test_ocl_export_brings_its_maps(session: Session, tmp_path: Path) -> None:
    """The preferred name of the source's language is shown; mappings become a concept map."""
    path = zipped(tmp_path / "o.zip", {"export.json": json.dumps(OCL)})
    read = loading.load_ocl(session, path)
    system = served(session, "https://api.openconceptlab.org/orgs/X/sources/DICT")
    assert (system.display("100"), read.resources) == ("Malaria", {"ConceptMap": 1})
    ((_, doc),) = published.served(session, "ConceptMap")
    assert doc["group"][0]["element"] == [{"code": "100", "target": [{"code": "B54", "equivalence": "equivalent"}]}]


def test_ucum_units(session: Session, tmp_path: Path) -> None:
    """Codes are the case-sensitive ones; a file that is no XML is refused."""
    path = tmp_path / "ucum.xml"
    base = '<base-unit Code="m" CODE="M"><name>meter</name></base-unit>'
    text = f'<root version="2.2">{base}<unit Code="[in_i]"><name>inch</name></unit></root>'
    path.write_text(text, "utf-8")
    loading.load_ucum(session, path)
    assert served(session, "http://unitsofmeasure.org").display("[in_i]") == "inch"
    path.write_text("<root>", "utf-8")
    with pytest.raises(Refused, match="line 1"):
        loading.load_ucum(session, path)


def test_fhir_package(session: Session, tmp_path: Path) -> None:
    """Everything of a package is stored; what has no content is told; examples beside the package are passed over."""
    docs = {
        "package/CodeSystem-a.json": {"resourceType": "CodeSystem", "url": "urn:a", "concept": [{"code": "x"}]},
        "package/CodeSystem-b.json": {"resourceType": "CodeSystem", "url": "urn:b", "content": "not-present"},
        "package/ValueSet-v.json": {"resourceType": "ValueSet", "url": "urn:v", "version": "2", "name": "V"},
        "package/NamingSystem-n.json": {
            "resourceType": "NamingSystem",
            "name": "N",
            "uniqueId": [{"type": "uri", "value": "urn:n"}],
        },
        "package/Patient-p.json": {"resourceType": "Patient"},
        "package/example/CodeSystem-c.json": {"resourceType": "CodeSystem", "url": "urn:c", "concept": [{"code": "y"}]},
    }
    path = tmp_path / "p.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, doc in docs.items():
            raw = json.dumps(doc).encode()
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, BytesIO(raw))
    read = loading.load_fhir(session, path)
    assert [one.edition.url for one in read.loaded] == ["urn:a"]
    assert (read.resources, read.left) == (
        {"ValueSet": 1, "NamingSystem": 1},
        [("package/CodeSystem-b.json", "content is not-present")],
    )
    assert list(published.versions(session, "ValueSet", "urn:v")) == ["2"]
    assert list(published.versions(session, "NamingSystem", "urn:n")) == [""]


def test_fhir_bundles_and_ndjson(session: Session, tmp_path: Path) -> None:
    """Entries of a Bundle and lines of NDJSON are read alike; a later version takes over."""
    bundle = tmp_path / "b.json"
    first = {"resourceType": "ValueSet", "url": "urn:v", "version": "1"}
    bundle.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": first}]}), "utf-8")
    loading.load_fhir(session, bundle)
    lines = tmp_path / "l.ndjson"
    lines.write_text(json.dumps({**first, "version": "2"}) + "\n" + json.dumps({"resourceType": "Basic"}), "utf-8")
    loading.load_fhir(session, lines)
    assert set(published.versions(session, "ValueSet", "urn:v")) == {"1", "2"}
    assert [doc["version"] for _, doc in published.served(session, "ValueSet")] == ["2"]


def _package(tmp_path: Path, *docs: dict[str, Any]) -> Path:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": doc} for doc in docs]}), "utf-8")
    return path


CIRCLE = {
    "resourceType": "CodeSystem",
    "url": "urn:o",
    "concept": [{"code": c, "property": [{"code": "parent", "valueCode": p}]} for c, p in (("a", "b"), ("b", "a"))],
}


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        (CIRCLE, r"x.json entry\[0\].*lies above itself"),
        ({"resourceType": "CodeSystem", "url": "urn:o", "concept": [{"code": "a"}, {"code": "a"}]}, "is there twice"),
        (
            {"resourceType": "CodeSystem", "url": "urn:o", "concept": [{"display": "a"}]},
            r"concept\[0\]: a concept without",
        ),
        ({"resourceType": "CodeSystem", "concept": [{"code": "a"}]}, "with a url is expected"),
        ({"resourceType": "ValueSet"}, "a ValueSet needs a url"),
        ({"resourceType": "Patient"}, "there is no CodeSystem"),
    ],
)
def test_refused_content_leaves_the_old_version_served(
    session: Session, tmp_path: Path, doc: dict[str, Any], said: str
) -> None:
    """A circle, a code twice, a concept without a code, a resource without a url: refused with the place."""
    old = {"resourceType": "CodeSystem", "url": "urn:o", "version": "1", "concept": [{"code": "old"}]}
    loading.load_fhir(session, _package(tmp_path, old))
    session.commit()
    with pytest.raises(Refused, match=said):
        loading.load_fhir(session, _package(tmp_path, {**doc, "version": "2"} if doc.get("url") else doc))
    session.rollback()
    assert [one.edition.version for one in store.listed(session, "urn:o")] == ["1"]
    assert "old" in served(session, "urn:o")


@pytest.mark.parametrize(("source", "target", "said"), [("z", "old", "source code z"), ("old", "z", "target code z")])
def test_a_map_of_missing_codes_is_refused(
    session: Session, tmp_path: Path, source: str, target: str, said: str
) -> None:
    """A map that leads from or to nowhere names the group; the maps served before stay served."""
    system = {"resourceType": "CodeSystem", "url": "urn:o", "version": "1", "concept": [{"code": "old"}]}

    def mapped(one: str, other: str) -> dict[str, Any]:
        element = [{"code": one, "target": [{"code": other, "equivalence": "equivalent"}]}]
        group = {"source": "urn:o", "target": "urn:o", "element": element}
        return {"resourceType": "ConceptMap", "url": "urn:m", "version": one + other, "group": [group]}

    loading.load_fhir(session, _package(tmp_path, system, mapped("old", "old")))
    session.commit()
    with pytest.raises(Refused, match=rf"x.json entry\[0\] group\[0\]: {said} is not in urn:o 1"):
        loading.load_fhir(session, _package(tmp_path, mapped(source, target)))
    session.rollback()
    assert list(published.versions(session, "ConceptMap", "urn:m")) == ["oldold"]


Load = Callable[[Session, Path], object]


@pytest.mark.parametrize(
    ("files", "load", "said"),
    [
        (
            {"concepts.csv": "CODE\nA\n", "codesystem.json": CUSTOM["codesystem.json"]},
            loading.load_custom,
            "column DISPLAY",
        ),
        (
            {"concepts.csv": "CODE,DISPLAY\n,x\n", "codesystem.json": CUSTOM["codesystem.json"]},
            loading.load_custom,
            "line 2",
        ),
        (
            {"concepts.csv": "CODE,DISPLAY\nA,x,y\n", "codesystem.json": CUSTOM["codesystem.json"]},
            loading.load_custom,
            "more cells",
        ),
        ({"x.txt": ""}, loading.load_snomed, "there is no file sct2_Concept"),
        ({"export.json": "{"}, loading.load_ocl, "not JSON"),
        ({"export.json": "{}"}, loading.load_ocl, "has `concepts`"),
    ],
)
def test_broken_releases_are_refused(
    session: Session, tmp_path: Path, files: dict[str, str], load: Load, said: str
) -> None:
    """A missing file or column, a row without a code, too many cells: each named with its place."""
    with pytest.raises(Refused, match=said):
        load(session, zipped(tmp_path / "r.zip", files))


def test_text_that_is_not_utf8_is_refused_with_its_line(session: Session, tmp_path: Path) -> None:
    """Windows-1252 is not guessed at."""
    path = tmp_path / "local.csv"
    path.write_bytes(b"code,display\nA,All\nB,Fi\xe8vre\n")
    with pytest.raises(Refused, match=r"local.csv line \d: the file is not UTF-8"):
        loading.load_dictionary(session, path, Edition("urn:local", "1", "Local"))


def test_icd10cm_package_is_read_whole() -> None:
    """A block with a single category has a key of its own; every parent is there."""
    pytest.importorskip("simple_icd_10_cm", exc_type=ImportError)
    concepts = {concept.code: concept for concept in icd10_package.read_cm_concepts()}
    assert len(concepts) > 98_000
    assert concepts["B99-B99"].kind == "block"
    assert (concepts["B99"].parents, concepts["B99.8"].parents) == (("B99-B99",), ("B99",))
    store.check_hierarchy(concepts)


def test_missing_cm_package_says_how_to_install_it() -> None:
    """Both extras explain their absence."""
    with pytest.raises(NotInstalled, match="tracker-hub"):
        next(icd10_package.read_cm_concepts("no_such_package"))
