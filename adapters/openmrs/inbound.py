"""Patients and encounters of OpenMRS as records: an encounter says all of itself, a patient what it holds."""

from typing import Any

import orjson

from adapters.contract import Envelope, Identity, Reading, Sender
from adapters.openmrs.encounters import encounter_changes
from adapters.openmrs.names import identifier_system, uuid_system
from adapters.openmrs.values import moment
from mappings.library import edition
from tracker_core.changes import ChangeSet, RecordChange
from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unsupported
from tracker_core.issues import Report
from tracker_core.records import documents

_GENDERS = {"M": "male", "F": "female", "O": "other", "U": "unknown"}
_DAY = len("2000-01-01")
ESTIMATED = "urn:tracker-hub:birth-date-estimated"


def identify(raw: bytes, envelope: Envelope) -> Identity:
    """Return the resource as the type, its uuid as the control id and the patient as the lane. Never raises."""
    try:
        document = orjson.loads(raw)
        person = document.get("patient", document)["uuid"]
        return Identity(envelope.parameters.get("resource", ""), str(document["uuid"]), lane=str(person))
    except (ValueError, AttributeError, KeyError, TypeError):
        return Identity(envelope.parameters.get("resource", ""))


def parse(raw: bytes, envelope: Envelope) -> tuple[str, dict[str, Any]]:
    """Return the resource's name and the document. Raises Malformed, or Unsupported for other resources."""
    try:
        document = dict(documents.decode(raw))
    except (ValueError, TypeError) as error:
        raise Malformed(f"this is not JSON: {error}") from error
    if not document.get("uuid"):
        raise Malformed("this is no object of OpenMRS: it has no uuid")
    resource = envelope.parameters.get("resource", "")
    if resource not in ("patient", "encounter"):
        raise Unsupported(f"{resource or 'this resource'} of OpenMRS is not read")
    return resource, document


def read(document: tuple[str, dict[str, Any]], sender: Sender) -> Reading:
    """Return the changes: the patient, and for an encounter also it, its diagnoses and its obs.

    Raises Malformed when what every such object has is missing.
    """
    resource, found = document
    reading = Reading(ChangeSet(atomic=True), mapping=edition())
    try:
        patient = found if resource == "patient" else found["patient"]
        reading.changes.records.append(patient_change(sender.peer, patient))
        if resource == "encounter":
            reading.changes.records += encounter_changes(sender, found, reading.issues)
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"the {resource} is not as OpenMRS writes one: {type(error).__name__} {error}") from error
    return reading


def answer(_raw: bytes, _envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Return nothing: nobody waits for an answer to what was asked for."""
    del report, error
    return b""


def patient_change(peer: Peer, patient: dict[str, Any]) -> RecordChange:
    """Return a patient as the change of a Patient record, found again by its uuid."""
    person = patient["person"]
    uuid = str(patient["uuid"])
    own = {"system": uuid_system(peer), "value": uuid}
    others = [
        {"system": identifier_system(peer, one["identifierType"]), "value": str(one["identifier"])}
        for one in patient.get("identifiers") or ()
        if not one.get("voided")
    ]
    born = str(person.get("birthdate") or "")[:_DAY]
    document: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [own, *others],
        "active": not patient.get("voided"),
        "name": _names(person) or None,
        "gender": _GENDERS.get(str(person.get("gender") or "U"), "unknown"),
        "birthDate": born or None,
        "telecom": _phones(peer, person) or None,
        "address": _addresses(person) or None,
    }
    if person.get("birthdateEstimated"):
        document["extension"] = [{"url": ESTIMATED, "valueBoolean": True}]
    if person.get("deathDate"):
        document["deceasedDateTime"] = moment(person["deathDate"])
    else:
        document["deceasedBoolean"] = bool(person.get("dead"))
    match = (f"identifier={uuid_system(peer)}|{uuid}",)
    return RecordChange("Patient", document, "merge", name="#Patient", match=match, where="patient")


def _names(person: dict[str, Any]) -> list[dict[str, Any]]:
    names = [one for one in person.get("names") or () if not one.get("voided")] or [person.get("preferredName") or {}]
    names.sort(key=lambda one: not one.get("preferred"))
    made = []
    for one in names:
        given = [str(one[key]) for key in ("givenName", "middleName") if one.get(key)]
        name = {"family": one.get("familyName"), "given": given}
        if any(name.values()):
            made.append({key: value for key, value in name.items() if value})
    return made


def _phones(peer: Peer, person: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the attributes that hold phone numbers: those whose type is called so, or named by the peer's `phones`."""
    told = set(peer.settings.get("phones", ()))
    found = []
    for one in person.get("attributes") or ():
        kind = one.get("attributeType") or {}
        called = "phone" in str(kind.get("display", "")).lower()
        if not one.get("voided") and one.get("value") and (called or kind.get("uuid") in told):
            found.append({"system": "phone", "value": str(one["value"])})
    return found


def _addresses(person: dict[str, Any]) -> list[dict[str, Any]]:
    made = []
    for one in person.get("addresses") or ():
        lines = [str(one[key]) for key in ("address1", "address2") if one.get(key)]
        parts = {
            "line": lines,
            "city": one.get("cityVillage"),
            "district": one.get("countyDistrict"),
            "state": one.get("stateProvince"),
            "postalCode": one.get("postalCode"),
            "country": one.get("country"),
        }
        if not one.get("voided") and any(parts.values()):
            text = ", ".join([*lines, *(str(parts[key]) for key in ("city", "district", "state") if parts[key])])
            made.append({"text": text, **{key: value for key, value in parts.items() if value}})
    return made
