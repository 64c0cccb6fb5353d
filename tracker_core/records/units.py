"""Units of measure (UCUM) by what they measure: `mg` and `g` are one thing at two scales (ADR 0303).

A unit is read by UCUM's grammar into base units with exponents, a factor and, for temperatures, an offset. Facts of
the common clinical atoms are in `_ATOMS`; what is not there, or is no linear scale (pH, B), is no known unit: such
quantities compare by unit alone.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache

UCUM = "http://unitsofmeasure.org"
_PRECISION = 28


@dataclass(frozen=True, slots=True)
class Scale:
    """`value * factor + offset` is the value in base units; equal `dimension` means that values can be compared."""

    dimension: tuple[tuple[str, int], ...]
    factor: Decimal
    offset: Decimal = Decimal(0)

    def from_other(self, value: Decimal, other: "Scale") -> Decimal:
        """Return on this scale a value of another one of the same dimension."""
        with localcontext(prec=_PRECISION):
            return (value * other.factor + other.offset - self.offset) / self.factor


_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

# Atom -> (factor, unit it is a multiple of), metric ones take prefixes. Base units stand for themselves.
_BASES = ("m", "s", "g", "K", "cd", "C", "rad")
_METRIC: dict[str, tuple[str, str]] = {
    "L": ("1e-3", "m3"), "l": ("1e-3", "m3"), "mol": ("6.02214076e23", "1"), "N": ("1e3", "g.m/s2"),
    "J": ("1e3", "g.m2/s2"), "W": ("1e3", "g.m2/s3"), "Pa": ("1e3", "g/m/s2"), "bar": ("1e8", "g/m/s2"),
    "Hz": ("1", "/s"), "eq": ("6.02214076e23", "1"), "osm": ("6.02214076e23", "1"), "kat": ("6.02214076e23", "/s"),
    "U": ("1.00368901266667e16", "/s"), "cal": ("4.184", "J"), "V": ("1e3", "g.m2/s2/C"), "A": ("1", "C/s"),
    "Ohm": ("1e3", "g.m2/s/C2"), "S": ("1e-3", "C2.s/g/m2"), "F": ("1e-3", "C2.s2/g/m2"), "T": ("1e3", "g/s/C"),
    "Bq": ("1", "/s"), "Gy": ("1", "m2/s2"), "Sv": ("1", "m2/s2"), "Ci": ("3.7e10", "/s"), "lm": ("1", "cd"),
    "eV": ("1.602176634e-19", "J"), "t": ("1e6", "g"), "m[Hg]": ("133322000", "g/m/s2"),
    "m[H2O]": ("9806650", "g/m/s2"),
    "[iU]": ("1", "[iU]"), "[IU]": ("1", "[iU]"), "cal_th": ("4.184", "J"), "dyn": ("1e-2", "g.m/s2"),
}  # fmt: skip
_PLAIN: dict[str, tuple[str, str]] = {
    "%": ("1e-2", "1"), "[ppth]": ("1e-3", "1"), "[ppm]": ("1e-6", "1"), "[ppb]": ("1e-9", "1"), "10*": ("10", "1"),
    "10^": ("10", "1"), "[pi]": ("3.14159265358979", "1"), "min": ("60", "s"), "h": ("3600", "s"), "d": ("86400", "s"),
    "wk": ("604800", "s"), "mo": ("2629800", "s"), "a": ("31557600", "s"), "mo_j": ("2629800", "s"),
    "a_j": ("31557600", "s"), "deg": ("0.0174532925199433", "rad"), "[in_i]": ("0.0254", "m"),
    "[ft_i]": ("0.3048", "m"),
    "[yd_i]": ("0.9144", "m"), "[mi_i]": ("1609.344", "m"), "[mi_us]": ("1609.34721869444", "m"),
    "[lb_av]": ("453.59237", "g"), "[oz_av]": ("28.349523125", "g"), "[gr]": ("0.06479891", "g"),
    "[stone_av]": ("6350.29318", "g"), "[ston_av]": ("907184.74", "g"), "[gal_us]": ("3.785411784e-3", "m3"),
    "[qt_us]": ("0.946352946e-3", "m3"), "[pt_us]": ("0.473176473e-3", "m3"), "[foz_us]": ("29.5735295625e-6", "m3"),
    "[cup_us]": ("236.5882365e-6", "m3"), "[tbs_us]": ("14.78676478125e-6", "m3"),
    "[tsp_us]": ("4.92892159375e-6", "m3"), "[drp]": ("0.05e-6", "m3"), "[degF]": ("0.555555555555555555555556", "K"),
    "[psi]": ("6894757.293168", "g/m/s2"), "atm": ("101325000", "g/m/s2"), "[in_i'Hg]": ("3386378.8", "g/m/s2"),
    "[Cal]": ("4184", "J"), "[nmi_i]": ("1852", "m"), "[kn_i]": ("0.514444444444444", "m/s"),
    "[diop]": ("1", "/m"), "[Ch]": ("0.000333333333333333", "m"), "Cel": ("1", "K"),
}  # fmt: skip
_OFFSETS = {"Cel": Decimal("273.15"), "[degF]": Decimal("255.372222222222222222222222")}
_ANNOTATION = re.compile(r"((?:\A|[./(]))\{[^{}]*\}|\{[^{}]*\}")
_TERM = re.compile(r"((?:\[[^\]]*\]|[A-Za-z%'_]|10[*^])(?:\[[^\]]*\]|[A-Za-z%'_])*|10[*^])?([+-]?\d+)?\Z")


@lru_cache(maxsize=4_096)
def scale(code: str) -> Scale | None:
    """Return the scale of a UCUM code, or None when it is not known here or no linear scale."""
    text = _ANNOTATION.sub(lambda found: "" if found[1] is None else f"{found[1]}1", code)
    if text in _OFFSETS:
        factor, unit = _PLAIN[text]
        base = scale(unit)
        return Scale(base.dimension, Decimal(factor), _OFFSETS[text]) if base else None
    if len(text) > 60:
        return None
    try:
        with localcontext(prec=_PRECISION):
            return _product(text)
    except (ValueError, ArithmeticError):
        return None


def _product(text: str) -> Scale:
    """Read terms joined by `.` and `/`; an opening `/` divides one. Brackets hold a product of their own."""
    found: dict[str, int] = {}
    factor = Decimal(1)
    sign = 1
    for part in _parts(text):
        if part in (".", "/"):
            sign = 1 if part == "." else -1
            continue
        one = _product(part[1:-1]) if part.startswith("(") else _term(part)
        factor *= one.factor**sign
        for base, exponent in one.dimension:
            found[base] = found.get(base, 0) + sign * exponent
    return Scale(tuple(sorted((b, e) for b, e in found.items() if e)), factor)


def _parts(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter in "./" and not depth:
            if at == start and (at or letter == "."):
                raise ValueError(text)
            parts += [text[start:at], letter] if at > start else [letter]
            start = at + 1
    if depth or start == len(text):
        raise ValueError(text)
    return [*parts, text[start:]]


def _term(text: str) -> Scale:
    if text.isdigit():
        return Scale((), Decimal(text))
    match = _TERM.match(text)
    if match is None or not match[1]:
        raise ValueError(text)
    exponent = int(match[2] or 1)
    if abs(exponent) > 30:
        raise ValueError(text)
    one = _atom(match[1])
    return Scale(tuple((b, e * exponent) for b, e in one.dimension), one.factor**exponent)


def _atom(name: str) -> Scale:
    if name in _BASES:
        return Scale(((name, 1),), Decimal(1))
    if name in _PLAIN or name in _METRIC:
        factor, unit = _PLAIN.get(name) or _METRIC[name]
        below = Scale(((unit, 1),), Decimal(1)) if unit == "[iU]" else _product(unit)
        return Scale(below.dimension, below.factor * Decimal(factor))
    for prefix, power in _PREFIXES.items():
        rest = name.removeprefix(prefix)
        if rest != name and (rest in _BASES or rest in _METRIC):
            one = _atom(rest)
            return Scale(one.dimension, one.factor * Decimal(10) ** power)
    raise ValueError(name)
