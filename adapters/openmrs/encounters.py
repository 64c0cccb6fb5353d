"""An encounter of OpenMRS with its diagnoses and obs as record changes; what it no longer holds is taken back."""

from collections.abc import Iterator
from typing import Any

from adapters.contract import Sender
from adapters.openmrs.concepts import codeable
from adapters.openmrs.names import ORG_UNIT, encounter_system, uuid_system
from adapters.openmrs.values import Unfit, moment, read_value
from tracker_core.changes import RecordChange
from tracker_core.context import Peer
from tracker_core.issues import Issue

_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CERTAINTY = {"CONFIRMED": "confirmed", "PROVISIONAL": "provisional"}
_STATUS = {"FINAL": "final", "PRELIMINARY": "preliminary", "AMENDED": "amended"}
_SUBJECT = {"reference": "#Patient"}
_INSIDE = {"reference": "#Encounter"}


def encounter_changes(sender: Sender, encounter: dict[str, Any], issues: list[Issue]) -> list[RecordChange]:
    """Return the changes of one encounter; what could not be read of it is added to `issues`.

    Every Condition and Observation carries the encounter's uuid, by which those are found and retracted that the
    encounter no longer holds: OpenMRS replaces an edited obs by a new one.
    """
    peer, uuid = sender.peer, str(encounter["uuid"])
    found = [] if encounter.get("voided") else [*_conditions(peer, encounter), *_observations(peer, encounter, issues)]
    changes = [_encounter(peer, encounter)]
    changes += [_part(peer, uuid, document, key) for key, document in found]
    match = (f"identifier={encounter_system(peer)}|{uuid}",)
    changes += [RecordChange(type, {}, "retract", match=match) for type in ("Condition", "Observation")]
    for change in changes:
        change.where = change.where or f"encounter {uuid}"
    return changes


def _encounter(peer: Peer, encounter: dict[str, Any]) -> RecordChange:
    uuid, visit = str(encounter["uuid"]), encounter.get("visit") or {}
    told = peer.settings.get("encounter_classes", {})
    kind = encounter.get("encounterType") or {}
    code = told.get(kind.get("uuid")) or told.get(kind.get("display")) or "AMB"
    start = moment(encounter["encounterDatetime"])
    document: dict[str, Any] = {
        "resourceType": "Encounter",
        "identifier": [{"system": uuid_system(peer), "value": uuid}],
        "status": "entered-in-error" if encounter.get("voided") else "finished",
        "class": {"system": _ACT, "code": code},
        "subject": _SUBJECT,
        # Each encounter is one contact within a visit, and has no end of its own.
        "period": {"start": start, "end": start} if code == "AMB" else {"start": start},
        "type": [{"text": kind["display"]}] if kind.get("display") else None,
        "diagnosis": _ranked(encounter) or None,
    }
    place = _place(peer, encounter.get("location") or {})
    if place:
        document["serviceProvider"] = {"identifier": {"system": ORG_UNIT, "value": place}}
    if visit.get("uuid"):
        document["identifier"].append({"system": f"{uuid_system(peer)}:visit", "value": str(visit["uuid"])})
    match = (f"identifier={uuid_system(peer)}|{uuid}",)
    return RecordChange("Encounter", document, "merge", name="#Encounter", match=match)


def _place(peer: Peer, location: dict[str, Any]) -> str:
    """Return the org unit of a location: by the peer's `locations` (uuid or name -> org unit), else the peer's own."""
    told = peer.settings.get("locations", {})
    found = told.get(location.get("uuid")) or told.get(location.get("display")) or peer.settings.get("org_unit")
    return str(found or "")


def _ranked(encounter: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"condition": {"reference": f"#{one['uuid']}"}, **({"rank": one["rank"]} if one.get("rank") else {})}
        for one in encounter.get("diagnoses") or ()
        if not one.get("voided") and not encounter.get("voided")
    ]


def _part(peer: Peer, encounter: str, document: dict[str, Any], uuid: str) -> RecordChange:
    system = uuid_system(peer)
    whole = {
        **document,
        "identifier": [
            {"system": system, "value": uuid},
            {"system": encounter_system(peer), "value": encounter},
        ],
        "subject": _SUBJECT,
        "encounter": _INSIDE,
    }
    type, match = str(document["resourceType"]), (f"identifier={system}|{uuid}",)
    return RecordChange(type, whole, "merge", name=f"#{uuid}", match=match, where=f"{type.lower()} {uuid}")


def _conditions(peer: Peer, encounter: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in encounter.get("diagnoses") or ():
        if one.get("voided"):
            continue
        told = one.get("diagnosis") or {}
        code = codeable(peer, told["coded"]) if told.get("coded") else {"text": str(told.get("nonCoded") or "?")}
        yield str(one["uuid"]), _condition(code, encounter, _CERTAINTY.get(str(one.get("certainty")), ""))
    asked = set(peer.settings.get("diagnosis_concepts", ("CIEL:1284",)))
    for obs in _leaves(encounter.get("obs") or ()):
        if _is_diagnosis(obs, asked):
            yield str(obs["uuid"]), _condition(codeable(peer, obs["value"]), encounter, "")


def _condition(code: dict[str, Any], encounter: dict[str, Any], certainty: str) -> dict[str, Any]:
    verified = {"coding": [{"system": _VERIFICATION, "code": certainty}]} if certainty else None
    return {
        "resourceType": "Condition",
        "code": code,
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "verificationStatus": verified,
        "recordedDate": moment(encounter["encounterDatetime"]),
    }


def _is_diagnosis(obs: dict[str, Any], asked: set[str]) -> bool:
    """Tell whether an obs names a diagnosis: its question is one of the peer's `diagnosis_concepts`."""
    if not isinstance(obs.get("value"), dict) or obs.get("voided"):
        return False
    terms = (one.get("conceptReferenceTerm") or {} for one in obs["concept"].get("mappings") or ())
    names = {f"{(term.get('conceptSource') or {}).get('name')}:{term.get('code')}" for term in terms}
    return bool(asked & (names | {str(obs["concept"]["uuid"])}))


def _observations(peer: Peer, encounter: dict[str, Any], issues: list[Issue]) -> Iterator[tuple[str, dict[str, Any]]]:
    asked = set(peer.settings.get("diagnosis_concepts", ("CIEL:1284",)))
    for obs in _leaves(encounter.get("obs") or ()):
        if obs.get("voided") or obs.get("value") is None or _is_diagnosis(obs, asked):
            continue
        code = codeable(peer, obs["concept"])
        try:
            value = read_value(peer, code, obs["value"])
        except Unfit as unfit:
            issues.append(Issue("value", str(unfit), "warning", f"observation {obs['uuid']}", code.get("text", "")))
            continue
        note = {"note": [{"text": str(obs["comment"])}]} if obs.get("comment") else {}
        yield (
            str(obs["uuid"]),
            {
                "resourceType": "Observation",
                "status": _STATUS.get(str(obs.get("status") or "FINAL"), "final"),
                "code": code,
                "effectiveDateTime": moment(obs.get("obsDatetime") or encounter["encounterDatetime"]),
                **value,
                **note,
            },
        )


def _leaves(found: Any) -> Iterator[dict[str, Any]]:
    """Yield the obs that hold values: those of a group stand for themselves."""
    for obs in found:
        if obs.get("groupMembers"):
            yield from _leaves(obs["groupMembers"])
        else:
            yield obs
