"""Odd values of the codecs over several fields: times, amounts, payers, attachments."""

from decimal import Decimal
from typing import Any

import pytest

from mappings import Mappings, Scope, load
from mappings.library import BASE, er7_codecs, merged_sections, read_concepts
from mappings.places import MISSING
from mappings.scope import Unfit
from tests.mappings.talk import PATIENT
from tests.mappings.talk import again as rendered

TABLES: Mappings = load()
FIND = er7_codecs(merged_sections([BASE], "hl7v2/types"), read_concepts([BASE]))


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("minutes", ["2", "HR"], 120),
        ("minutes", ["30", ""], 30),
        ("minutes", ['""', ""], None),
        ("minutes", ["", "min"], MISSING),
        ("offset", ["2^h"], 120),
        ("offset", [""], MISSING),
        ("span", ["20240302", "2", "d"], {"start": "2024-03-02", "end": "2024-03-04"}),
        ("span", ["", "2", "d"], MISSING),
        ("span", ['""', "", ""], None),
        ("performed", ["20240302", ""], {"performedDateTime": "2024-03-02"}),
        ("performed", ["", "30"], MISSING),
        ("bounds", ["5^d", "", "20240306"], {"boundsPeriod": {"start": "2024-03-01", "end": "2024-03-06"}}),
        ("bounds", ["", "", ""], MISSING),
        ("bounds", ['""', "", ""], None),
        ("occurrence", ["20240302^20240303"], {"occurrencePeriod": {"start": "2024-03-02", "end": "2024-03-03"}}),
        ("amount", ['""', ""], None),
        ("dose", ["", "5", "mg"], {"doseRange": {"high": {"value": Decimal(5), "unit": "mg"}}}),
        ("medication", ["", "", "", "", "", ""], MISSING),
        ("insurer", ["", '""', "", ""], None),
        ("insurer", ["", "", "", ""], MISSING),
    ],
)
def test_odd_values(name: str, texts: list[str], value: Any) -> None:
    """Units as senders write them, halves of a whole, nulls and nothing."""
    assert FIND(name, 1).decode(texts, Scope(), None) == value


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("minutes", ["1", "fortnight"]),
        ("minutes", ["90", "s"]),
        ("minutes", ["-5", "min"]),
        ("span", ["2024", "2", "d"]),
        ("span", ["20240302", "2", "months"]),
        ("amount", ["many", "mg"]),
    ],
)
def test_values_that_cannot_be_meant(name: str, texts: list[str]) -> None:
    """Unknown units, parts of minutes, time before now, months as a length: the row fails, with a reason."""
    with pytest.raises(Unfit):
        FIND(name, 1).decode(texts, Scope(), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minutes", "soon"),
        ("span", {"end": "2024-03-02"}),
        ("bounds", {"boundsRange": {}}),
        ("bounds", {"boundsDuration": {"unit": "d"}}),
        ("performed", {"performedString": "long ago"}),
        ("performed", {"performedPeriod": {"start": "2024-03-02T08:00:00Z", "end": "2024-03-02T08:00:30Z"}}),
        ("amount", {"unit": "mg"}),
        ("dose", {"doseRange": {"low": {"value": 1}}}),
        ("medication", {"medicationReference": {"reference": "Medication/1"}}),
        ("insurer", {"reference": "Patient/1"}),
        ("holder", "nobody"),
        ("document", {"contentType": "application/pdf"}),
    ],
)
def test_values_that_cannot_be_said(name: str, value: Any) -> None:
    """What has no place in the fields is not written."""
    codec = FIND(name, 1)
    assert codec.encode(value, Scope(), [""] * codec.arity) is None


def test_bounds_of_a_duration_are_written_as_one() -> None:
    """A duration without start and end stays one."""
    value = {"boundsDuration": {"value": Decimal(5), "unit": "d", "code": "d"}}
    assert FIND("bounds", 1).encode(value, Scope(), ["", "", ""]) == ["5^d", "", ""]


def test_an_insurer_is_rendered_again() -> None:
    """The fields of a payer and of a policy's holder read the same after being written."""
    insured = "IN1|1|PLAN|77^^^LAB|Acme^^^^^LAB^^^^9|1 Street^^Town||^^^^^^^^^^^555-1|||G9^^^LAB|Factory"
    lines = rendered(TABLES, "ADT^A01", PATIENT, insured)
    (line,) = [line for line in lines if line.startswith("IN1")]
    fields = line.split("|")
    assert (fields[4], fields[5], fields[11]) == ("Acme^^^^^LAB^^^^77", "1 Street^^Town", "Factory^^^^^LAB^^^^G9")
