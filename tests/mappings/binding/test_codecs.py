"""Codecs of a binding: what is written reads as it was, and what does not fit says why."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.binding.codecs import find_codec, to_moment
from mappings.binding.options import parse_options
from mappings.paths import BadRow
from mappings.rows import read_lines
from mappings.scope import Scope, Unfit

OPTIONS = parse_options("o", "sct", list(read_lines('YES 373066001 "Yes"\nNO hub:no|1 373067005\nnone 261665006')))
MAPS = {"o": OPTIONS}
options = st.sampled_from(["YES", "NO"])
VALUES: dict[str, st.SearchStrategy[str]] = {
    "text": st.text(min_size=1),
    "integer": st.integers().map(str),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False).map(str),
    "yes": st.sampled_from(["true", "false"]),
    "date": st.dates().map(lambda day: day.isoformat()),
    "dateTime": st.datetimes(timezones=st.just(UTC)).map(lambda moment: to_moment(moment.isoformat()) or ""),
    "given": st.lists(st.sampled_from(["Ann", "Mary", "Lu"]), min_size=1).map(" ".join),
    "icd10": st.sampled_from(["A15.0", "B54"]),
    "quantity:kg": st.decimals(allow_nan=False, allow_infinity=False).map(str),
    "concept:o": options,
    "coding:o": options,
    "code:o": options,
}


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_what_is_written_reads_as_it_was(name: str, data: st.DataObject) -> None:
    """`encode(decode(v)) == v` for every value that the codec can say."""
    codec, value = find_codec(name, MAPS), data.draw(VALUES[name])
    assert codec.encode(codec.decode(value, Scope(), None), Scope(), None) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("decimal", "many"),
        ("integer", "x"),
        ("yes", "maybe"),
        ("date", "1990"),
        ("concept:o", "WHO"),
        ("quantity:kg", "?"),
    ],
)
def test_a_value_that_cannot_be_written_is_unfit(name: str, text: str) -> None:
    """The row gets an issue instead of a wrong element."""
    with pytest.raises(Unfit):
        find_codec(name, MAPS).decode(text, Scope(), None)


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("quantity:kg", {"value": Decimal(1), "comparator": "<", "code": "kg"}),
        ("quantity:kg", {"value": Decimal(1), "unit": "g"}),
        ("concept:o", {"text": "yes, I think"}),
        ("dateTime", "yesterday at noon"),
    ],
)
def test_an_element_that_cannot_be_read_is_unfit(name: str, element: Any) -> None:
    """A comparator, another unit, a text without code, a text that is no time."""
    with pytest.raises(Unfit):
        find_codec(name, MAPS).encode(element, Scope(), None)


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("quantity:kg", {"unit": "kg"}),
        ("concept:o", {"coding": [{"system": "http://snomed.info/sct", "code": "261665006"}]}),
        ("date", "1990-04"),
        ("dateTime", "1990"),
        ("given", {"family": "Auma"}),
        ("icd10", {"coding": [{"system": "urn:local", "code": "B54"}]}),
    ],
)
def test_an_element_that_says_nothing_reads_as_nothing(name: str, element: Any) -> None:
    """No value, a code that means none, a date not known to the day: no value and no issue."""
    assert find_codec(name, MAPS).encode(element, Scope(), None) is None


def test_times_keep_their_own_form_while_they_are_equal() -> None:
    """A sender's offset and time of day survive a write of the same moment or day."""
    moment, day = find_codec("dateTime", MAPS), find_codec("date", MAPS)
    old = "2026-03-05T02:00:00+02:00"
    assert moment.encode(old, Scope(), None) == "2026-03-05"
    assert moment.decode("2026-03-05", Scope(), old) == old
    assert day.decode("2026-03-05", Scope(), old) == old
    assert day.decode("2026-03-06", Scope(), old) == "2026-03-06"
    assert to_moment(datetime(2026, 3, 5, 8, 30, tzinfo=UTC).isoformat()) == "2026-03-05T08:30:00+00:00"


def test_an_icd_code_stays_in_the_system_of_the_sender() -> None:
    """An edit of an ICD-10-CM code is one of ICD-10-CM."""
    old = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B50.9"}]}
    new = find_codec("icd10", MAPS).decode("B50.0", Scope(), old)
    assert new["coding"] == [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B50.0"}]


def test_unknown_codecs_and_maps_are_refused() -> None:
    """At load, not at the first message."""
    for name in ("furlong", "concept:x", "quantity"):
        with pytest.raises(BadRow):
            find_codec(name, MAPS)
