"""The records of one row as changes: found by the EMR's own numbers, so that a second upload makes no second record."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from adapters.emr.places import name_place
from adapters.emr.sheet import Row
from adapters.emr.systems import ORG_UNIT, PATIENT, VISIT, system_of, to_peer, value_in
from adapters.emr.tables import Layout
from mappings.codecs.keyed import record_id
from tracker_core.changes import RecordChange
from tracker_core.context import Peer

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


@dataclass(slots=True)
class Visit:
    """One row's changes but for its patient: `patient` is the local name of that change."""

    number: str
    patient: str
    line: int
    changes: list[RecordChange] = field(default_factory=list)


def patient_change(doc: dict[str, Any], peer: Peer, line: int) -> RecordChange:
    """Return the change of a row's patient, who is known by the EMR's patient number."""
    patient = doc["Patient"][0]
    number = value_in(patient["identifier"], PATIENT)
    identifiers = to_peer(patient["identifier"], peer)
    document = {"resourceType": "Patient", **patient, "identifier": identifiers}
    known = record_id(peer.code, "Patient", number)
    return RecordChange("Patient", document, "merge", known, f"#Patient-{number}", where=name_place(line))


def visit_changes(doc: dict[str, Any], row: Row, layout: Layout, peer: Peer, patient: str) -> Visit:
    """Return the changes of a row's visit: its Encounter, its Conditions and Observations, and what it takes back."""
    number = value_in(doc["Encounter"][0]["identifier"], VISIT)
    visit = Visit(number, patient, row.line)
    items = f"{system_of(peer, VISIT)}:item"
    start = doc["Encounter"][0]["period"]["start"]
    common = {"subject": {"reference": patient}, "encounter": {"reference": f"#Encounter-{number}"}}
    conditions = list(_conditions(doc, common, number, peer, start))
    observations = [
        (
            "Observation",
            item["code"]["coding"][0]["code"],
            {**item, **common, "status": "final", "effectiveDateTime": start},
        )
        for item in doc.get("Observation", [])
    ]
    visit.changes.append(_encounter(doc, number, peer, [f"#Condition-{number}/{code}" for _, code, _ in conditions]))
    for type_, code, document in [*conditions, *observations]:
        key = f"{number}/{code}"
        identifiers = [{"system": items, "value": key}, *document.pop("identifier", [])]
        whole = {"resourceType": type_, "identifier": identifiers, **document}
        known = record_id(peer.code, type_, number, code)
        visit.changes.append(RecordChange(type_, whole, "merge", known, f"#{type_}-{key}"))
    visit.changes[0].document["subject"] = common["subject"]  # type: ignore[index] # made as an object above
    visit.changes.extend(_retractions(doc, row, layout, peer, number))
    for change in visit.changes:
        change.where = name_place(row.line)
    return visit


def _encounter(doc: dict[str, Any], number: str, peer: Peer, diagnoses: list[str]) -> RecordChange:
    encounter = doc["Encounter"][0]
    document = {"resourceType": "Encounter", **encounter, "identifier": to_peer(encounter["identifier"], peer)}
    if "serviceProvider" not in document and (place := peer.settings.get("org_unit")):
        document["serviceProvider"] = {"identifier": {"system": ORG_UNIT, "value": place}}
    ranked = [{"condition": {"reference": name}, "rank": rank} for rank, name in enumerate(diagnoses, start=1)]
    document["diagnosis"] = ranked or None
    known = record_id(peer.code, "Encounter", number)
    return RecordChange("Encounter", document, "merge", known, f"#Encounter-{number}")


def _conditions(
    doc: dict[str, Any], common: dict[str, Any], number: str, peer: Peer, start: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the row's diagnoses. Each carries the visit's number, by which a corrected row finds all of them."""
    for item in doc.get("Condition", []):
        certainty = item.get("verificationStatus")
        document = {
            **item,
            **common,
            "identifier": [{"system": system_of(peer, VISIT), "value": number}],
            "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
            # Named also when unknown: a diagnosis that was taken back and comes again is live again.
            "verificationStatus": certainty,
            "recordedDate": start,
        }
        yield "Condition", item["code"]["coding"][0]["code"], document


def _retractions(doc: dict[str, Any], row: Row, layout: Layout, peer: Peer, number: str) -> Iterator[RecordChange]:
    """Yield what a row takes back: diagnoses it does not name, measurements whose cells are there and empty."""
    if layout.diagnoses & row.cells.keys():
        inside = f"Encounter/{record_id(peer.code, 'Encounter', number)}"
        yield RecordChange("Condition", {}, "retract", match=(_match(system_of(peer, VISIT), number),), inside=inside)
    said = {item["code"]["coding"][0]["code"] for item in doc.get("Observation", [])}
    empty = [code for column, code in layout.observations.items() if column in row.cells and code not in said]
    known = (record_id(peer.code, "Observation", number, code) for code in empty)
    yield from (RecordChange("Observation", {}, "retract", id) for id in known)


def _match(system: str, value: str) -> str:
    """Return the search for an identifier; characters with a meaning in searches are escaped."""
    escaped = "".join(f"\\{c}" if c in "\\,|$" else c for c in value)
    return f"identifier={quote(system, safe=':/.-_')}|{quote(escaped, safe=':/.-_')}"
