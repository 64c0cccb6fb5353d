"""ICD-10 codes as written, their normal form, and ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology import icd10

CODES = st.builds(
    lambda letter, number, rest: f"{letter}{number:02d}" + (f".{rest}" if rest is not None else ""),
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    st.integers(0, 99),
    st.none() | st.integers(0, 99),
)


@pytest.mark.parametrize(
    ("text", "code", "mark"),
    [
        ("B54", "B54", ""),
        (" b54. ", "B54", ""),
        ("A170", "A17.0", ""),
        ("A17.0+", "A17.0", "dagger"),
        ("G01*", "G01", "aster"),
        ("A17.0†", "A17.0", "dagger"),
        ("G01*.", "G01", "aster"),
        ("ICD10:I10.", "I10", ""),
        ("icd-10 | i10", "I10", ""),
        ("S52521A", "S52.521A", ""),
        ("J45.9!", "J45.9", ""),
    ],
)
def test_written_forms_have_one_normal_form(text: str, code: str, mark: str) -> None:
    """Dots, case, blanks, prefixes and marks do not change which code it is."""
    assert icd10.read_code(text) == icd10.Written(code, mark)


@pytest.mark.parametrize("text", ["", "B", "malaria", "54B", "B5O", "B54..1", "B54-B55", "B54.12345", "II"])
def test_other_text_is_no_code(text: str) -> None:
    """What has not the shape of a code is refused rather than guessed."""
    assert icd10.normal(text) is None


@given(CODES)
def test_normal_form_is_settled(code: str) -> None:
    """A normal form is its own normal form, also after losing its dot."""
    assert icd10.normal(code) == code
    assert icd10.normal(icd10.undotted(code)) == code


@pytest.mark.parametrize(
    ("ranges", "inside", "outside"),
    [
        ("B50-B54", ["B50", "B50.9", "B52.0", "B54", "b54.", "B549"], ["B49.9", "B55", "A50"]),
        ("A15.0-A15.3", ["A15.0", "A15.3", "A15.39"], ["A15", "A15.4", "A16.0"]),
        ("A00, B54; XVIII", ["A00.1", "B54", "R99", "R00.0"], ["A01", "Q99"]),
        ("A15", ["A15", "A15.9"], ["A16"]),
    ],
)
def test_ranges_hold_codes_below_their_bounds(ranges: str, inside: list[str], outside: list[str]) -> None:
    """A bound holds everything below it, at its own length, and nothing beside it."""
    found = icd10.read_ranges(ranges)
    assert [code for code in inside if code not in found] == []
    assert [code for code in outside if code in found] == []


@pytest.mark.parametrize("text", ["B54-", "B54-B50", "malaria", "-B54", "B50-B54-B56"])
def test_ranges_refuse_what_they_cannot_read(text: str) -> None:
    """A mistyped case definition is an error that names its part, never an empty set."""
    with pytest.raises(ValueError, match="'"):
        icd10.read_ranges(text)


@given(st.lists(CODES, min_size=1, max_size=4))
def test_ranges_written_and_read_are_equal(codes: list[str]) -> None:
    """The text of a set of ranges reads as the same set, and holds its own codes."""
    ranges = icd10.read_ranges(" ".join(codes))
    assert icd10.read_ranges(str(ranges)) == ranges
    assert all(code in ranges for code in codes)
    assert icd10.read_ranges(str(icd10.read_ranges("A15.0-B50"))) == icd10.read_ranges("A15.0-B50")


def test_ranges_hold_only_codes() -> None:
    """A number or a text that is no code lies in no range."""
    assert 50 not in icd10.read_ranges("B50")
    assert "nothing" not in icd10.read_ranges("I")


@pytest.mark.parametrize(
    ("code", "number"), [("B54", "I"), ("D48.9", "II"), ("D50", "III"), ("Z99", "XXI"), ("W50", "XX")]
)
def test_chapters_follow_the_spans(code: str, number: str) -> None:
    """Chapter borders within a letter are kept."""
    assert icd10.chapter(code) == number


def test_codes_outside_every_chapter_have_none() -> None:
    """D49 is a code of national modifications only."""
    assert icd10.chapter("D49") is None
