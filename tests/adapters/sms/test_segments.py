"""Segment counting and phone numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sms.phones import normal_phone
from adapters.sms.segments import GSM7_BASIC, GSM7_EXTENDED, Segments, cut, measure, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm7", 0, 1)),
        ("a" * 160, Segments("gsm7", 160, 1)),
        ("a" * 161, Segments("gsm7", 161, 2)),
        ("a" * 306, Segments("gsm7", 306, 2)),
        ("a" * 307, Segments("gsm7", 307, 3)),
        ("€" * 80, Segments("gsm7", 160, 1)),
        ("a" + "€" * 152, Segments("gsm7", 305, 2)),
        ("€" * 153, Segments("gsm7", 306, 3)),
        ("я" * 70, Segments("ucs2", 70, 1)),
        ("я" * 71, Segments("ucs2", 71, 2)),
        ("😀" * 35, Segments("ucs2", 70, 1)),
        ("😀" * 67, Segments("ucs2", 134, 3)),
    ],
)
def test_segments_are_counted(text: str, expected: Segments) -> None:
    """Limits of one and of many segments; a pair of units is never split."""
    assert measure(text) == expected


def test_alphabet_is_whole() -> None:
    """GSM 7-bit has 127 characters beside the escape, and ten with it."""
    assert len(set(GSM7_BASIC)) == 127
    assert len(GSM7_EXTENDED) == 10


@given(st.text(max_size=600), st.integers(1, 4))
def test_cut_texts_fit(text: str, most: int) -> None:
    """A cut text never exceeds its segments, and a text that fits is untouched."""
    made = cut(text, most)
    assert measure(made).count <= most
    assert made == text or measure(text).count > most


def test_plain_keeps_gsm7() -> None:
    """Typographic marks alone do not make a text UCS-2."""
    assert measure(plain("“Chief’s” clinic – 9…")).encoding == "gsm7"


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+260 955 123456", "", "+260955123456"),
        ("00260955123456", "", "+260955123456"),
        ("0955-123-456", "zm", "+260955123456"),
        ("0955123456", "", None),
        ("1", "ZM", None),
        ("call me", "ZM", None),
        ("", "ZM", None),
    ],
)
def test_phones_are_normalised(text: str, region: str, expected: str | None) -> None:
    """One number has one form, whoever wrote it."""
    assert normal_phone(text, region) == expected
