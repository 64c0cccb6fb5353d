"""Case definitions at work: which records make a person a case, which no longer do, and how sure an episode is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mappings.binding.definitions import CLASSES, Case
from mappings.binding.events import is_live
from mappings.binding.grammar import Binding
from mappings.places import Doc

_UNSURE = {"unconfirmed": "suspected", "differential": "suspected", "provisional": "probable"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class of an episode, and the record with the words of why; the record is None when none supports it."""

    name: str
    record: Any
    text: str


def find_case(binding: Binding, record: Doc) -> Case | None:
    """Return the first case definition of the binding whose test the record meets.

    A refuted or retracted condition meets none; an unconfirmed, provisional or differential one only those that do not
    ask for `confirmed`. A condition without verification status counts as confirmed (FHIR R4 Condition, con-3).
    """
    if refuted(record):
        return None
    for case in binding.cases:
        if record.get("resourceType") != case.test.type or not case.test.holds(record):
            continue
        if not (case.confirmed and _doubt(record)):
            return case
    return None


def refuted(record: Doc) -> bool:
    """Tell whether a record says that there is no such case: retracted, or a refuted condition."""
    return not is_live(record) or "refuted" in verification(record)


def verification(record: Doc) -> set[str]:
    """Return the codes of a condition's verification status."""
    codings = (record.get("verificationStatus") or {}).get("coding") or ()
    return {coding.get("code", "") for coding in codings}


def classify(binding: Binding, supporters: Iterable[Doc], evidence: Iterable[Doc]) -> Verdict | None:
    """Return the class that the records of one episode give it, None when they say nothing.

    `supporters` are those that meet a case definition, `evidence` all of the episode's time. The strongest rule of the
    binding that a live record meets counts, but a condition says no more than its own certainty. Without any, the
    certainty of the surest supporter does; one that names none is confirmed, unless the binding has rules: then it is
    a suspicion that waits for them.
    """
    found = [
        Verdict(_held_back(rule.name, record), record, f"meets {rule.test.text}")
        for record in evidence
        if not refuted(record)
        for rule in binding.rules
        if record.get("resourceType") == rule.test.type and rule.test.holds(record)
    ]
    if not found:
        found = [_by_certainty(record, "suspected" if binding.rules else "confirmed") for record in supporters]
    return max(found, key=lambda one: CLASSES.index(one.name), default=None)


def _by_certainty(record: Doc, plain: str) -> Verdict:
    stated = verification(record)
    name = _doubt(record) or ("confirmed" if "confirmed" in stated else plain)
    return Verdict(name, record, f"is {', '.join(sorted(stated))}" if stated else "names no certainty")


def _held_back(name: str, record: Doc) -> str:
    doubt = _doubt(record)
    return min(name, doubt, key=CLASSES.index) if doubt and name != "ruled-out" else name


def _doubt(record: Doc) -> str:
    """Return the class of a condition that is not sure, nothing for others."""
    found = [_UNSURE[code] for code in verification(record) if code in _UNSURE]
    return min(found, key=CLASSES.index, default="")


def case_day(record: Doc) -> str:
    """Return the day of a case: onset, else recorded, else effective; empty when the record names none."""
    onset = record.get("onsetPeriod") or {}
    times = (record.get("onsetDateTime"), onset.get("start"), record.get("recordedDate"))
    others = (record.get("effectiveDateTime"), record.get("issued"), (record.get("period") or {}).get("start"))
    return next((str(time)[:10] for time in (*times, *others) if time and len(str(time)) >= 10), "")
