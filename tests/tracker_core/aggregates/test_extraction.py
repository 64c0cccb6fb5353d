"""What reports read in records."""

from datetime import date
from typing import Any

import pytest

from tracker_core.aggregates import extraction

ICD10 = "http://hl7.org/fhir/sid/icd-10"


def condition(*codings: tuple[str, str], status: str = "") -> dict[str, Any]:
    """A Condition with these codings."""
    found: dict[str, Any] = {"code": {"coding": [{"system": system, "code": code} for system, code in codings]}}
    if status:
        found["verificationStatus"] = {"coding": [{"code": status}]}
    return found


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (condition((ICD10, "b50.9"), ("http://snomed.info/sct", "61462000")), ["B509"]),
        (condition((ICD10, "B50.9"), (f"{ICD10}-cm", "B50.9"), (f"{ICD10}-cm", "B54")), ["B509", "B54"]),
        (condition((ICD10, "B50"), status="refuted"), []),
        (condition((ICD10, "B50"), status="entered-in-error"), []),
        (condition((ICD10, "B50"), status="provisional"), ["B50"]),
        (condition((ICD10, "")), []),
        ({"code": {"text": "malaria"}}, []),
        ({"code": {"coding": "x"}}, []),
        ({}, []),
    ],
)
def test_diagnoses_are_icd10_codings_that_hold(document: dict[str, Any], expected: list[str]) -> None:
    """Other systems, refuted and mistaken conditions give none; the same code of two systems counts once."""
    assert extraction.diagnoses(document) == expected


def test_a_visit_has_its_writers_day_and_its_nearest_places_first() -> None:
    """The day is the local one of the text; locations come before the provider, references before identifiers."""
    encounter = {
        "status": "finished",
        "period": {"start": "2024-03-31T23:30:00-05:00"},
        "location": [{"location": {"reference": "Location/ward"}}, "broken"],
        "serviceProvider": {"reference": "Organization/clinic", "identifier": {"value": "F1"}},
    }
    found = extraction.visit(encounter)
    assert found == extraction.Visit(
        held=True, day=date(2024, 3, 31), places=("Location/ward", "Organization/clinic", "F1")
    )
    assert not extraction.visit({"status": "cancelled"}).held
    assert extraction.visit({}) == extraction.Visit(held=True, day=None, places=())


def test_a_condition_without_a_visit_is_dated_by_itself() -> None:
    """Recorded before begun; a partial date dates nothing."""
    assert extraction.condition_day({"recordedDate": "2024-03-02", "onsetDateTime": "2024-03-01"}) == date(2024, 3, 2)
    assert extraction.condition_day({"onsetPeriod": {"start": "2024-03-01T08:00:00Z"}}) == date(2024, 3, 1)
    assert extraction.condition_day({"onsetDateTime": "2024-03"}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1990-05-17", date(1990, 5, 17)),
        ("1990-05", date(1990, 5, 15)),
        ("1990", date(1990, 7, 1)),
        ("1990-13-01", None),
        ("long ago", None),
        (None, None),
    ],
)
def test_partial_birth_dates_are_taken_at_their_middle(text: str | None, expected: date | None) -> None:
    """A year means its middle, a month its 15th; what is no date is unknown."""
    assert extraction.birth_date(text) == expected


def test_a_person_is_what_the_patients_say_together() -> None:
    """The first document that says anything decides each of the two."""
    patients = [
        {"gender": "unknown"},
        {"birthDate": "1990", "gender": "other"},
        {"birthDate": "1991", "gender": "male"},
    ]
    assert extraction.person(patients) == (date(1990, 7, 1), "O")
    assert extraction.person([]) == (None, None)


def test_a_place_is_known_by_itself_before_its_keepers() -> None:
    """Id and identifiers first, then what manages it and what it is part of."""
    place = {
        "id": "ward",
        "identifier": [{"value": "W1"}],
        "managingOrganization": {"reference": "Organization/clinic"},
        "partOf": {"reference": "Location/building"},
    }
    assert extraction.keeper(place) == ("ward", "W1", "Organization/clinic", "Location/building")
