"""Case definitions: what they ask of a record and of its circumstances, and the class of an episode."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mappings.binding import Binding, Circumstances, classify, parse_binding
from mappings.paths import BadRow
from tests.mappings.binding.samples import condition, observation

LOINC, SCT = "http://loinc.org", "http://snomed.info/sct"
HEAD = (
    "binding c\nprogram P\nvalueset v icd-10 B50-B54\nvalueset positive sct 10828004\nvalueset negative sct 260385009\n"
)
RULES = """case Condition.code in v enrol
class confirmed Observation[code=loinc|70569-9].valueCodeableConcept in positive
class ruled-out Observation[code=loinc|70569-9].valueCodeableConcept in negative
class probable Observation[code=loinc|8310-5].valueQuantity >= 39 Cel
"""


def parse(text: str) -> Binding:
    """A binding with the usual head."""
    return parse_binding(HEAD + text, "c.map")


def rdt(code: str, **more: Any) -> dict[str, Any]:
    """A rapid test."""
    return observation(LOINC, "70569-9", valueCodeableConcept={"coding": [{"system": SCT, "code": code}]}, **more)


def measured(value: str, code: str, **more: Any) -> dict[str, Any]:
    """A temperature."""
    return observation(LOINC, "8310-5", valueQuantity={"value": Decimal(value), "code": code, **more})


def certain(status: str) -> dict[str, Any]:
    """A malaria diagnosis of that verification status."""
    return condition("B54", verificationStatus={"coding": [{"code": status}]})


@pytest.mark.parametrize(
    ("asked", "about", "refused"),
    [
        ("sex female", Circumstances(sex="female"), ""),
        ("sex female", Circumstances(sex="male"), "the person is male, not female"),
        ("sex female", Circumstances(), "the person is of unknown sex, not female"),
        ("age 0-4 years", Circumstances(born=date(2021, 3, 6)), ""),
        ("age 0-4 years", Circumstances(born=date(2021, 3, 5)), "the person's age is not 0-4 years"),
        ("age 0-4 years", Circumstances(), "the person's age is not known"),
        ("age -11 months", Circumstances(born=date(2025, 3, 6)), ""),
        ("age -11 months", Circumstances(born=date(2025, 3, 5)), "the person's age is not -11 months"),
        ("age 29- days", Circumstances(born=date(2026, 2, 4)), ""),
        ("age 29- days", Circumstances(born=date(2026, 2, 6)), "the person's age is not 29- days"),
        ("rank 1", Circumstances(rank=1), ""),
        ("rank 1", Circumstances(rank=2), "it is not the diagnosis of rank 1"),
        ("rank 1", Circumstances(), "it is not the diagnosis of rank 1"),
        ("at DIST", Circumstances(units=frozenset({"CLINIC", "DIST"})), ""),
        ("at DIST", Circumstances(units=frozenset({"CLINIC"})), "it was not recorded at or below DIST"),
        ("confirmed window 28 days", Circumstances(), ""),
    ],
)
def test_what_a_definition_asks_beside_the_record(asked: str, about: Circumstances, refused: str) -> None:
    """Sex, age, place and rank: what is not known is not so, and the refusal says which it was."""
    (case,) = parse(f"case Condition.code in v enrol {asked}\n").cases
    assert case.refusal(about, date(2026, 3, 5)) == refused
    assert case.asks is (asked.split(maxsplit=1)[0] != "confirmed")


@pytest.mark.parametrize(
    ("test", "record", "holds"),
    [
        (">= 39 Cel", measured("39.0", "Cel"), True),
        (">= 39 Cel", measured("38.9", "Cel"), False),
        (">= 39 Cel", measured("102.2", "[degF]"), True),
        (">= 39 Cel", measured("102", "[degF]"), False),
        (">= 39 Cel", measured("39", "kg"), False),
        ("> 39", measured("39", ""), False),
        ("< 5 Cel", measured("5", "Cel", comparator="<"), False),
        ("<= 5 Cel", measured("5", "Cel", comparator="<"), True),
        (">= 39 Cel", measured("41", "Cel", comparator=">"), True),
        (">= 39 Cel", measured("41", "Cel", comparator="<"), False),
        (">= 39 Cel", observation(LOINC, "8310-5", valueString="40"), False),
        (">= 39 Cel", observation(LOINC, "1-1", valueQuantity={"value": Decimal(40), "code": "Cel"}), False),
    ],
)
def test_numbers_are_compared_in_their_units(test: str, record: dict[str, Any], holds: bool) -> None:
    """Other units are converted, another code or kind of value is none of it, `<5` proves nothing from above."""
    (rule,) = parse(f"class confirmed Observation[code=loinc|8310-5].valueQuantity {test}\n").rules
    assert rule.test.holds(record) is holds


@pytest.mark.parametrize(
    ("supporters", "evidence", "expected"),
    [
        ([condition("B54")], [], "suspected"),
        ([certain("confirmed")], [], "confirmed"),
        ([certain("provisional")], [], "probable"),
        ([certain("differential")], [], "suspected"),
        ([certain("unconfirmed"), certain("provisional")], [], "probable"),
        ([condition("B54")], [measured("39.5", "Cel")], "probable"),
        ([condition("B54")], [rdt("260385009"), measured("39.5", "Cel")], "ruled-out"),
        ([condition("B54")], [rdt("260385009"), rdt("10828004")], "confirmed"),
        ([condition("B54")], [rdt("10828004"), rdt("260385009")], "confirmed"),
        ([condition("B54")], [rdt("10828004", status="entered-in-error")], "suspected"),
        ([], [], None),
    ],
)
def test_the_strongest_evidence_makes_the_class(
    supporters: list[dict[str, Any]], evidence: list[dict[str, Any]], expected: str | None
) -> None:
    """Whatever the order: positive over negative over probable over suspected; retracted evidence is none."""
    verdict = classify(parse(RULES), supporters, [*supporters, *evidence])
    assert (verdict.name if verdict else None) == expected


def test_without_rules_a_plain_diagnosis_is_confirmed() -> None:
    """Nothing is waited for: FHIR takes a condition that names no certainty for confirmed."""
    verdict = classify(parse("case Condition.code in v enrol\n"), [condition("B54")], [])
    assert verdict is not None
    assert (verdict.name, verdict.text) == ("confirmed", "names no certainty")


def test_a_code_says_no_more_than_its_certainty() -> None:
    """A rule by ICD-10 code makes a provisional diagnosis probable at most."""
    binding = parse("case Condition.code in v enrol\nclass confirmed Condition.code in v\n")
    for record, name in ((certain("provisional"), "probable"), (certain("confirmed"), "confirmed")):
        verdict = classify(binding, [record], [record])
        assert verdict is not None
        assert verdict.name == name


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("case Condition.code in v", "a case reads"),
        ("case Condition.code in w enrol", "there is no value set w"),
        ("case Condition.code enrol", "is no test"),
        ("case Condition.code in v enrol sex x", "'x' is no sex"),
        ("case Condition.code in v enrol sex", "something is missing behind 'sex'"),
        ("case Condition.code in v enrol rank 0", "no whole number"),
        ("case Condition.code in v enrol age 4 years", "no span of ages"),
        ("case Condition.code in v enrol age x-4 years", "no span of ages"),
        ("case Condition.code in v enrol age 0-4 weeks", "no unit of age"),
        ("case Condition.code in v enrol window 4 weeks", "no unit of a window"),
        ("case Condition.code in v enrol rank 1 rank 2", "stands twice"),
        ("case Condition.code in v enrol colour red", "nothing that belongs to a case"),
        ("class sure Condition.code in v", "a class is one of"),
        ("class confirmed Patient.gender in v", "names no element of"),
        ("class confirmed Observation.valueQuantity >= x Cel", "is no number"),
        ("class confirmed Observation.valueQuantity >= 1 furlong", "is no unit of UCUM"),
        ("stage S\nclassify S D nowhere", "one line reads"),
        ("classify S D", "there is no stage S to classify"),
        ("concepts k hub:k\n  YES confirmed\nstage S\nclassify S D k", "must name suspected"),
    ],
)
def test_what_the_language_refuses(line: str, said: str) -> None:
    """Each refusal names the file and says what is wrong."""
    with pytest.raises(BadRow, match=said) as raised:
        parse(line + "\n")
    assert str(raised.value).startswith("c.map")
