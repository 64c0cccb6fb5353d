"""Segments find their groups by table, forwards and outwards first."""

import pytest

from mappings import Mappings
from mappings.grouping import Instance, place


def groups(tables: Mappings, structure: str, names: str) -> list[str]:
    """Return for each segment its name, its group and the number of that instance, or `-` when it has no place."""
    numbers: dict[int, int] = {}
    kept: list[Instance] = []
    found = []
    for placed in place(tables.structures[structure], [[name] for name in names.split()]):
        if placed.slot is None:
            found.append("-")
            continue
        kept.append(placed.instance)
        number = numbers.setdefault(id(placed.instance), len(numbers) + 1)
        found.append(f"{placed.instance.group.name}{number}")
    return found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("MSH PID OBR OBX NTE OBX", "ORU_R011 PATIENT_RESULT2 ORDER3 OBSERVATION4 OBSERVATION4 OBSERVATION5"),
        ("MSH PID ORC OBR NTE ORC OBR", "ORU_R011 PATIENT_RESULT2 ORDER3 ORDER3 ORDER3 ORDER4 ORDER4"),
        ("MSH PID OBR OBR OBX", "ORU_R011 PATIENT_RESULT2 ORDER3 ORDER4 OBSERVATION5"),
        ("MSH PID NTE PV1 NK1", "ORU_R011 PATIENT_RESULT2 PATIENT_RESULT2 PATIENT_RESULT2 PATIENT_RESULT2"),
        (
            "MSH PID OBR OBX SPM PID OBR",
            "ORU_R011 PATIENT_RESULT2 ORDER3 OBSERVATION4 SPECIMEN5 PATIENT_RESULT6 ORDER7",
        ),
        ("MSH OBX", "ORU_R011 OBSERVATION2"),
        ("MSH PID OBX ORC", "ORU_R011 PATIENT_RESULT2 OBSERVATION3 ORDER4"),
        ("MSH PID OBR OBX PV1 OBX", "ORU_R011 PATIENT_RESULT2 ORDER3 OBSERVATION4 PATIENT_RESULT2 OBSERVATION5"),
        ("MSH PID ZPI OBR ZOB OBX XXX", "ORU_R011 PATIENT_RESULT2 - ORDER3 - OBSERVATION4 -"),
    ],
)
def test_where_results_belong(tables: Mappings, names: str, expected: str) -> None:
    """Repeating groups open only at their openers; what stands out of order stays with what is open."""
    assert " ".join(groups(tables, "ORU_R01", names)) == expected


def test_moves_are_remembered(tables: Mappings) -> None:
    """The second message of a shape works out nothing."""
    structure = tables.structures["ADT_A01"]
    groups(tables, "ADT_A01", "MSH EVN PID PV1 OBX DG1 DG1 PR1 IN1")
    known = len(structure.moves)
    groups(tables, "ADT_A01", "MSH EVN PID PV1 OBX DG1 DG1 PR1 IN1")
    assert len(structure.moves) == known
