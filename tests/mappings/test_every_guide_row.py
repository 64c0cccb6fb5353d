"""Each row of the official segment maps on its own: a message with only its field, and the target that it makes."""

from pathlib import Path

import pytest

from mappings import Mappings
from mappings.coverage import GuideRow, covers, guide_rows, read_decisions
from tests.mappings.single_fields import filled, says

# Rows that a single field does not show, with the reason.
EXCEPTIONS = {
    ("NTE[Appointment-Comment]", "NTE-4 extension.extension.url"): "the type is an extension of the annotation itself",
    ("NTE[Appointment-Comment]", "NTE-4 extension.valueCodeableConcept"): "the type is an extension of the annotation",
    ("NTE[Appointment-Comment]", "NTE-9 extension.valueCodeableConcept"): "the code is an extension of the annotation",
    ("DG1[Encounter]", "DG1-22 diagnosis.condition"): "the guide writes uri for the url of the Condition's extension",
    ("IAM[AllergyIntolerance]", "IAM-14 recorder.reference"): "a relative of a name alone is nobody to refer to",
    ("PR1[Procedure]", "PR1-5 performedDateTime"): "with minutes (PR1-7) it is the start of a period",
}


def test_each_row_alone(tables: Mappings, corpora: Path) -> None:
    """Every row that is declared works on its own, or is among the exceptions; an exception that works is stale."""
    folder, decided = corpora / "hl7v2" / "v2-to-fhir", read_decisions()
    tried, failed = 0, set()
    for row in map(decided.meant, guide_rows(folder)):
        if decided.against(row) or row.key in decided.rules or not covers(tables, row):
            continue
        tried += 1
        if not says(tables, folder, row):
            failed.add((row.map, row.name))
    assert failed == set(EXCEPTIONS)
    assert tried > 640


@pytest.mark.parametrize(("path", "found"), [(("a", "b"), True), (("value",), True), (("a", "c"), False)])
def test_a_path_is_followed_through_lists_and_choices(path: tuple[str, ...], found: bool) -> None:
    """The judge of the rows sees items, extensions of primitives and the types of a choice, and nothing else."""
    assert filled({"a": [{}, {"_b": 1}], "valueString": "x", "values": ""}, path) is found


def test_a_row_that_is_not_mapped_fails(tables: Mappings, tmp_path: Path) -> None:
    """The generated message shows what no table maps."""
    row = GuideRow("PID[Patient]", "PID", "Patient", 37, ("photo",), None, prose=False, data_type="ST")
    assert not says(tables, tmp_path, row)
