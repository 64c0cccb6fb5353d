"""By what a record is found again: search queries from its identifiers, or a key made of what surrounds it.

A record without an identifier of its own (an OBX, a DG1, a vital sign of a visit) gets one under the system `KEY`: a
corrected result then updates the record it corrects. Identity between senders is not decided here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from mappings.paths import has_coding
from mappings.places import Doc
from tracker_core.changes import RecordChange

KEY = "urn:tracker-hub:record-key"
# Records of these types share order numbers: only number and code together name one.
BY_CODE = ("ServiceRequest", "DiagnosticReport")
# Type -> (types that may surround it, nearest first; its own elements that tell it from its siblings).
SURROUNDED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Observation": (("DiagnosticReport", "ServiceRequest", "Encounter", "Patient"), ("code",)),
    "Condition": (("Encounter", "Patient"), ("code",)),
    "Procedure": (("Encounter", "Patient"), ("code", "performedDateTime", "performedPeriod")),
    "Encounter": (("Patient",), ("period",)),
    "EpisodeOfCare": (("Patient",), ("type", "period")),
    "AllergyIntolerance": (("Patient",), ("code",)),
    "Immunization": (("Patient",), ("vaccineCode", "occurrenceDateTime")),
    "RelatedPerson": (("Patient",), ("relationship", "name")),
    "Coverage": (("Patient",), ("type", "payor")),
    "Specimen": (("ServiceRequest", "DiagnosticReport", "Patient"), ("type", "collection")),
    "DiagnosticReport": (("Patient",), ("code", "effectiveDateTime", "effectivePeriod")),
    "ServiceRequest": (("Patient",), ("code", "occurrenceDateTime")),
    "MedicationRequest": (("Patient",), ("medicationCodeableConcept", "authoredOn")),
    "MedicationStatement": (("Patient",), ("medicationCodeableConcept", "effectiveDateTime")),
    "MedicationAdministration": (
        ("MedicationRequest", "Patient"),
        ("medicationCodeableConcept", "effectiveDateTime", "effectivePeriod"),
    ),
    "MedicationDispense": (("MedicationRequest", "Patient"), ("medicationCodeableConcept", "whenHandedOver")),
    "ChargeItem": (("Encounter", "Patient"), ("code", "occurrenceDateTime", "occurrencePeriod")),
    "Goal": (("Condition", "Patient"), ("description",)),
    "Appointment": (("Patient",), ("start",)),
    "DocumentReference": (("Patient",), ("type", "date")),
}


@dataclass(slots=True)
class Draft:
    """One record being read: its document, what it gets only when it is new, what it clears, and its surroundings.

    `near(type)` is the nearest record of a type in the same document; `facet` tells it from equal siblings (OBX-4).
    """

    type: str
    name: str
    doc: Doc = field(default_factory=dict)
    defaults: Doc = field(default_factory=dict)
    clears: list[tuple[str, Doc]] = field(default_factory=list)
    where: str = ""
    facet: str = ""
    said: bool = False
    near: Callable[[str], "Draft | None"] = lambda _type: None
    key: str = ""


def as_change(draft: Draft, taken: set[str]) -> RecordChange:
    """Return a finished draft as the change that the core applies."""
    match = queries(draft, taken)
    document = {"resourceType": draft.type, **draft.doc}
    return RecordChange(
        draft.type,
        document,
        "merge",
        name=draft.name,
        match=match,
        where=draft.where,
        defaults=draft.defaults,
        clears=draft.clears,
    )


def queries(draft: Draft, taken: set[str]) -> tuple[str, ...]:
    """Return the queries that find the stored record, best first; `taken` holds the keys of this document so far.

    A record that gets a key has it among its identifiers afterwards. Empty when nothing tells it from others.
    """
    own = list(identifier_tokens(draft.doc))
    if own:
        code = coded(draft.doc.get("code")) if draft.type in BY_CODE else ""
        return tuple(f"identifier={token}" + (f"&code={code}" if code else "") for token in own)
    key = surrounded(draft)
    if not key:
        return ()
    unique, count = key, 1
    while unique in taken:
        count += 1
        unique = f"{key}/{count}"
    taken.add(unique)
    draft.key = unique
    draft.doc["identifier"] = [*(draft.doc.get("identifier") or ()), {"system": KEY, "value": unique}]
    return (f"identifier={token(KEY, unique)}",)


def identifier_tokens(doc: Doc) -> Iterator[str]:
    """Yield the identifiers of a record as search tokens, those that the hub made left out.

    The number that names a document in every version (`masterIdentifier`) stands alone: its others need not be unique.
    """
    master = doc.get("masterIdentifier")
    for identifier in [master] if master else doc.get("identifier") or ():
        if identifier and identifier.get("value") and identifier.get("system") != KEY:
            yield token(identifier.get("system", ""), identifier["value"])


@lru_cache(maxsize=8192)
def token(system: str, value: str) -> str:
    """Return a token as a query holds it: FHIR's own escapes first, then those of a URL."""
    return "|".join(quote(escaped(part), safe=":/.-_~") for part in (system, value))


def escaped(text: str) -> str:
    """Return a value with FHIR search's escapes (R4 3.1.1.4.5)."""
    for mark in "\\$,|":
        text = text.replace(mark, "\\" + mark)
    return text


def coded(concept: Any) -> str:
    """Return the first coding of a CodeableConcept as a token, empty when it has none with a code."""
    for coding in (concept or {}).get("coding") or ():
        if coding.get("code"):
            return token(coding.get("system", ""), coding["code"])
    return ""


def surrounded(draft: Draft) -> str:
    """Return the key of a record within its surroundings, empty when it has none."""
    around, elements = SURROUNDED.get(draft.type, ((), ()))
    outer = next((found for kind in around if (found := draft.near(kind)) is not None), None)
    above = name_of(outer) if outer else ""
    if not above:
        return ""
    parts = [fingerprint(draft.doc.get(name)) for name in elements]
    if draft.type == "Observation" and outer is not None and outer.type == "Patient":
        parts.append(fingerprint(draft.doc.get("effectiveDateTime")))
    return "/".join([above, draft.type, *(part for part in [*parts, draft.facet] if part)])


def name_of(draft: Draft) -> str:
    """Return what names a record for the keys of those inside it."""
    if not draft.key:
        draft.key = numbered(draft) or surrounded(draft)
    return draft.key


def numbered(draft: Draft) -> str:
    """Return the name of a record by its own number, a filler's before a placer's; empty when it has none."""
    if draft.type not in BY_CODE:
        return next(identifier_tokens(draft.doc), "")
    fillers = [i for i in draft.doc.get("identifier") or () if has_coding(i.get("type"), "", "FILL")]
    number = next(identifier_tokens({"identifier": fillers or draft.doc.get("identifier")}), "")
    return f"{number}/{coded(draft.doc.get('code'))}" if number else ""


def fingerprint(value: Any) -> str:
    """Return a short text that is equal for equal values: the code of a concept, else what is written in it."""
    if isinstance(value, list):
        return "+".join(filter(None, map(fingerprint, value)))
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    if value.get("coding"):
        return coded(value) or fingerprint(value["coding"][0].get("display"))
    if "reference" in value:
        return ""
    return "+".join(filter(None, (fingerprint(value[name]) for name in sorted(value))))
