"""Units convert to and fro without loss of what was measured."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tracker_core.records.units import scale

FAMILIES = [
    ["kg", "g", "mg", "ug", "[lb_av]", "[oz_av]"],
    ["m", "cm", "mm", "[in_i]", "[ft_i]"],
    ["Cel", "K", "[degF]"],
    ["mm[Hg]", "kPa", "Pa", "cm[H2O]", "mbar"],
    ["mmol/L", "umol/L", "mol/m3", "10*9/L", "10*3/uL", "/uL", "meq/L"],
    ["mg/dL", "g/L", "ng/mL", "ug/mL", "kg/m3"],
    ["min", "h", "d", "wk", "a", "s"],
    ["mL/min/{1.73_m2}", "L/h", "mL/s"],
    ["%", "1", "{score}", "[ppm]", "10*-3"],
    ["U/L", "mU/mL", "kU/L"],
    ["(mg/kg)/h", "ug/kg/min"],
]
PAIRS = [(a, b) for family in FAMILIES for a in family for b in family]


@given(st.sampled_from(PAIRS), st.decimals(min_value=-(10**6), max_value=10**6, places=3))
def test_there_and_back(pair: tuple[str, str], value: Decimal) -> None:
    """A value in another unit of the same dimension, and back, is the value."""
    here, there = (scale(code) for code in pair)
    assert here is not None
    assert there is not None
    assert here.dimension == there.dimension
    back = here.from_other(there.from_other(value, here), there)
    assert abs(back - value) <= Decimal("1e-9") * max(abs(value), 1)


def test_known_equalities() -> None:
    """A few conversions that everybody knows."""
    for value, unit, expected, other in (
        ("98.6", "[degF]", "37", "Cel"),
        ("1", "[lb_av]", "453.59237", "g"),
        ("120", "mm[Hg]", "15.99864", "kPa"),
        ("1", "wk", "7", "d"),
        ("5", "10*9/L", "5000", "10*6/L"),
        ("1", "[iU]/mL", "1000", "[iU]/L"),
    ):
        here, there = scale(unit), scale(other)
        assert here is not None
        assert there is not None
        assert abs(there.from_other(Decimal(value), here) - Decimal(expected)) < Decimal("1e-6"), unit


def test_what_is_no_linear_unit() -> None:
    """Unknown atoms, logarithms, damaged and endless texts are no scale; others never raise."""
    for code in ("", "[pH]", "dB", "mg//", "(mg", "mg)", "parsec", "g99", "m" * 100, "/", ".", "kg..m", "{", "10*1000"):
        assert scale(code) is None, code


@given(st.text(max_size=80))
def test_any_text_is_read_or_not(text: str) -> None:
    """No text breaks the reader."""
    scale(text)
