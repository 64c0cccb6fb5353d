"""Which records make a person a case."""

from typing import Any

import pytest

from mappings.binding import find_case, parse_binding
from mappings.binding.cases import case_day
from tests.mappings.binding.samples import BINDING, condition, observation

CONFIRMED = parse_binding(
    "binding c\nprogram P\nvalueset v icd-10 B50-B54\ncase Condition.code in v enrol confirmed\n", "c.map"
)


def verified(code: str, status: str) -> dict[str, Any]:
    """A condition of that verification status."""
    return condition(code, verificationStatus={"coding": [{"code": status}]})


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (condition("A15.3"), True),
        (condition("A159"), True),
        (condition("A20"), False),
        (verified("A16", "provisional"), True),
        (verified("A16", "refuted"), False),
        (verified("A16", "entered-in-error"), False),
        (observation("http://hl7.org/fhir/sid/icd-10", "A15"), False),
        ({"resourceType": "Condition", "code": {"text": "tuberculosis"}}, False),
    ],
)
def test_a_case_by_code_and_certainty(record: dict[str, Any], found: bool) -> None:
    """Ranges are understood with and without dot; a refuted or retracted diagnosis is no case."""
    assert (find_case(BINDING, record) is not None) is found


def test_a_definition_may_ask_for_confirmed_cases() -> None:
    """Then a suspicion doesn't enrol; a condition without status counts as confirmed."""
    assert find_case(CONFIRMED, verified("B54", "provisional")) is None
    assert find_case(CONFIRMED, verified("B54", "confirmed")) is not None
    assert find_case(CONFIRMED, condition("B54")) is not None


def test_the_day_of_a_case() -> None:
    """Onset before recording; what is not known to the day is no day."""
    assert case_day(condition("A15", onsetDateTime="2026-03-01", recordedDate="2026-03-05")) == "2026-03-01"
    assert case_day(condition("A15", onsetDateTime="2026", recordedDate="2026-03-05T08:00:00Z")) == "2026-03-05"
    assert case_day(condition("A15")) == ""
