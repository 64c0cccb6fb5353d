"""Case definitions: which records make a person a case, and which no longer do."""

from mappings.binding.events import is_live
from mappings.binding.grammar import Binding, Case
from mappings.places import Doc

_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})


def find_case(binding: Binding, record: Doc) -> Case | None:
    """Return the first case definition of the binding that the record meets.

    A refuted or retracted condition meets none; an unconfirmed, provisional or differential one only those that do not
    ask for `confirmed`. A condition without verification status counts as confirmed (FHIR R4 Condition, con-3).
    """
    if refuted(record):
        return None
    for case in binding.cases:
        if record.get("resourceType") != case.test.type or not case.test.holds(record):
            continue
        if not (case.confirmed and verification(record) & _UNSURE):
            return case
    return None


def refuted(record: Doc) -> bool:
    """Tell whether a record says that there is no such case: retracted, or a refuted condition."""
    return not is_live(record) or "refuted" in verification(record)


def verification(record: Doc) -> set[str]:
    """Return the codes of a condition's verification status."""
    codings = (record.get("verificationStatus") or {}).get("coding") or ()
    return {coding.get("code", "") for coding in codings}


def case_day(record: Doc) -> str:
    """Return the day of a case: onset, else recorded, else effective; empty when the record names none."""
    onset = record.get("onsetPeriod") or {}
    times = (record.get("onsetDateTime"), onset.get("start"), record.get("recordedDate"))
    others = (record.get("effectiveDateTime"), record.get("issued"), (record.get("period") or {}).get("start"))
    return next((str(time)[:10] for time in (*times, *others) if time and len(str(time)) >= 10), "")
