"""Flat tables: what they refuse at load, how they read and write."""

import pytest

from mappings.codecs.cells import cell_codecs
from mappings.concepts import parse_concept_map
from mappings.flat import FlatTable, compile_flat
from mappings.paths import BadRow
from mappings.scope import Scope

MAPS = {"sex": parse_concept_map("sex urn:x -> fhir:administrative-gender\nF female\nfemme female\n", "sex")}
TABLE = """
people
  required number
  ignore remarks
number     <-> Patient.identifier[system=urn:n].value
name       <-> Patient.name[use=official].given*          words
sex        <-> Patient.gender                             code:sex
born       <-> Patient.birthDate                          date
"true"     ->  Patient.active                             text       when number
city       ->  Patient.address.city                       text       when sex=F|femme
town       <-  Patient.address.city
"""


def table(text: str = TABLE, overlay: str = "") -> FlatTable:
    """A compiled table."""
    return compile_flat(text, "people", cell_codecs(MAPS), overlay)


def test_reads_and_writes() -> None:
    """Cells become a document of records; the document becomes the same cells, in the table's own spelling."""
    cells = {"number": "7", "name": "Ana Maria", "sex": "Femme", "born": "1990-04-02", "city": "Beira"}
    scope = Scope()
    doc = table().read(cells, scope)
    assert scope.issues == []
    assert doc == {
        "Patient": [
            {
                "identifier": [{"system": "urn:n", "value": "7"}],
                "name": [{"use": "official", "given": ["Ana", "Maria"]}],
                "gender": "female",
                "birthDate": "1990-04-02",
                "active": "true",
            }
        ]
    }
    assert table().write(doc, scope) == {"number": "7", "name": "Ana Maria", "sex": "F", "born": "1990-04-02"}


def test_conditions_and_arrows() -> None:
    """A test holds for its values only; a row with one arrow goes one way."""
    people = table()
    read = people.read({"number": "7", "sex": "F", "city": "Beira", "town": "x"}, Scope())
    assert read["Patient"][0]["address"] == [{"city": "Beira"}]
    assert people.write(read, Scope())["town"] == "Beira"
    assert "city" not in people.write(read, Scope())
    assert people.written == ("number", "name", "sex", "born", "town")
    assert (people.required, people.facts.ignored) == ({"number"}, {"remarks"})


def test_bad_cells_name_their_column() -> None:
    """One bad cell leaves an issue and the other cells are read."""
    scope = Scope(where="line 3 column ")
    doc = table().read({"number": "7", "sex": "?", "born": "1990-02-30"}, scope)
    assert [(i.where, i.code, i.value, i.severity) for i in scope.issues] == [
        ("line 3 column sex", "unknown-code", "?", "error"),
        ("line 3 column born", "bad-value", "1990-02-30", "error"),
    ]
    assert scope.issues[0].row == "people:7 sex <-> Patient.gender"
    assert list(doc["Patient"][0]) == ["identifier", "active"]


def test_absent_facts_have_no_cell() -> None:
    """An empty document writes nothing."""
    assert table().write({}, Scope()) == {}
    assert table().write({"Patient": [{"gender": "unheard-of", "name": [{"use": "official"}]}]}, Scope()) == {}


def test_overlay_replaces_adds_and_removes() -> None:
    """The same left and right is replaced, `-` removes, anything else is new."""
    rows = ["- sex Patient.gender", "born <-> Patient.birthDate date:%d/%m/%Y", "phone <-> Patient.telecom.value"]
    people = table(overlay="\n".join(["people", "  ignore age", *rows]))
    assert "sex" not in people.written
    assert people.facts.ignored == {"remarks", "age"}
    doc = people.read({"number": "7", "born": "02/04/1990", "phone": "1"}, Scope())
    assert people.write(doc, Scope()) == {"number": "7", "born": "02/04/1990", "phone": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nx <-> Patient.birthdate\n", "people:2 x <-> Patient.birthdate: .* no element birthdate"),
        ("a\nx <-> Patient.gender nothing\n", "there is no codec nothing"),
        ("a\nx <-> Patient.gender code:colour\n", "there is no codec code:colour"),
        ("a\nx <-> Patient.gender quantity:\n", "there is no codec quantity:"),
        ("a\nx,y <-> Patient.gender\n", "text does not take 2 columns"),
        ("a\nx <-> Condition* diagnoses\n", "diagnoses does not take 1 columns"),
        ("a\nx <-> Patient.gender\ny <-> Patient.gender\n", "already goes both ways with Patient.gender"),
        ("a\nx <-> Patient.gender\nx <-> Patient.birthDate\n", "already goes both ways with x"),
        ("a\n  required z\nx <-> Patient.gender\n", "required columns that no row reads: z"),
        ("a\n  optional x\nx <-> Patient.gender\n", "people:2: 'optional x' is no fact"),
        ("a\nx <-> Patient.gender\nb\ny <-> Patient.birthDate\n", "one heading, not 2"),
    ],
)
def test_wrong_tables_are_refused(text: str, message: str) -> None:
    """A mistake in a table is found when it loads, with file and line."""
    with pytest.raises(BadRow, match=message):
        table(text)
