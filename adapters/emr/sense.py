"""What no row may claim: days that cannot be, values no living person has, codes that do not exist."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from terminology import icd10, snapshots
from tracker_core.issues import Issue

OLDEST_YEARS = 130
_LOINC = "http://loinc.org"
# LOINC code -> lowest and highest value that is no slip of a finger, and their unit.
PLAUSIBLE: dict[str, tuple[str, str, str]] = {
    "8310-5": ("25", "45", "Cel"),
    "29463-7": ("0.3", "400", "kg"),
    "8302-2": ("20", "250", "cm"),
    "8867-4": ("20", "300", "/min"),
    "9279-1": ("4", "120", "/min"),
    "8480-6": ("40", "300", "mm[Hg]"),
    "8462-4": ("20", "200", "mm[Hg]"),
    "59408-5": ("30", "100", "%"),
    "718-7": ("1", "27", "g/dL"),
}
_SEX_BOUND = {"male": "O00-O99 C51-C58 N70-N98", "female": "C60-C63 N40-N51"}


def doubts(doc: dict[str, list[dict[str, Any]]], received: datetime) -> Iterator[tuple[str, str, Issue]]:
    """Yield what is wrong with a row's document, each with the record type and code or element it is about."""
    patient, encounter = doc.get("Patient", [{}])[0], doc.get("Encounter", [{}])[0]
    born, seen = str(patient.get("birthDate", "")), str(encounter.get("period", {}).get("start", ""))
    yield from (("Encounter", "period", issue) for issue in _visit_doubts(seen, received))
    yield from (("Patient", "birthDate", issue) for issue in _birth_doubts(born, seen or received.isoformat()))
    for condition in doc.get("Condition", []):
        code = _code_of(condition, icd10.SYSTEM)
        if not code:
            continue
        yield from (("Condition", code, issue) for issue in _code_doubts(code, str(patient.get("gender", ""))))
    for observation in doc.get("Observation", []):
        code = _code_of(observation, _LOINC)
        yield from (("Observation", code, issue) for issue in _value_doubts(code, observation))


def _code_of(record: dict[str, Any], system: str) -> str:
    codings = record.get("code", {}).get("coding", [])
    return next((str(coding.get("code", "")) for coding in codings if coding.get("system") == system), "")


def _visit_doubts(seen: str, received: datetime) -> Iterator[Issue]:
    latest = (received + timedelta(days=1)).date().isoformat()
    if seen[:10] > latest:
        yield Issue("future-date", "the visit lies in the future", value=seen)


def _birth_doubts(born: str, seen: str) -> Iterator[Issue]:
    if born and born > seen[: len(born)]:
        yield Issue("impossible-date", "born after the visit", value=born)
    elif born and int(seen[:4]) - int(born[:4]) > OLDEST_YEARS:
        yield Issue("impossible-date", f"older than {OLDEST_YEARS} years at the visit", value=born)


def _code_doubts(code: str, gender: str) -> Iterator[Issue]:
    system = snapshots.pinned(icd10.SYSTEM)
    if system is not None and code not in system:
        if icd10.category(code) not in system:
            yield Issue("unknown-code", f"{code} is not in ICD-10 {system.edition.version}", value=code)
        else:
            text = f"{code} is not in ICD-10 {system.edition.version}, {icd10.category(code)} is"
            yield Issue("unknown-code", text, "warning", value=code)
    if code in icd10.read_ranges(_SEX_BOUND.get(gender, "")):
        yield Issue("unlikely", f"{code} for a {gender} person", "warning", value=code)


def _value_doubts(code: str, observation: dict[str, Any]) -> Iterator[Issue]:
    value = observation.get("valueQuantity", {}).get("value")
    if value is None or code not in PLAUSIBLE or observation["valueQuantity"].get("code") != PLAUSIBLE[code][2]:
        return
    low, high = (Decimal(bound) for bound in PLAUSIBLE[code][:2])
    if not low <= value <= high:
        yield Issue("impossible-value", f"not between {low} and {high} {PLAUSIBLE[code][2]}", value=str(value))
