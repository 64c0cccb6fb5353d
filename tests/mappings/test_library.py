"""Loading: what is refused, and how overlays change the tables."""

from pathlib import Path

import pytest

from mappings import BadRow, Mappings, Scope, load
from mappings.library import merged_sections
from mappings.places import Doc

SEGMENTS = "hl7v2/segments"


def overlay(folder: Path, kind: str, text: str, name: str = "site") -> Path:
    """Write one file of an overlay and return its folder."""
    path = folder / "country" / kind
    path.mkdir(parents=True, exist_ok=True)
    (path / f"{name}.map").write_text(text, encoding="utf-8")
    return folder / "country"


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (
            SEGMENTS,
            "PID:Patient\nPID-32 <-> colour",
            "site:2 PID-32 <-> colour: colour: Patient has no element colour",
        ),
        (SEGMENTS, "PID:Patient\nPID-32 <-> name.shade", "HumanName has no element shade"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> gender.x", "has no element x"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> name[1].text", "[n] is only for type tables"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> birthDate*", "birthDate is not a list"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> name*.given*", "more than one step stands for every item"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> name[colour=red].text", "'colour=red' selects nothing in HumanName"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> name.me!", "'me!' is not a step"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> active[x]", "Patient has no choice active[x]"),
        (SEGMENTS, "OBX:Observation\nOBX-32 <-> value[x].code text", "a choice can only be the last step"),
        (SEGMENTS, "OBX:Observation\nOBX-32 <-> effective[x]", "a choice needs a codec over its fields"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> active yess", "no codec yess"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> active code:Nowhere", "no concept map Nowhere"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> maritalStatus concept:Nowhere", "no concept map Nowhere"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> gender", "already goes both ways to gender"),
        (SEGMENTS, "PID:Patient\nPID-29,30,31 <-> deceased[x] deceased", "deceased does not take 3 fields"),
        (SEGMENTS, "PID:Patient\nPID-29,30 <-> active yes", "yes does not take 2 fields"),
        (SEGMENTS, "PID:Patient\nPID-1,2.1 <-> active yes", "several fields have no parts in common"),
        (SEGMENTS, "PID:Patient\nPV1-3 <-> active yes", "'PV1-3' is no field of PID"),
        (SEGMENTS, "PID:Patient\nPID-32 <->", "leads nowhere"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> active yes yes", "'yes' is no condition"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> active yes when", "'when' is no condition"),
        (SEGMENTS, "PID:Patient\nPID-32 <-> active yes when !PID-3=1", "'!PID-3=1' is no test"),
        (SEGMENTS, 'PID:Patient\n"true" <- active', "nothing can be written to a constant"),
        (SEGMENTS, "PID-32 <-> active yes", "a row before the first heading"),
        (SEGMENTS, "  note\n", "an indented line before the first heading"),
        (SEGMENTS, "PID Patient\nPID-32 <-> active yes", "is no heading"),
        (SEGMENTS, "PID:Patient\n- PID-32 gender", "no row PID-32 … gender to remove from PID:Patient"),
        (SEGMENTS, "PID:Patient\n- PID-32", "a removal names a left and a right side"),
        ("hl7v2/types", "CX:Identifier\nPID-3 <-> use", "'PID-3' is no part of a value"),
        ("concepts", "Sex a -> b\nM", "a code needs a target"),
        ("concepts", "Sex a -> b\nM male\nM other", "M is mapped twice"),
        ("hl7v2/structures", "ORU_R01 x", "the first line must be the structure's name"),
        ("hl7v2/structures", "ORU_R01\nPID", "PID feeds nothing"),
        ("hl7v2/structures", "ORU_R01\nPID  Practitioner", "no table PID:Practitioner"),
        (
            "hl7v2/structures",
            "ORU_R01\nDG1  +Condition  subject=Patient  snapshot=Encounter",
            "needs a link",
        ),
        ("hl7v2/structures", "ORU_R01\nPV1  Encounter  status=Patient", "Encounter.status is no reference"),
        ("hl7v2/structures", "ORU_R01\nOBX  Observation  DiagnosticReport.code", "holds no references"),
        ("hl7v2/structures", "ORU_R01\nOBX  Observation  DiagnosticReport.result", "needs its *"),
    ],
)
def test_refused_at_load(tmp_path: Path, kind: str, text: str, told: str) -> None:
    """Whatever does not fit is refused with its place before anything is used."""
    name = "ORU_R01" if "structures" in kind else "site"
    with pytest.raises(BadRow) as refused:
        load([overlay(tmp_path, kind, text, name)])
    assert told in str(refused.value)


def read(tables: Mappings, heading: str, text: str) -> Doc:
    """Read one segment."""
    record: Doc = {}
    tables.tables[heading].read(text.split("|"), record, Scope())
    return record


def test_overlays_replace_append_and_remove(tmp_path: Path) -> None:
    """Equal left and right replace, others are added, `-` removes; the base stays as it was."""
    folder = overlay(
        tmp_path,
        SEGMENTS,
        "PID:Patient\nPID-8 <-> gender code:LocalSex\n"
        "- PID-17 extension[url=sd:patient-religion].valueCodeableConcept\n"
        "PID-32 <-> extension[url=urn:site:reliability].valueCode first\n"
        "ZPI:Patient\nZPI-2 <-> extension[url=urn:site:clan].valueString",
    )
    overlay(tmp_path, "concepts", "LocalSex urn:site:sex -> fhir:administrative-gender\n1 male\n2 female\n")
    overlay(tmp_path, "concepts", "MaritalStatus v2-0002 -> v3-MaritalStatus\nM v3-MaritalStatus|T\nX -\n", "marital")
    tables, base = load([folder]), load()
    pid = "PID|1||1|||||2||||||||M|CAT|||||||||||||||US"
    record = read(tables, "PID:Patient", pid)
    assert record["gender"] == "female"
    assert [extension["url"] for extension in record["extension"]] == ["urn:site:reliability"]
    assert record["maritalStatus"]["coding"][0]["code"] == "T"
    assert read(tables, "ZPI:Patient", "ZPI|1|Lion")["extension"][0]["valueString"] == "Lion"
    assert "gender" not in read(base, "PID:Patient", pid)
    assert len(read(base, "PID:Patient", pid)["extension"]) == 1


def test_an_overlay_replaces_a_structure(tmp_path: Path) -> None:
    """A structure of the same name replaces the other as a whole."""
    folder = overlay(tmp_path, "hl7v2/structures", "ADT_A01\nMSH -\nPID Patient\n", "ADT_A01")
    items = load([folder]).structures["ADT_A01"].root.items
    assert len(items) == 2


def test_the_same_heading_twice_is_refused(tmp_path: Path) -> None:
    """Inside one set of tables a heading stands once."""
    first = tmp_path / SEGMENTS
    first.mkdir(parents=True)
    for name in "ab":
        (first / f"{name}.map").write_text("PID:Patient\nPID-8 <-> gender first\n", encoding="utf-8")
    with pytest.raises(BadRow, match="is there twice"):
        merged_sections([tmp_path], SEGMENTS)
