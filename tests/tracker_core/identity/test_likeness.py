"""Names, numbers and dates compare as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_core.identity.likeness import REVIEW, Folded, compare, compare_birth_dates, contradicts
from tracker_core.identity.names import fold_name, fold_phone, name_sound, usable_identifier

dates = st.dates().map(lambda day: day.isoformat()) | st.sampled_from(["", "1990", "1990-04"])
records = st.builds(
    Folded,
    st.just(1),
    st.just(1),
    st.text(max_size=12).map(fold_name),
    st.text(max_size=12).map(fold_name),
    dates,
    st.sampled_from(["male", "female", "other", "unknown", ""]),
    st.lists(st.sampled_from(["772123456", "772123457"]), max_size=2).map(tuple),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mohammed", "Muhamad"),
        ("Fatuma", "Phatumah"),
        ("Nakkazi", "Nakazzi"),
        ("Oumar", "Umar"),
        ("Chantal", "Shantal"),
        ("Khadija", "Kadidja"),
        ("أحمد", "احمد"),
    ],
)
def test_spellings_of_one_name_sound_the_same(one: str, other: str) -> None:
    """Transliterations meet in one blocking key."""
    assert name_sound(fold_name(one)) == name_sound(fold_name(other))


def test_folding_keeps_letters_only() -> None:
    """Accents, case, punctuation and doubled spaces don't matter."""
    assert fold_name("  N'Guessan-Kouamé  José ") == "nguessan kouame jose"
    assert fold_name("ŁUKASZ Ødegård") == "lukasz odegard"


def test_phones_compare_without_prefix() -> None:
    """Country prefix or leading zero: one number. What is too short is none."""
    assert fold_phone("+256 (772) 123-456") == fold_phone("0772123456") == "772123456"
    assert fold_phone("112") == ""


@pytest.mark.parametrize("value", ["", "0000", "N/A", "unknown", "---", "9999999"])
def test_fillers_are_no_identifiers(value: str) -> None:
    """A filler in an identifier field tells nobody apart."""
    assert not usable_identifier(value)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("1990-04-07", "1990-04-07", "equal"),
        ("1990-04-07", "1990-07-04", "swapped"),
        ("1990-04-07", "1990-04-17", "near"),
        ("1990-04-07", "1990", "same year"),
        ("1990", "1990", "same year"),
        ("1990-04-07", "1991", "differs"),
        ("1990-04-07", "1985-12-31", "differs"),
        ("", "1990", ""),
    ],
)
def test_birth_dates(one: str, other: str, verdict: str) -> None:
    """Every way in which two birth dates agree has a name, both ways round."""
    assert compare_birth_dates(one, other) == compare_birth_dates(other, one) == verdict


def test_twins_and_fathers_are_not_suspected() -> None:
    """Same family, phone and birth date but another given name; same name and phone but another generation."""
    home = ("772123456",)
    twin = Folded(1, 1, "okello", "opio", "2015-05-05", "male", home)
    other = Folded(2, 2, "okello", "odongo", "2015-05-05", "male", home)
    father = Folded(3, 3, "okello", "opio", "1985-08-11", "male", home)
    assert compare(twin, other).score < REVIEW
    assert compare(twin, father).score < REVIEW


def test_swapped_names_are_seen() -> None:
    """Family and given name in each other's field."""
    one = Folded(1, 1, "achieng", "grace", "1999-01-01", "female")
    other = Folded(2, 2, "grace", "achieng", "1999-01-01", "female")
    assert compare(one, other).reasons["names"] == "swapped"
    assert compare(one, other).score >= REVIEW


@given(records, records)
def test_likeness_is_symmetric_and_a_probability(one: Folded, other: Folded) -> None:
    """The order of the two never matters, and a score stays between 0 and 1."""
    assert compare(one, other) == compare(other, one)
    assert contradicts(one, other) == contradicts(other, one)
    assert 0 <= compare(one, other).score <= 1
    assert not contradicts(one, one)
