"""What a summary must say and records don't: told as not known, never made up (IPS 2.0.0, data absent reasons)."""

from typing import Any

from adapters.fhir.summary.facts import Json, codes, items
from tracker_core.records import documents

_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UNKNOWN: Json = {"extension": [{"url": _URL, "valueCode": "unknown"}]}
# Choices that an IPS profile wants, by type
_DATES = {
    "Procedure": "performed", "MedicationStatement": "effective", "Observation": "effective",
    "DiagnosticReport": "effective", "DeviceUseStatement": "timing",
}  # fmt: skip
_CODED = ("AllergyIntolerance", "Condition", "Procedure", "Medication")
_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"


def completed(raw: bytes, document: Json) -> bytes:
    """Return a record with what its IPS profile wants and it lacks marked as unknown; all else to the byte."""
    for key, value in _lacking(document):
        raw = documents.set_member(raw, key, value)
    return raw


def _lacking(document: Json) -> list[tuple[str, Any]]:
    type_ = document["resourceType"]
    found: list[tuple[str, Any]] = []
    stem = _DATES.get(type_)
    if stem and not any(key.lstrip("_").startswith(stem) for key in document):
        found.append((f"_{stem}DateTime", UNKNOWN))
    if type_ in _CODED and "code" not in document:
        found.append(("code", UNKNOWN))
    if type_ == "Observation" and "performer" not in document and "laboratory" in codes(document, "category"):
        found.append(("performer", [UNKNOWN]))
    if type_ == "Patient":
        names = items(document, "name")
        if not names or not all(any(key.lstrip("_") in ("family", "given", "text") for key in one) for one in names):
            found.append(("name", [one | {"_text": UNKNOWN} for one in names or [{}]]))
        if "birthDate" not in document and "_birthDate" not in document:
            found.append(("_birthDate", UNKNOWN))
    return found


def empty_reason(code: str, lists: list[Json]) -> Json:
    """Return why a required section has no records: what a List of the same code says, else that nothing is known."""
    for one in lists:
        reason = one.get("emptyReason")
        if code in codes(one, "code") and isinstance(reason, dict) and one.get("status") == "current":
            return reason
    return {"coding": [{"system": _EMPTY, "code": "unavailable", "display": "Unavailable"}]}
