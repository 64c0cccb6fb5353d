"""Codecs over an amount and its unit field: quantities, doses, and medications with form and strength.

HL7 v2.9 chapter 4A (RXO, RXE, RXD, RXA); guide RXO[MedicationRequest].
"""

from typing import Any

from mappings.codecs.choices import head
from mappings.codecs.codec import MISSING, Codec
from mappings.codecs.text import read_decimal, write_decimal
from mappings.er7 import NULL
from mappings.scope import Scope

Value = dict[str, Any]


def measure(number: str, unit_text: str, unit: Codec, scope: Scope) -> Any:
    """Return the Quantity of two fields, `MISSING` when the number is empty."""
    amount = read_decimal(head(number, scope))
    if amount is MISSING:
        return MISSING
    first = unit_text.split(scope.marks[0], 1)[0]
    found = unit.decode(first, scope, None) if first and first != NULL else MISSING
    return {"value": amount} if found is MISSING else {"value": amount, **found}


def measured_text(value: Any, unit: Codec, scope: Scope, old: str = "") -> tuple[str, str]:
    """Return a Quantity as number and unit."""
    if not isinstance(value, dict):
        return "", ""
    return write_decimal(value.get("value")) or "", unit.encode(value, scope, old) or ""


def amount(_concept: Codec, unit: Codec) -> Codec:
    """Return the codec of a number and its unit <-> Quantity (RXO-11,12)."""

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        found = measure(texts[0], texts[1], unit, scope)
        return None if found is MISSING and texts[0] == NULL else found

    def encode(value: Any, scope: Scope, old: list[str]) -> list[str] | None:
        number, text = measured_text(value, unit, scope, old[1])
        return [number, text] if number else None

    return Codec("amount", decode, encode, "fields", targets=("value", "unit", "code", "system"), arity=2)


def dose(_concept: Codec, unit: Codec) -> Codec:
    """Return the codec of least and greatest amount and their unit <-> `dose[x]` (RXO-2,3,4).

    An amount without a greatest one is exact (4A.4.1.2): a quantity, no range.
    """

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        low, high = (measure(text, texts[2], unit, scope) for text in texts[:2])
        if high is MISSING:
            return None if low is MISSING and texts[0] == NULL else low if low is MISSING else {"doseQuantity": low}
        return {"doseRange": {"high": high} if low is MISSING else {"low": low, "high": high}}

    def encode(value: Any, scope: Scope, old: list[str]) -> list[str] | None:
        if "doseQuantity" in value:
            number, text = measured_text(value["doseQuantity"], unit, scope, old[2])
            return [number, "", text] if number else None
        ends = value.get("doseRange") or {}
        low, text = measured_text(ends.get("low"), unit, scope, old[2])
        high, other = measured_text(ends.get("high"), unit, scope, old[2])
        return [low, high, text or other] if high else None

    return Codec("dose", decode, encode, "fields", targets=("low", "high"), arity=3)


def medication(concept: Codec, unit: Codec) -> Codec:
    """Return the codec of code, form, strength, its unit, strength volume and its unit <-> `medication[x]`.

    A code alone is a CodeableConcept; form or strength make a Medication, contained where it has no number.
    """

    def decode(texts: list[str], scope: Scope, _old: Any) -> Any:
        code, form = (concept.decode(first(text, scope), scope, None) for text in texts[:2])
        strength = {
            name: found
            for name, number, measure_text in (("numerator", *texts[2:4]), ("denominator", *texts[4:6]))
            if (found := measure(number, measure_text, unit, scope)) is not MISSING
        }
        if form is MISSING and not strength:
            return MISSING if code is MISSING else {"medicationCodeableConcept": code}
        record = {name: found for name, found in (("code", code), ("form", form)) if found is not MISSING}
        if strength:
            item = {} if code is MISSING else {"itemCodeableConcept": code}
            record["ingredient"] = [{**item, "strength": strength}]
        made = scope.refer("Medication", record)
        return {"medicationReference": made} if made else MISSING

    def encode(value: Any, scope: Scope, old: list[str]) -> list[str] | None:
        if "medicationCodeableConcept" in value:
            return [concept.encode(value["medicationCodeableConcept"], scope, old[0]) or "", "", "", "", "", ""]
        record = scope.follow(value.get("medicationReference") or {})
        if record is None or record.get("resourceType") != "Medication":
            return None
        strength = next((one.get("strength") or {} for one in record.get("ingredient") or ()), {})
        texts = [concept.encode(record.get(name), scope, at) or "" for name, at in (("code", old[0]), ("form", old[1]))]
        for name in ("numerator", "denominator"):
            texts += measured_text(strength.get(name), unit, scope)
        return texts

    return Codec("medication", decode, encode, "fields", targets=MEDICATION, arity=6)


def first(text: str, scope: Scope) -> str:
    """Return the first repetition of a field; null is nothing."""
    return "" if text == NULL else text.split(scope.marks[0], 1)[0]


MEDICATION = ("code", "form", "ingredient.strength.numerator", "ingredient.strength.denominator")
