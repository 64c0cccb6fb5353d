"""Attributes of a person from all their Patient records, and back."""

from typing import Any

from mappings.binding import read_person, write_person
from mappings.scope import Scope
from tests.mappings.binding.samples import BINDING

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Okello", "given": ["John", "Paul"], "text": "John Paul Okello"}, {"family": "Old"}],
    "gender": "male",
    "birthDate": "1990-04",
    "telecom": [{"system": "email", "value": "x@example.org"}, {"system": "phone", "value": "0772", "use": "home"}],
}


def test_the_first_record_that_has_a_value_gives_it() -> None:
    """Survivorship per attribute, in the order given; what means nothing is passed over without a word."""
    scope = Scope()
    newer = {"resourceType": "Patient", "name": [{"family": "Okelo"}], "gender": "unknown", "birthDate": "1990-04-17"}
    assert read_person(BINDING.person, [newer, PATIENT], scope) == {
        "FAMILY": "Okelo",
        "GIVEN": "John Paul",
        "SEX": "MALE",
        "BORN": "1990-04-17",
        "PHONE": "0772",
    }
    assert scope.issues == []


def test_writing_touches_only_what_reads_differently() -> None:
    """The unknown birth day, the other name and the phone's use survive."""
    same = {"FAMILY": "Okello", "GIVEN": "John Paul", "SEX": "MALE", "PHONE": "0772", "BORN": None}
    assert write_person(BINDING.person, same, PATIENT, Scope()) is None
    after = write_person(BINDING.person, {"GIVEN": "Jon", "PHONE": None}, PATIENT, Scope())
    assert after is not None
    assert after["name"] == [{"family": "Okello", "given": ["Jon"]}, {"family": "Old"}]
    assert after["telecom"] == [{"system": "email", "value": "x@example.org"}, {"system": "phone", "use": "home"}]
    assert after["birthDate"] == "1990-04"


def test_a_value_that_fits_nowhere_leaves_an_issue() -> None:
    """The other attributes are written."""
    scope = Scope()
    after = write_person(BINDING.person, {"SEX": "NEITHER", "FAMILY": "Akello"}, PATIENT, scope)
    assert after is not None
    assert after["gender"] == "male"
    assert after["name"][0]["family"] == "Akello"
    assert [issue.code for issue in scope.issues] == ["unknown-code"]
