"""The share of the official maps that the tables declare."""

from pathlib import Path

import pytest

from mappings import Mappings
from mappings.coverage import Coverage, declared

HEAD = "HL7 v2,,,,,,,,,HL7 FHIR\nSort,Identifier,Name,Type,Min,Max,ANTLR,FHIRPath,Narrative,Attribute\n"
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
        "OBX[Observation]": (3, 3),
        "DG1[Encounter]": (2, 2),
        "AL1[AllergyIntolerance]": (1, 1),
    }


def test_segments_can_be_chosen(tables: Mappings, guide: Path) -> None:
    """Only the named segments are compared; a folder without maps is told."""
    assert set(by_map(declared(tables, guide, ["PV1"]))) == {"PV1[Encounter]"}
    with pytest.raises(FileNotFoundError):
        declared(tables, guide / "segments")


def test_the_official_maps(tables: Mappings, corpora: Path) -> None:
    """The figure may only rise."""
    found = by_map(declared(tables, corpora / "hl7v2" / "v2-to-fhir"))
    floors = {
        "PID[Patient]": 52,
        "PD1[Patient]": 6,
        "NK1[RelatedPerson]": 23,
        "PV1[Encounter]": 53,
        "PV2[Encounter]": 15,
        "DG1[Condition]": 10,
        "AL1[AllergyIntolerance]": 10,
        "OBR[DiagnosticReport]": 22,
        "OBR[ServiceRequest]": 22,
        "OBX[Observation]": 60,
        "ORC[ServiceRequest]": 31,
        "SPM[Specimen]": 21,
        "RXA[Immunization]": 17,
    }
    assert {name: found[name].covered for name in floors if found[name].covered < floors[name]} == {}
