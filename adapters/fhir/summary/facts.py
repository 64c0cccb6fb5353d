"""What a summary reads of records: codes, names, dates, values, states. They are strangers' JSON: nothing is sure."""

from typing import Any

Json = dict[str, Any]


def items(document: Any, key: str) -> list[Json]:
    """Return the objects of a list element, or the one object of a single one."""
    held = document.get(key) if isinstance(document, dict) else None
    found = held if isinstance(held, list) else [held]
    return [one for one in found if isinstance(one, dict)]


def codes(document: Json, *keys: str) -> set[str]:
    """Return the codes of every coding of these concepts."""
    return {
        str(coding["code"])
        for key in keys
        for concept in items(document, key)
        for coding in items(concept, "coding")
        if coding.get("code")
    }


def key_of(document: Json) -> str:
    """Return what an observation is of: repetitions of the same show only the latest."""
    for coding in (coding for concept in items(document, "code") for coding in items(concept, "coding")):
        return f"{coding.get('system', '')}|{coding.get('code', '')}"
    return label(document.get("code"))


def label(concept: Any) -> str:
    """Return how a concept reads: its text, else a display, else a code."""
    if not isinstance(concept, dict):
        return ""
    if concept.get("text"):
        return str(concept["text"])
    codings = items(concept, "coding")
    shown = [str(one[key]) for key in ("display", "code") for one in codings if one.get(key)]
    return shown[0] if shown else ""


def date(document: Json, *stems: str) -> str:
    """Return the first date of these elements, whatever type they have: the start of a period, a date, an instant."""
    for stem in stems:
        for suffix in ("DateTime", "", "Date", "Period", "Instant"):
            value = document.get(stem + suffix)
            if isinstance(value, dict):
                value = value.get("start") or value.get("end")
            if isinstance(value, str):
                return value
    return ""


def value(document: Json) -> str:
    """Return how the value of an observation or one of its components reads."""
    quantity = document.get("valueQuantity")
    if isinstance(quantity, dict):
        sign = quantity.get("comparator", "")
        return f"{sign}{quantity.get('value', '')} {quantity.get('unit') or quantity.get('code') or ''}".strip()
    if "valueCodeableConcept" in document:
        return label(document["valueCodeableConcept"])
    plain = next((one for key, one in document.items() if key.startswith("value") and isinstance(one, str | int)), None)
    if plain is not None:
        return str(plain).lower() if isinstance(plain, bool) else str(plain)
    parts = [f"{label(one.get('code'))}: {value(one)}" for one in items(document, "component")]
    return "; ".join(parts) or label(document.get("dataAbsentReason"))


def medication(document: Json, named: dict[str, Json]) -> str:
    """Return what a medication record is of; `named` are the Medications referred to, by reference."""
    if "medicationCodeableConcept" in document:
        return label(document["medicationCodeableConcept"])
    reference = document.get("medicationReference")
    if not isinstance(reference, dict):
        return ""
    found = named.get(str(reference.get("reference")))
    return label(found.get("code")) if found else str(reference.get("display", ""))


def dosage(document: Json) -> str:
    """Return the first instruction of a medication record."""
    for one in (*items(document, "dosage"), *items(document, "dosageInstruction")):
        if one.get("text"):
            return str(one["text"])
    return ""


def device(document: Json) -> str:
    """Return how a device reads."""
    names = [str(one["name"]) for one in items(document, "deviceName") if one.get("name")]
    return names[0] if names else label(document.get("type"))
