"""The share of the official maps that the tables declare."""

from pathlib import Path

import pytest

from mappings import Mappings
from mappings.coverage import Coverage, GuideRow, declared, guide_rows, read_decisions
from mappings.paths import BadRow

HEAD = "HL7 v2,,,,,,,,,HL7 FHIR\nSort,Identifier,Name,Type,Min,Max,ANTLR,FHIRPath,Narrative,Attribute\n"
# The segments of care that the goal is about.
CARE = frozenset(
    "PID PD1 NK1 PV1 PV2 DG1 PR1 AL1 IAM OBR OBX ORC SPM NTE RXA RXR RXO AIS AIG AIL AIP SCH TXA IN1 MRG".split()
)
OWN = {
    "HL7 Segment - FHIR R4_ PID[Patient] - PID.csv": """\
1,PID-1,Set ID,SI,0,1,,,,,,,,,,,
3,PID-3,Identifiers,CX,1,-1,,,,identifier[2],,,,,,,
5,PID-6,Maiden name,XPN,0,-1,,,,extension[1].url,,,,,,,
7,PID-7,Birth,DTM,0,1,,,,birthDate,,,,,,,
10,PID-10,Race,CWE,0,1,,,the site decides,photo,,,,,,,
27,PID-27,Veteran,CWE,0,1,,,,,extension??-veteran,,,,,,
29,PID-29,Death,DTM,0,1,,,,deceasedDateTime,,,,,,,
38,PID-38,Class,CWE,0,1,,,,link[1].type,,,,,,,
""",
    "HL7 Segment - FHIR R4_ PV1[Encounter] - PV1.csv": """\
7,PV1-7,Attending,XCN,0,-1,,,,participant[1].individual(Practitioner),,,,,,,
7,PV1-7,Attending,XCN,0,-1,,,,participant[1].type.coding.code,,,,,,,
45,PV1-45,Discharge,DTM,0,1,IF PV1-45 VALUED,,,status=finished,,,,,,,
""",
    "HL7 Segment - FHIR R4_ NTE[Observation] - NTE.csv": "3,NTE-3,Comment,FT,0,-1,,,,note.text,,,,,,,\n",
    "HL7 Segment - FHIR R4_ OBX[Observation] - OBX.csv": """\
5,OBX-5,Value,varies,0,-1,,,,valueQuantity.value,,,,,,,
5,OBX-5,Value,varies,0,-1,,,,extension[1].url,,,,,,,
24,OBX-24,Address,XAD,0,1,,,,performer(Organization.address),,,,,,,
18,OBX-18,Equipment,EI,0,-1,,,,device(Device.identifier),,,,,,,
""",
    "HL7 Segment - FHIR R4_ DG1[Encounter] - DG1.csv": """\
3,DG1-3,Code,CWE,0,1,,,,diagnosis.condition(Condition.code),,,,,,,
15,DG1-15,Priority,NM,0,1,,,,diagnosis.rank,,,,,,,
""",
    "HL7 Segment - FHIR R4_ AL1[AllergyIntolerance] - AL1.csv": ",AL1,,,,,,,,clinicalStatus.coding.code,,,,,,,\n",
    "notes.csv": "",
}


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    """A folder of maps in the guide's shape."""
    (tmp_path / "segments").mkdir()
    for name, rows in OWN.items():
        (tmp_path / "segments" / name).write_text(HEAD + rows, encoding="utf-8")
    return tmp_path


def by_map(found: list[Coverage]) -> dict[str, Coverage]:
    """Return the results by map."""
    return {one.map: one for one in found}


def test_rows_are_compared_by_field_and_target(tables: Mappings, guide: Path) -> None:
    """Equal targets, prefixes, selected items, choices, lists and referred records count; prose is counted apart."""
    found = by_map(declared(tables, guide))
    patient = found["PID[Patient]"]
    assert (patient.covered, patient.rows) == (4, 5)
    assert patient.missing == ["PID-38 link.type"]
    assert patient.manual == ["PID-10 photo"]
    others = {name: (one.covered, one.rows) for name, one in found.items() if name != "PID[Patient]"}
    assert others == {
        "PV1[Encounter]": (3, 3),
        "NTE[Observation]": (1, 1),
        "OBX[Observation]": (3, 4),
        "DG1[Encounter]": (2, 2),
        "AL1[AllergyIntolerance]": (1, 1),
    }


def test_segments_can_be_chosen(tables: Mappings, guide: Path) -> None:
    """Only the named segments are compared; a folder without maps is told."""
    assert set(by_map(declared(tables, guide, ["PV1"]))) == {"PV1[Encounter]"}
    with pytest.raises(FileNotFoundError):
        declared(tables, guide / "segments")


def test_the_official_maps(tables: Mappings, corpora: Path) -> None:
    """The goal over the segments of care, and the floor over all maps; both may only rise."""
    found = declared(tables, corpora / "hl7v2" / "v2-to-fhir")
    care = [one for one in found if one.map[:3] in CARE]
    assert share(care) >= 0.80
    assert share(found) >= 0.65


def share(found: list[Coverage]) -> float:
    """Return the covered part of the rows with a target, those decided against among the rows."""
    return sum(one.covered for one in found) / sum(one.rows for one in found)


def test_every_decision_is_about_a_row_of_the_guide(corpora: Path) -> None:
    """A decision or misprint that meets no row is stale."""
    rows = list(guide_rows(corpora / "hl7v2" / "v2-to-fhir"))
    keys = {row.key for row in rows}
    maps = {row.map for row in rows}
    decided = read_decisions()
    named = [*decided.reasons, *decided.rules, *decided.misprints]
    assert [key for key in named if key not in keys and not (key[2] == "*" and key[0] in maps)] == []


@pytest.mark.parametrize("line", ["perhaps PID[Patient] PID-1 id because", "against PID[Patient] PID-1 id"])
def test_a_decision_says_what_and_why(tmp_path: Path, line: str) -> None:
    """A line of another kind, or without a reason, is refused with its number."""
    path = tmp_path / "decisions.txt"
    path.write_text(f"# a comment\n{line}\n", encoding="utf-8")
    with pytest.raises(BadRow, match=r"decisions\.txt:2"):
        read_decisions(path)


def test_decisions_and_misprints(tables: Mappings, guide: Path) -> None:
    """A row decided against counts as a row, with its reason, and not as covered."""
    (results,) = [one for one in declared(tables, guide, ["OBX"]) if one.map == "OBX[Observation]"]
    assert results.against[0][0] == "OBX-24 performer"
    assert "organisation" in results.against[0][1]
    row = GuideRow("IN1[Coverage]", "IN1", "Coverage", 5, ("payer",), None, prose=False)
    assert read_decisions().meant(row).target == ("payor",)
