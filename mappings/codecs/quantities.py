"""Codecs of measured cells: a number, in a unit or not <-> Quantity; units of the same kind are converted (UCUM)."""

import re
from decimal import Decimal
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.text import write_decimal
from mappings.concepts import ConceptMap, Target
from mappings.scope import Scope, Unfit
from tracker_core.records.units import UCUM, scale

# How people and EMRs write units -> UCUM. A unit that is not here is taken as UCUM.
SPELLINGS = {
    "°c": "Cel", "c": "Cel", "celsius": "Cel", "degc": "Cel", "°f": "[degF]", "f": "[degF]", "fahrenheit": "[degF]",
    "bpm": "/min", "mmhg": "mm[Hg]", "kgs": "kg", "kilos": "kg", "lb": "[lb_av]", "lbs": "[lb_av]",
    "pounds": "[lb_av]", "oz": "[oz_av]", "in": "[in_i]", "inch": "[in_i]", "inches": "[in_i]", "ft": "[ft_i]",
    "feet": "[ft_i]", "gm": "g", "grams": "g", "mg/dl": "mg/dL", "g/dl": "g/dL", "g/l": "g/L", "mmol/l": "mmol/L",
    "umol/l": "umol/L", "percent": "%", "cms": "cm", "mts": "m", "years": "a", "beats/min": "/min",
}  # fmt: skip
_NUMBER = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(\D.*)?\Z")
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*\Z")
_FIGURES = 4  # a converted value has at least so many


def quantity(argument: str) -> Codec:
    """Return the codec of a number in a UCUM unit <-> Quantity. Digits stay as written; a decimal comma is a point.

    A cell may name its own unit (`158 lb`); another unit of the same kind is converted. `kg<[lb_av]` is a column of
    pounds that are kept as kilograms.
    """
    unit, _, column = argument.partition("<")

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        match = _NUMBER.match(text.strip())
        if match is None:
            raise Unfit("not a number")
        value = convert(Decimal(match[1].replace(",", ".")), (match[2] or column or unit).strip(), unit)
        return {"value": value, "unit": unit, "system": UCUM, "code": unit}

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        if value.get("value") is None:
            return None
        found = convert(Decimal(str(value["value"])), value.get("code", unit), unit)
        return write_decimal(convert(found, unit, column or unit))

    return Codec(f"quantity:{argument}", decode, encode)


def ucum(text: str) -> str:
    """Return the UCUM code of a unit as people write it."""
    return SPELLINGS.get(text.strip().casefold(), text.strip())


def convert(value: Decimal, written: str, unit: str) -> Decimal:
    """Return a value in `written` as one in the UCUM unit `unit`; in the same unit, digit for digit. Raises `Unfit`."""
    source = unit if written.casefold() == unit.casefold() else ucum(written)
    if source == unit:
        return value
    mine, other = scale(unit), scale(source)
    if mine is None or other is None or mine.dimension != other.dimension:
        raise Unfit(f"not in {unit}", "other-unit")
    found = mine.from_other(value, other)
    figures = max(_FIGURES, len(value.as_tuple().digits))
    return round(found, max(0, figures - 1 - found.adjusted())) if found else Decimal(0)


def measured(findings: ConceptMap | None) -> Codec:
    """Return the codec of a value, its unit and its type (`numeric`, `text`) <-> what an Observation's value may be.

    A word that the concept map of findings has (`positive`) becomes its code, any other text stays text.
    """

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        text, unit, kind = (*(text.strip() for text in texts), "", "")[:3]
        match = _NUMBER.match(text)
        if not text:
            return MISSING
        if kind.casefold() in ("text", "nominal") or match is None or (match[2] and not unit):
            if kind.casefold() == "numeric":
                raise Unfit("not a number")
            target = scope.translate(findings, _QUALIFIER.sub("", text).lower()) if findings else None
            return _coded(text, target) if target else {"valueString": text}
        return {"valueQuantity": _measure(Decimal(match[1].replace(",", ".")), unit)}

    return Codec("measured", decode, write_measured, "fields")


def _coded(text: str, target: Target) -> dict[str, Any]:
    return {"valueCodeableConcept": {"coding": [target.coding()], "text": text}}


def _measure(number: Decimal, unit: str) -> dict[str, Any]:
    if not unit or unit.startswith("{"):
        return {"value": number} | ({"unit": unit} if unit else {})
    code = ucum(unit)
    known = {"system": UCUM, "code": code} if scale(code) is not None else {}
    return {"value": number, "unit": unit, **known}


def write_measured(value: Any, _scope: Scope, _old: Any) -> list[str | None] | None:
    """Write an Observation's value as value, unit and type."""
    if "valueQuantity" in value:
        one = value["valueQuantity"]
        return [write_decimal(one.get("value")), one.get("unit") or one.get("code"), "numeric"]
    if "valueString" in value:
        return [value["valueString"], None, "text"]
    if "valueCodeableConcept" in value:
        concept = value["valueCodeableConcept"]
        coding = (concept.get("coding") or [{}])[0]
        return [concept.get("text") or coding.get("display") or coding.get("code"), None, "text"]
    return None
