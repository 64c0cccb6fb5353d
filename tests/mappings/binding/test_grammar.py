"""A binding file is checked whole when it is loaded."""

from importlib import resources

import pytest

from mappings.binding import Binding, parse_binding
from mappings.paths import BadRow

HEAD = """binding t
program P
valueset vs loinc 1-1
concepts yn hub:yn
  YES yes "Indeed" sct|373066001
  none unknown
"""


def parse(more: str) -> Binding:
    """A binding with the usual head."""
    return parse_binding(HEAD + more, "t.map")


def shipped(name: str) -> Binding:
    """One of the bindings that come with the hub."""
    folder = resources.files("mappings") / "tables" / "bindings"
    return parse_binding((folder / f"{name}.map").read_text("utf-8"), f"{name}.map")


def test_everything_a_binding_can_say() -> None:
    """Program, cases, schedule, rows and templates are read."""
    binding = parse(
        """case Condition.code in vs enrol confirmed window 30 days
schedule visit 7 14 days
person
attributes.SEX <-> gender code:yn
enrolment
status <-> status code:yn
stage visit Observation.code in vs or Encounter.type in vs
dataValues.W <-> Observation[code=loinc|2-2].valueQuantity quantity:kg
new Observation status=final encounter=@Encounter category=thc:observation-category|exam
stage other otherwise
occurredAt -> Encounter.period.start date
"""
    )
    assert (binding.name, binding.program) == ("t", "P")
    assert [(case.confirmed, case.window) for case in binding.cases] == [(True, 30)]
    assert binding.schedule == [("visit", 7), ("visit", 14)]
    assert [row.key for row in binding.person] == ["SEX"]
    assert [row.key for row in binding.enrolment] == ["status"]
    assert [test.type for test in binding.stages["visit"].tests] == ["Observation", "Encounter"]
    assert binding.stages["other"].otherwise


@pytest.mark.parametrize("name", ["person", "malaria", "tb"])
def test_shipped_bindings_load(name: str) -> None:
    """What comes with the hub is within the grammar."""
    assert shipped(name).name == name


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("banana 3\n", "begins nothing"),
        ("case Condition.code in nowhere enrol\n", "no value set nowhere"),
        ("case Condition.code in vs\n", "a case reads"),
        ("case Patient.name in vs enrol\n", "names no element of"),
        ("schedule visit 7\n", "a schedule reads"),
        ("concepts short\n", "2 words belong"),
        ("valueset icd icd-10 B5\n", "no ICD-10 code"),
        ("concepts a hub:a\n  X one\n  Y one\n", "means both"),
        ("stage v Observation.code vs\n", "is no test"),
        ("stage a otherwise\nstage b otherwise\n", "only one stage"),
        (
            "stage v\ndataValues.W <-> Observation[code=loinc|2-2].valueQuantity quantity:kg\n",
            "without `new Observation",
        ),
        ("stage v\ndataValues.W -> Observation.nonsense\n", "no element nonsense"),
        ("stage v\ndataValues.W -> Observation.valueQuantity furlong\n", "no codec"),
        ("stage v\ndataValues.W -> Observation.valueCodeableConcept concept:zz\n", "no concepts zz"),
        ("stage v\ndataValues.W -> Patient.gender\n", "names no element of"),
        ("stage v\ndataValues.W -> Observation.component*.valueString\n", "names no element of"),
        ("stage v\nattributes.W -> Observation.valueString\n", "no value of a stage"),
        ("stage v\ndataValues.W -> Observation.valueString text when X=1\n", "neither conditions"),
        ("stage v\n  old Observation status=final\n", "neither a row nor new"),
        ("stage v\nnew Observation status\n", "sets nothing"),
        ("stage v\nnew Observation nonsense=1\n", "selects nothing"),
        ("person\nattributes.A <-> telecom[system=phone]*.value\n", "`*` is only for"),
        ("person\nattributes.A <-> gender\nattributes.B <-> gender\n", "already goes both ways"),
        ("person\nattributes.A <-> gender\nattributes.A <-> birthDate\n", "already goes both ways"),
    ],
)
def test_what_the_language_refuses_names_file_and_reason(more: str, reason: str) -> None:
    """Each mistake is told with its place, once, at load."""
    with pytest.raises(BadRow, match=r"t\.map") as caught:
        parse(more)
    assert reason in str(caught.value)


def test_a_file_must_begin_with_its_name_and_need_a_program_for_stages() -> None:
    """Without `binding` it is no binding; without a program it can only speak of persons."""
    with pytest.raises(BadRow, match="first line"):
        parse_binding("program P\n", "x.map")
    with pytest.raises(BadRow, match="need a program"):
        parse_binding("binding x\nstage v\n", "x.map")
