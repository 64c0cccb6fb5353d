"""The 72 (message, FHIR) pairs of another converter: how much of what it says of care do our records say, too?

Its output is not the norm (the guide's maps are): the score is a floor per record type, and the differences that were
looked at are listed with who is right.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from mappings import Mappings, Profile, read_message, structure_of
from mappings.er7 import parse

# Record type -> the clinical elements that are compared.
COMPARED = {
    "Patient": "identifier.value name.family name.given birthDate gender address.city address.postalCode telecom.value",
    "Encounter": "class.code status period.start period.end identifier.value",
    "Observation": "code.coding.code code.text valueQuantity.value valueString valueCodeableConcept.coding.code status"
    " interpretation.coding.code referenceRange.text effectiveDateTime",
    "DiagnosticReport": "code.coding.code status issued identifier.value",
    "ServiceRequest": "identifier.value code.coding.code status",
    "Immunization": "vaccineCode.coding.code lotNumber occurrenceDateTime status doseQuantity.value expirationDate",
    "Condition": "code.coding.code code.text onsetDateTime",
    "AllergyIntolerance": "code.coding.code category reaction.severity",
    "Appointment": "identifier.value status start end minutesDuration reasonCode.coding.code",
    "RelatedPerson": "name.family name.given relationship.coding.code telecom.value",
    "Coverage": "period.start period.end",
    "MedicationRequest": "identifier.value status authoredOn",
    "DocumentReference": "type.coding.code docStatus masterIdentifier.value",
}
# What was looked at: element, or record type -> who is right, and why.
ADJUDICATED = {
    "AllergyIntolerance": "equal",
    "Appointment": "ours: SCH-11.4 and .5 are the appointment's times; theirs takes TQ1 or AIS over them",
    "Condition": "open: a PRB in an ORM and a DG1 before the visit are not read",
    "Coverage": "ours: a coverage per IN1; theirs makes one of PV1-20 alone too, and reads dates a day off",
    "DiagnosticReport": "ours: an OBR of an order, a charge or a document is a ServiceRequest until it has results",
    "DocumentReference": "ours: TXA-17 by HL7's table of composition status; theirs makes documents of ORU, too",
    "Encounter": "ours: the class (P is planned) and the event tell the status; theirs the event alone",
    "MedicationRequest": "ours: ORC, RXO and RXE are one order; theirs makes one of each",
    "Observation": "ours: autopsy, coroner and certificate of PDA are no results of OBX; OBX-11 by the guide's table",
    "Patient": "ours: an account number (PID-18) is an Account's; theirs is also a number and a name of MRG",
    "RelatedPerson": "ours: PID-21 is not a person; the translated relationship stands before the sender's own",
    "ServiceRequest": "ours: a parent's numbers (OBR-29, ORC-8) are references; OBR alone says no status",
}
# The share of their facts that are ours, too: it may only rise.
FLOORS = {
    "AllergyIntolerance": 0.99,
    "Immunization": 0.99,
    "Encounter": 0.92,
    "Condition": 0.89,
    "Patient": 0.85,
    "Observation": 0.73,
    "Coverage": 0.73,
    "Appointment": 0.66,
    "ServiceRequest": 0.59,
    "MedicationRequest": 0.6,
    "RelatedPerson": 0.57,
    "DocumentReference": 0.44,
    "DiagnosticReport": 0.32,
}


def leaves(node: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield what stands at a path of a document, whatever items lead there; dates as their day."""
    if isinstance(node, list):
        for item in node:
            yield from leaves(item, path)
    elif not path:
        text = str(node)
        yield text[:10] if len(text) > 10 and text[4:5] == "-" and "T" in text else text.removesuffix(".0").strip()
    elif isinstance(node, dict) and path[0] in node:
        yield from leaves(node[path[0]], path[1:])


def facts(documents: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return the compared facts of some records, each as (element, value)."""
    found: Counter[tuple[str, str]] = Counter()
    for document in documents:
        type_ = document.get("resourceType", "")
        for element in COMPARED.get(type_, "").split():
            values = set(leaves(document, tuple(element.split("."))))
            found.update((f"{type_}.{element}", value) for value in values if value)
    return found


def compare(tables: Mappings, folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Return by record type how many facts the other converter tells, and how many of them our records tell, too."""
    theirs: Counter[str] = Counter()
    shared: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.hl7")):
        message = parse(path.read_text(encoding="utf-8", errors="replace"))
        expected = path.with_suffix("").with_suffix(".fhir.json")
        if not structure_of(tables, message) or not expected.exists():
            continue
        changes, _ = read_message(tables, message, Profile(domain="pair"))
        ours = facts([{**c.defaults, **c.document} for c in changes if isinstance(c.document, dict) and c.document])
        bundle = orjson.loads(expected.read_bytes())
        for fact, count in facts([entry.get("resource", {}) for entry in bundle.get("entry", ())]).items():
            type_ = fact[0].partition(".")[0]
            theirs[type_] += count
            shared[type_] += min(count, ours[fact])
    return theirs, shared


def test_most_of_what_another_converter_says(tables: Mappings, corpora: Path) -> None:
    """The recall of clinical facts has a floor per record type, and where it is low the reason is known."""
    theirs, shared = compare(tables, corpora / "hl7v2" / "pairs")
    recall = {type_: shared[type_] / count for type_, count in theirs.items()}
    assert {type_: recall[type_] for type_, floor in FLOORS.items() if recall[type_] < floor} == {}
    assert [type_ for type_, share in recall.items() if share < 0.99 and type_ not in ADJUDICATED] == []
    assert sum(shared.values()) / theirs.total() > 0.75
