"""The sections of a summary: which records each holds, and what its table shows of them (IPS 2.0.0 Composition)."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.fhir.summary import facts
from adapters.fhir.summary.facts import Json, codes, items, label

_WRONG = ("entered-in-error", "refuted")
_ACTIVE = {"active", "recurrence", "relapse"}
_PAST = {"inactive", "remission", "resolved"}
_DONE = ("final", "amended", "corrected", "preliminary", "registered")
_RESULTS = ("final", "amended", "corrected", "preliminary")
_PREGNANCY = {
    "82810-3", "11778-8", "11779-6", "11780-4", "11636-8", "11637-6", "11638-4", "11639-2", "11640-0", "11612-9",
    "11613-7", "11614-5", "33065-4",
}  # fmt: skip
_HABITS = {"72166-2", "74013-4"}
Named = dict[str, Json]
Columns = tuple[tuple[str, Callable[[Json, Named], str]], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section. A `required` one is there without records too, and says so; at most `most` records are shown,
    the latest first, of `latest` ones one per code."""

    code: str
    title: str
    columns: Columns
    required: bool = False
    most: int = 100
    latest: bool = False


ALLERGIES, MEDICATIONS, PROBLEMS, IMMUNIZATIONS = "48765-2", "10160-0", "11450-4", "11369-6"
RESULTS, PROCEDURES, DEVICES, DIRECTIVES = "30954-2", "47519-4", "46264-8", "42348-3"
ALERTS, FUNCTION, PAST, PREGNANCY = "104605-1", "47420-5", "11348-0", "10162-6"
PLAN, SOCIAL, VITAL = "18776-5", "29762-2", "8716-3"


def section_of(document: Json) -> str:
    """Return the code of the section that a record belongs to, empty for none."""
    read = _SECTION_OF.get(document["resourceType"])
    return read(document) if read else ""


def _status(document: Json) -> str:
    return str(document.get("status", ""))


def _right(document: Json) -> bool:
    return not codes(document, "verificationStatus") & set(_WRONG)


def _condition(document: Json) -> str:
    state = codes(document, "clinicalStatus")
    if not _right(document):
        return ""
    return PAST if state & _PAST else PROBLEMS if not state or state & _ACTIVE else ""


def _allergy(document: Json) -> str:
    return ALLERGIES if _right(document) and not codes(document, "clinicalStatus") & _PAST else ""


def _order(document: Json) -> str:
    wanted = _status(document) in ("active", "on-hold") and document.get("doNotPerform") is not True
    return MEDICATIONS if wanted else ""


def _in(section: str, *states: str) -> Callable[[Json], str]:
    return lambda document: section if _status(document) in states else ""


def _observation(document: Json) -> str:
    if _status(document) not in _DONE:
        return ""
    held = codes(document, "code")
    if held & _PREGNANCY:
        return PREGNANCY
    if held & _HABITS:
        return SOCIAL
    category = codes(document, "category")
    if "vital-signs" in category:
        return VITAL
    if "laboratory" in category:
        return RESULTS if _status(document) in _RESULTS else ""
    return SOCIAL if "social-history" in category else ""


def _report(document: Json) -> str:
    wanted = codes(document, "category") & {"LAB", "laboratory", "RAD", "PAT"}
    return RESULTS if wanted and _status(document) in _RESULTS else ""


def _directive(document: Json) -> str:
    return DIRECTIVES if _status(document) == "active" and "adr" in codes(document, "scope") else ""


_SECTION_OF: dict[str, Callable[[Json], str]] = {
    "AllergyIntolerance": _allergy,
    "CarePlan": _in(PLAN, "active", "on-hold", "draft"),
    "ClinicalImpression": _in(FUNCTION, "completed"),
    "Condition": _condition,
    "Consent": _directive,
    "DeviceUseStatement": _in(DEVICES, "active", "on-hold", "intended"),
    "DiagnosticReport": _report,
    "Flag": _in(ALERTS, "active"),
    "Immunization": _in(IMMUNIZATIONS, "completed"),
    "ImmunizationRecommendation": lambda _document: PLAN,
    "MedicationRequest": _order,
    "MedicationStatement": _in(MEDICATIONS, "active", "intended", "on-hold"),
    "Observation": _observation,
    "Procedure": _in(PROCEDURES, "completed", "in-progress"),
}
# Those, and what is read beside them
TYPES = (*_SECTION_OF, "Device", "List")


def _plan_text(document: Json, _named: Named) -> str:
    said = document.get("title") or document.get("description")
    shown = [label(one) for one in items(document, "category")]
    return str(said) if said else ", ".join(one for one in shown if one) or document["resourceType"]


def _text(key: str) -> Callable[[Json, Named], str]:
    return lambda document, _named: label(document.get(key))


def _when(*stems: str) -> Callable[[Json, Named], str]:
    return lambda document, _named: facts.date(document, *stems)[:10]


def _state(document: Json, _named: Named) -> str:
    return label(document.get("clinicalStatus")) or _status(document)


def _reactions(document: Json, _named: Named) -> str:
    found = [label(one) for reaction in items(document, "reaction") for one in items(reaction, "manifestation")]
    return ", ".join(found)


def _value(document: Json, _named: Named) -> str:
    return facts.value(document)


def _device(document: Json, named: Named) -> str:
    held = document.get("device")
    found = named.get(str(held.get("reference"))) if isinstance(held, dict) else None
    return facts.device(found) if found else str(held.get("display", "")) if isinstance(held, dict) else ""


_OBSERVED: Columns = (("What", _text("code")), ("Value", _value), ("Date", _when("effective", "issued")))
_CONDITION: Columns = (("Problem", _text("code")), ("Status", _state), ("Since", _when("onset", "recordedDate")))
_DONE_ON: Columns = (("Procedure", _text("code")), ("Date", _when("performed")))
_NAMED: Columns = (("What", _text("code")), ("Date", _when("period", "dateTime", "date")))

SECTIONS = (
    Section(ALLERGIES, "Allergies and Intolerances",
            (("Substance", _text("code")), ("Reaction", _reactions), ("Status", _state)), required=True),
    Section(MEDICATIONS, "Medication Summary",
            (("Medication", facts.medication), ("Dosage", lambda document, _named: facts.dosage(document)),
             ("Status", _state), ("Date", _when("effective", "authoredOn", "dateAsserted"))), required=True),
    Section(PROBLEMS, "Problem List", _CONDITION, required=True),
    Section(IMMUNIZATIONS, "Immunizations", (("Vaccine", _text("vaccineCode")), ("Date", _when("occurrence")))),
    Section(RESULTS, "Results", _OBSERVED, most=60, latest=True),
    Section(PROCEDURES, "History of Procedures", _DONE_ON, most=50),
    Section(DEVICES, "Medical Devices", (("Device", _device), ("Since", _when("timing", "recordedOn")))),
    Section(DIRECTIVES, "Advance Directives", (("Directive", _text("scope")), ("Date", _when("dateTime")))),
    Section(ALERTS, "Alerts", _NAMED),
    Section(FUNCTION, "Functional Status", _NAMED),
    Section(PAST, "History of Past Problems", _CONDITION),
    Section(PREGNANCY, "History of Pregnancy", _OBSERVED),
    Section(PLAN, "Plan of Care", (("Plan", _plan_text), ("Since", _when("period", "date", "created")))),
    Section(SOCIAL, "Social History", _OBSERVED, latest=True),
    Section(VITAL, "Vital Signs", _OBSERVED, most=30, latest=True),
)  # fmt: skip
