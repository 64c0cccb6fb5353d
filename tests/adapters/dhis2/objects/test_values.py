"""How values are compared."""

import pytest

from adapters.dhis2.objects.values import moment_text, number, sort_key


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03", "2024-03-01T00:00:00.000"),
        ("2024-03-02", "2024-03-02T00:00:00.000"),
        ("2024-03-02T10:30", "2024-03-02T10:30:00.000"),
        ("2024-03-02T10:30:15.120", "2024-03-02T10:30:15.120"),
        ("2024-03-02T10:30:15.120Z", "2024-03-02T10:30:15.120"),
        ("2024", None),
        ("soon", None),
    ],
)
def test_moments_sort_as_text(text: str, moment: str | None) -> None:
    """Dates and times of any precision in one form."""
    assert moment_text(text) == moment


def test_numbers_keep_their_digits() -> None:
    """Only what is a number altogether."""
    assert str(number("72.50")) == "72.50"
    assert number("7e9") is None
    assert number("") is None


def test_values_of_any_kind_sort_together() -> None:
    """Numbers, then text with or without case, then what has no value."""
    values = ["b", None, 3, "A", [1], 2.5, True]
    assert sorted(values, key=lambda value: sort_key(value, folded=False)) == [True, 2.5, 3, "A", "b", None, [1]]
    assert sort_key("B", folded=True) == sort_key("b", folded=True)
