"""Codecs of cells: every spelling reads as one value, and the value's own spelling reads as itself."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.codecs.cells import CERTAINTY, cell_codecs
from mappings.codecs.codec import MISSING
from mappings.concepts import parse_concept_map
from mappings.scope import Profile, Scope, Unfit
from terminology import icd10

MAPS = {
    "finding": parse_concept_map("finding urn:f -> sct\npositive 10828004\npos 10828004\nneg 260385009\n", "finding"),
    "sex": parse_concept_map("sex urn:s -> fhir:administrative-gender\nF female\nM male\n", "sex"),
}
find = cell_codecs(MAPS, ("%d/%m/%Y", "%d/%m/%Y %H:%M"))
LUSAKA = Scope(Profile(zone=ZoneInfo("Africa/Lusaka")))
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
CODES = st.builds(
    lambda a, b, c: f"{a}{b:02d}{c}", st.sampled_from("ABIJ"), st.integers(0, 99), st.sampled_from(["", ".0", ".9"])
)


def decode(name: str, cell: Any) -> Any:
    """What a cell reads as."""
    return find(name).decode(cell, LUSAKA, None)


def encode(name: str, value: Any) -> Any:
    """How a value is written."""
    return find(name).encode(value, LUSAKA, None)


@pytest.mark.parametrize(
    ("name", "cell", "written"),
    [
        ("text", " a b ", "a b"),
        ("words", " Ana  Maria ", "Ana Maria"),
        ("date", "02/04/1990", "1990-04-02"),
        ("date", "19900402", "1990-04-02"),
        ("date", "1990-04", "1990-04"),
        ("date:%d.%m.%y", "02.04.90", "02.04.90"),
        ("dateTime", "02/04/1990", "1990-04-02"),
        ("dateTime", "02/04/1990 07:30", "1990-04-02T07:30:00+02:00"),
        ("dateTime", "1990-04-02T07:30:00+05:30", "1990-04-02T07:30:00+05:30"),
        ("quantity:kg", "72,50", "72.50"),
        ("quantity:kg", " 72.50 KG", "72.50"),
        ("quantity:Cel", "38.5 °C", "38.5"),
        ("quantity:/min", "80bpm", "80"),
        ("code:sex", "f", "F"),
        ("concept:finding", "POS", "positive"),
        ("diagnoses", ["b54. A099; a170+ g01*", ""], ["B54; A09.9; A17.0; G01", ""]),
        ("diagnoses", ["B54; B54", "suspected"], ["B54", "provisional"]),
        ("diagnoses", ["B54; I10; E11", "; ruled out"], ["B54; I10; E11", "; refuted"]),
        ("diagnoses_comma", ["B54;I10", ""], ["B54,I10", ""]),
        ("diagnoses_undotted", ["A09.9", "final"], ["A099", "confirmed"]),
    ],
)
def test_spellings_are_written_one_way(name: str, cell: Any, written: Any) -> None:
    """Reading and writing settles a spelling; what is written reads as the same value."""
    value = decode(name, cell)
    assert encode(name, value) == written
    assert decode(name, written) == value


@pytest.mark.parametrize(
    ("name", "cell", "reason"),
    [
        ("date", "31/02/1990", "not a date"),
        ("date", "soon", "not a date"),
        ("date:%d/%m/%Y", "1990", "not a date of the form"),
        ("quantity:kg", "heavy", "not a number"),
        ("quantity:kg", "1.2.3", "not a number|not in kg"),
        ("quantity:kg", "159 mL", "not in kg"),
        ("code:sex", "Q", "not a sex we know"),
        ("diagnoses", ["B54; fever", ""], "fever is no ICD-10 code"),
        ("diagnoses", ["B54", "confirmed; refuted"], "2 certainties for 1 diagnoses"),
        ("diagnoses", ["B54", "maybe"], "maybe is no certainty"),
        ("age", ["old", "2024-01-01"], "not an age"),
    ],
)
def test_other_cells_do_not_fit(name: str, cell: Any, reason: str) -> None:
    """What means nothing certain is refused with a reason, never guessed."""
    with pytest.raises(Unfit, match=reason):
        decode(name, cell)


def test_blank_parts_say_nothing() -> None:
    """An empty age, an age without a day, and blank words are missing."""
    assert decode("age", ["", "2024-01-01"]) is MISSING
    assert decode("age", ["3", "someday"]) is MISSING
    assert decode("words", " ") is MISSING
    assert encode("age", "1990") is None
    assert encode("words", []) is None
    assert encode("date:%d/%m/%Y", "1990") is None


@given(DAYS, st.integers(0, 120))
def test_ages_are_no_more_precise_than_they_say(day: date, age: int) -> None:
    """A birth date made of an age gives back that age, counted in its own unit."""
    if day.year - age > 0:
        assert day.year - int(decode("age", [f"{age}", day.isoformat()])) == age
    year, month = (int(part) for part in decode("age", [f"{age} months", day.isoformat()]).split("-"))
    assert (day.year - year) * 12 + day.month - month == age
    assert decode("age", [f"{age}d", day.isoformat()]) == (day - timedelta(days=age)).isoformat()


@given(st.decimals(-1000, 1000, allow_nan=False, places=3))
def test_quantities_keep_their_digits(number: Any) -> None:
    """Every digit written is a digit kept."""
    value = decode("quantity:kg", str(number))
    assert str(value["value"]) == str(number)
    assert encode("quantity:kg", value) == f"{number:f}"


@given(
    st.lists(CODES, min_size=1, max_size=5, unique=True),
    st.lists(st.sampled_from(["", *CERTAINTY.values()]), max_size=5),
)
def test_diagnoses_are_settled(codes: list[str], certainties: list[str]) -> None:
    """Codes and certainties in normal form come back as they were."""
    given_ = certainties[: len(codes)]
    while given_ and not given_[-1]:
        given_.pop()
    cells = ["; ".join(codes), "; ".join(given_)]
    conditions = decode("diagnoses", cells)
    assert [c["code"]["coding"][0] for c in conditions] == [{"system": icd10.SYSTEM, "code": code} for code in codes]
    assert encode("diagnoses", conditions) == cells


@given(DAYS)
def test_dates_are_settled(day: date) -> None:
    """ISO days are their own spelling; declared forms read as the same day."""
    assert encode("date", decode("date", day.isoformat())) == day.isoformat()
    assert decode("date", f"{day:%d/%m/}{day.year:04d}") == day.isoformat()
