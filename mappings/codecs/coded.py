"""Codecs that go through a concept map, and quantities of a fixed unit.

`code:M` is a required code, `coding:M` a Coding, `concept:M` a CodeableConcept: the translation first, then the
sender's own coding.
"""

from decimal import Decimal
from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.text import read_decimal, write_decimal
from mappings.concepts import ConceptMap, Target
from mappings.naming import SYSTEMS
from mappings.scope import Scope, Unfit

UNMAPPED = "unmapped-code"
# (from, to): factor, offset; exact decimals only.
CONVERSIONS = {
    ("g", "kg"): (Decimal("0.001"), Decimal(0)),
    ("kg", "g"): (Decimal(1000), Decimal(0)),
    ("[lb_av]", "kg"): (Decimal("0.45359237"), Decimal(0)),
    ("m", "cm"): (Decimal(100), Decimal(0)),
    ("cm", "m"): (Decimal("0.01"), Decimal(0)),
    ("[in_i]", "cm"): (Decimal("2.54"), Decimal(0)),
    ("mg", "g"): (Decimal("0.001"), Decimal(0)),
    ("g/L", "g/dL"): (Decimal("0.1"), Decimal(0)),
    ("g/dL", "g/L"): (Decimal(10), Decimal(0)),
}


def code(mapped: ConceptMap) -> Codec:
    """Return the codec of a required code; an unknown one is an issue and no element."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        found = scope.translate(mapped, text.strip())
        if found is None:
            if text.strip() in mapped.silent:
                return MISSING
            raise Unfit(f"not in {mapped.name}", UNMAPPED, mapped.name, text.strip())
        return found.code

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        return mapped.inverse("", value) if isinstance(value, str) else None

    return Codec(f"code:{mapped.name}", decode, encode, "head")


def coding(mapped: ConceptMap) -> Codec:
    """Return the codec of a Coding; an unknown code is kept as it came."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        found = translated(mapped, text.strip(), scope)
        return found.coding() if found else {"code": text.strip()} if text.strip() else MISSING

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        if not isinstance(value, dict) or not value.get("code"):
            return None
        found = mapped.inverse(value.get("system", ""), value["code"])
        return found or (value["code"] if not value.get("system") else None)

    targets = ("code", "system", "display")
    return Codec(f"coding:{mapped.name}", decode, encode, "head", targets, targets=targets)


def translated(mapped: ConceptMap, text: str, scope: Scope) -> Target | None:
    """Return what a code of the sender means; one that is not in the map is told as a task for a person."""
    found = scope.translate(mapped, text)
    if found is None and text and text not in mapped.silent:
        scope.warn(UNMAPPED, f"not in {mapped.name}", text, mapped.name)
    return found


def concept(mapped: ConceptMap, table: Codec) -> Codec:
    """Return the codec of a CodeableConcept from CWE, read by `table`."""

    def decode(text: str, scope: Scope, old: Any) -> Any:
        row = scope.row
        value = table.decode(text, scope, old)
        scope.row = row
        if value is MISSING or not value.get("coding"):
            return value
        first, *others = value["coding"]
        if not first.get("code") or first.get("system", mapped.source) != mapped.source:
            return value
        found = translated(mapped, first["code"], scope)
        if found is None:
            return value
        if found.code == first["code"] and (mapped.same or found.system == mapped.source or "system" not in first):
            return {**value, "coding": [{**found.coding(), **first, "system": found.system}, *others]}
        return {**value, "coding": [found.coding(), {**first, "system": mapped.source}, *others]}

    def encode(value: Any, scope: Scope, old: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        text = table.encode({**value, "coding": spoken(mapped, value.get("coding") or [])}, scope, old)
        return None if text is None else str(text)

    return Codec(f"concept:{mapped.name}", decode, encode, "raw", table.owns, targets=table.targets)


def spoken(mapped: ConceptMap, codings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the codings as the sender says them: a translation gives way to the coding it was made from."""
    if not codings:
        return []
    first, *others = codings
    back = mapped.inverse(first.get("system", ""), first.get("code", ""))
    if any(other.get("system") == mapped.source and translates(mapped, other, first) for other in others):
        return others
    if back is None:
        return codings
    system = {"system": mapped.source}
    return [{**first, **system, "code": back}, *others]


def translates(mapped: ConceptMap, source: dict[str, Any], target: dict[str, Any]) -> bool:
    """Tell whether `target` is what the map makes of `source`; any pair stands together that a service translated."""
    found = mapped.translate(source.get("code", ""))
    return found is None or (found.system, found.code) == (target.get("system"), target.get("code"))


def quantity(unit: str) -> Codec:
    """Return the codec of a bare number <-> a Quantity of the UCUM unit `unit`; others are converted or refused."""
    owns = ("value", "unit", "system", "code", "comparator")

    def decode(text: str, _scope: Scope, _old: Any) -> Any:
        number = read_decimal(text)
        if number is MISSING:
            return MISSING
        return {"value": number, "unit": unit, "system": SYSTEMS["ucum"], "code": unit}

    def encode(value: Any, _scope: Scope, _old: Any) -> str | None:
        if not isinstance(value, dict) or value.get("value") is None:
            return None
        found = value.get("code") or value.get("unit") or unit
        if unit in (found, value.get("unit")):
            return write_decimal(value["value"])
        if (found, unit) not in CONVERSIONS:
            raise Unfit(f"{found} is not convertible to {unit}", "unit")
        factor, offset = CONVERSIONS[found, unit]
        return write_decimal(Decimal(str(value["value"])) * factor + offset)

    return Codec(f"quantity:{unit}", decode, encode, "head", owns, targets=("value", "unit", "code", "system"))
