"""Deeds as AuditEvent, by the patterns of IHE BALP (Basic Audit Log Patterns 1.1)."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.fhir.auditing import who
from adapters.fhir.auditing.who import Cast, Json
from tracker_core import audit
from tracker_core.audit import Deed, Written
from tracker_core.database import Session
from tracker_core.records.terms import instant

PREFIXES: Mapping[audit.Kind, str] = {"write": "w-", "request": "r-", "glass": "g-"}
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_OBJECT = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SOURCE = "http://terminology.hl7.org/CodeSystem/security-source-type"
_BALP = "https://profiles.ihe.net/ITI/BALP"


@dataclass(frozen=True, slots=True)
class Pattern:
    """How an event is told: action, type and subtype; `profile` is BALP's name of it, `Patient` before it with one."""

    action: str
    type: tuple[str, str, str]
    subtype: tuple[str, str, str] | None = None
    profile: str = ""


def _rest(action: str, code: str, profile: str) -> Pattern:
    return Pattern(action, (TYPES, "rest", "RESTful Operation"), (INTERACTIONS, code, code), profile)


_RECORD = (DICOM, "110110", "Patient Record")
_LOGIN = ((DICOM, "110114", "User Authentication"), (DICOM, "110122", "Login"))
PATTERNS: Mapping[str, Pattern] = {
    "read": _rest("R", "read", "Read"),
    "vread": _rest("R", "vread", "Read"),
    "history": _rest("E", "history", "Query"),
    "search": _rest("E", "search", "Query"),
    "operation": _rest("E", "operation", ""),
    "create": _rest("C", "create", "Create"),
    "update": _rest("U", "update", "Update"),
    "patch": _rest("U", "patch", "Update"),
    "delete": _rest("D", "delete", "Delete"),
    "transaction": _rest("E", "transaction", ""),
    "batch": _rest("E", "batch", ""),
    "message": Pattern("U", _RECORD),
    "query": Pattern("E", (DICOM, "110112", "Query")),
    "local": Pattern("U", _RECORD),
    "login": Pattern("E", *_LOGIN),
    "login-failed": Pattern("E", *_LOGIN),
    "disclosure": Pattern("R", (DICOM, "110113", "Security Alert"), (DICOM, "110127", "Emergency Override Started")),
}


def render(session: Session, deeds: Sequence[Deed]) -> list[Json]:
    """Return an AuditEvent for each of these deeds, in order."""
    known = audit.written(session, [deed.id for deed in deeds if deed.kind == "write"])
    people = who.cast(session, deeds)
    keys = {key for deed in deeds for key in deed.about}
    names = audit.names_of(session, sorted(keys))
    persons = keys - names.keys() | {person for one in known.values() for person in one.persons}
    patients = audit.patients_of(session, sorted(persons))
    return [
        _event(deed, known.get(deed.id) if deed.kind == "write" else None, people, names, patients) for deed in deeds
    ]


def _event(
    deed: Deed, written: Written | None, people: Cast, names: Mapping[int, str], patients: Mapping[int, list[str]]
) -> Json:
    pattern = PATTERNS[deed.event]
    persons = written.persons if written else [key for key in deed.about if key not in names]
    records = [ref for ref, *_ in written.versions] if written else [names[key] for key in deed.about if key in names]
    subjects = [ref for person in persons for ref in patients.get(person, ())]
    reason = [_concept((_REASON, "BTG", "break the glass"))] if deed.event == "disclosure" else []
    return {
        "resourceType": "AuditEvent",
        "id": f"{PREFIXES[deed.kind]}{deed.id}",
        "meta": {"versionId": "1", "lastUpdated": instant(deed.at), **_profile(pattern, bool(subjects))},
        "type": _coding(pattern.type),
        **({"subtype": [_coding(pattern.subtype)]} if pattern.subtype else {}),
        "action": pattern.action,
        "recorded": instant(deed.at),
        "outcome": _outcome(deed.status),
        **({"outcomeDesc": f"HTTP {deed.status}"} if deed.status >= 400 else {}),
        **({"purposeOfEvent": reason} if reason else {}),
        "agent": _agents(deed, pattern, people),
        "source": {"observer": who.HUB, "type": [_coding((_SOURCE, "4", "Application Server"))]},
        "entity": _entities(deed, pattern, subjects, records),
    }


def _profile(pattern: Pattern, about_patient: bool) -> Json:
    if not pattern.profile:
        return {}
    name = f"Patient{pattern.profile}" if about_patient else pattern.profile
    return {"profile": [f"{_BALP}/StructureDefinition/IHE.BasicAudit.{name}"]}


def _outcome(status: int) -> str:
    return "0" if status < 400 else "4" if status < 500 else "8"


def _agents(deed: Deed, pattern: Pattern, people: Cast) -> list[Json]:
    """Return client, server and user. Who asks for data is their destination, who brings them the source."""
    destination, source = (DICOM, "110152", "Destination Role ID"), (DICOM, "110153", "Source Role ID")
    reads = pattern.action == "R"
    client = people.peer(deed.peer) if deed.peer is not None else {"display": deed.address or "client"}
    network = {"network": {"address": deed.address, "type": "2"}} if deed.address else {}
    user = _coding((_PARTICIPATION, *(("IRCP", "information recipient") if reads else ("AUT", "author"))))
    return [
        {"type": _type(destination if reads else source), "who": client, "requestor": False, **network},
        {"type": _type(source if reads else destination), "who": who.HUB, "requestor": False},
        {
            "type": {"coding": [user]},
            "who": people.user(deed.actor),
            **({"altId": deed.actor} if deed.actor else {}),
            "requestor": True,
        },
    ]


def _entities(deed: Deed, pattern: Pattern, subjects: Sequence[str], records: Sequence[str]) -> list[Json]:
    person, system = (_OBJECT, "1", "Person"), (_OBJECT, "2", "System Object")
    found: list[Json] = []
    if deed.message is not None:
        request = {"system": f"{_BALP}/CodeSystem/BasicAuditEntityType", "code": "XrequestId"}
        found.append({"what": who.message(deed.message, deed.target), "type": request})
    found += [_entity(ref, person, (_ROLE, "1", "Patient")) for ref in dict.fromkeys(subjects)]
    found += [_entity(ref, system, (_ROLE, "4", "Domain Resource")) for ref in records if ref not in subjects]
    if deed.kind == "request" and pattern.action == "E" and deed.target:
        query = base64.b64encode(deed.target.encode()).decode()
        found.append({"type": _coding(system), "role": _coding((_ROLE, "24", "Query")), "query": query})
    if deed.event == "disclosure" and deed.target:
        found.append({"type": _coding(system), "description": deed.target})
    return found


def _entity(reference: str, type_: tuple[str, str, str], role: tuple[str, str, str]) -> Json:
    return {"what": {"reference": reference}, "type": _coding(type_), "role": _coding(role)}


def _type(coding: tuple[str, str, str]) -> Json:
    return {"coding": [_coding(coding)]}


def _concept(coding: tuple[str, str, str]) -> Json:
    return {"coding": [_coding(coding)]}


def _coding(one: tuple[str, str, str]) -> Json:
    return {"system": one[0], "code": one[1], "display": one[2]}
