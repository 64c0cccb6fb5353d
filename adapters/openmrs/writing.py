"""Records as steps for OpenMRS: the patient first, then encounters, then obs; each under a uuid that a retry finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from adapters.contract import Sender, View
from adapters.openmrs.concepts import concept_of
from adapters.openmrs.names import ORG_UNIT, own_uuid
from adapters.openmrs.values import Unfit, write_value
from tracker_core.context import Peer
from tracker_core.errors import Unsupported
from tracker_core.records import documents

_GENDERS = {"male": "M", "female": "F", "other": "O"}
_DEAD = ("entered-in-error", "cancelled")
Step = dict[str, Any]
"""`resource`, `uuid`, `ours` (our reference), `known` (whether OpenMRS has it), `act` (`save`, `void`), `body`.

Without `edits` the step is there for what refers to it: it makes the thing where it is not, and changes nothing.
A step that cannot be done has a `reason` instead of a body.
"""


def write(view: View, sender: Sender, _control_id: str) -> dict[str, Any]:
    """Return the steps that bring a person's or a record's state to OpenMRS.

    What came from there is left as it is. Of several Patient records of one person the EMR's own is the patient, else
    one is registered. Raises Unsupported for other views and for records that no step can be made of.
    """
    if view.kind not in ("person", "record"):
        raise Unsupported(f"a {view.kind} is nothing that OpenMRS keeps")
    names = _Names(sender.peer, view)
    steps = [step for make in (_patients, _encounters, _observations) for step in make(names)]
    if not steps:
        raise Unsupported("nothing of this is kept by OpenMRS, or all of it came from there")
    return {"steps": steps}


def render(document: dict[str, Any], _sender: Sender) -> bytes:
    """Return the steps as JSON, decimals digit for digit."""
    return documents.encode(document)


@dataclass(frozen=True, slots=True)
class _Names:
    """What OpenMRS calls the records of a view."""

    peer: Peer
    view: View

    def of(self, type: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a type that did not come from there."""
        for one in self.view.documents:
            if one["resourceType"] == type and not own_uuid(self.peer, one):
                yield one

    def known(self, document: dict[str, Any]) -> str:
        """Return the uuid under which OpenMRS has a record, empty when it has not."""
        given = self.view.names.get(reference(document), "").partition("/")[2]
        own = next(filter(None, (own_uuid(self.peer, one) for one in self.view.own_patients)), "")
        return own_uuid(self.peer, document) or (own if document["resourceType"] == "Patient" else "") or given

    def uuid(self, document: dict[str, Any]) -> str:
        """Return the uuid of a record there: as known, else the one that it is to be made under."""
        return self.known(document) or str(uuid5(NAMESPACE_URL, f"urn:tracker-hub:record:{reference(document)}"))

    def target(self, pointer: dict[str, Any] | None) -> str:
        """Return the uuid of the record that a reference of the view points to, empty when it is not in it."""
        wanted = (pointer or {}).get("reference")
        return next((self.uuid(one) for one in self.view.documents if reference(one) == wanted), "")


def reference(document: dict[str, Any]) -> str:
    """Return a document as others refer to it."""
    return f"{document['resourceType']}/{document['id']}"


def _step(names: _Names, resource: str, document: dict[str, Any], body: dict[str, Any], act: str = "save") -> Step:
    known = names.known(document)
    uuid = names.uuid(document)
    edits = names.view.kind == "person" or document is names.view.documents[0]
    about = {"resource": resource, "uuid": uuid, "ours": reference(document), "known": bool(known), "edits": edits}
    return {**about, "act": act, "body": body}


def _refusal(resource: str, document: dict[str, Any], reason: str) -> Step:
    return {"resource": resource, "ours": reference(document), "reason": reason}


def _patients(names: _Names) -> Iterator[Step]:
    """Yield the registration of a patient whom OpenMRS does not know; who is known there is as it keeps them."""
    for one in names.of("Patient"):
        if names.known(one):
            continue
        yield _step(names, "patient", one, _registration(names.peer, one))
        return


def _registration(peer: Peer, patient: dict[str, Any]) -> dict[str, Any]:
    name: dict[str, Any] = next(iter(patient.get("name") or ()), {})
    given = [str(part) for part in name.get("given") or ()]
    born = str(patient.get("birthDate") or "")
    person: dict[str, Any] = {
        "names": [
            {
                "givenName": given[0] if given else "?",
                **({"middleName": " ".join(given[1:])} if given[1:] else {}),
                "familyName": name.get("family") or name.get("text") or "?",
                "preferred": True,
            }
        ],
        "gender": _GENDERS.get(str(patient.get("gender")), "U"),
    }
    if born:
        # A year or a month alone is a birth date of OpenMRS that is marked as an estimate.
        person["birthdate"] = born + {4: "-01-01", 7: "-01"}.get(len(born), "")
        person["birthdateEstimated"] = len(born) < len("2000-01-01")
    return {"person": person, "identifiers": _identifiers(peer, patient)}


def _identifiers(peer: Peer, patient: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the identifiers that OpenMRS has types for: the peer's `identifier_types` (system -> uuid of the type)."""
    types = peer.settings.get("identifier_types", {})
    found = [
        {"identifier": one["value"], "identifierType": types[one["system"]], "location": peer.settings.get("location")}
        for one in patient.get("identifier") or ()
        if one.get("system") in types and one.get("value")
    ]
    return [{**one, "preferred": place == 0} for place, one in enumerate(found)]


def _encounters(names: _Names) -> Iterator[Step]:
    for one in names.of("Encounter"):
        patient, start = names.target(one.get("subject")), (one.get("period") or {}).get("start")
        if not patient or not start:
            yield _refusal("encounter", one, "an encounter needs a patient and a time")
            continue
        body = {
            "patient": patient,
            "encounterDatetime": start,
            "encounterType": _encounter_type(names.peer, one),
            "location": _location(names.peer, one),
        }
        yield _step(names, "encounter", one, body, "void" if one.get("status") in _DEAD else "save")


def _encounter_type(peer: Peer, encounter: dict[str, Any]) -> Any:
    told = peer.settings.get("encounter_types", {})
    kinds = [coding.get("code") for kind in encounter.get("type") or () for coding in kind.get("coding") or ()]
    kinds.append((encounter.get("class") or {}).get("code"))
    return next((told[kind] for kind in kinds if kind in told), peer.settings.get("encounter_type"))


def _location(peer: Peer, encounter: dict[str, Any]) -> Any:
    identifier = (encounter.get("serviceProvider") or {}).get("identifier") or {}
    told = {unit: uuid for uuid, unit in peer.settings.get("locations", {}).items()}
    unit = identifier.get("value") if identifier.get("system") == ORG_UNIT else None
    return told.get(unit, peer.settings.get("location"))


def _observations(names: _Names) -> Iterator[Step]:
    for one in names.of("Observation"):
        gone = one.get("status") in _DEAD
        if gone and not names.known(one):
            continue
        concept, patient = concept_of(names.peer, one.get("code") or {}), names.target(one.get("subject"))
        if not concept or not patient:
            reason = "a patient of the view" if concept else "a concept of the EMR"
            yield _refusal("obs", one, f"an obs needs {reason}")
            continue
        try:
            value = None if gone else write_value(names.peer, one)
        except Unfit as unfit:
            yield _refusal("obs", one, str(unfit))
            continue
        encounter = names.target(one.get("encounter"))
        body = {
            "person": patient,
            "concept": concept,
            "obsDatetime": one.get("effectiveDateTime") or (one.get("effectivePeriod") or {}).get("start"),
            "value": value,
            **({"encounter": encounter} if encounter else {}),
        }
        yield _step(names, "obs", one, body, "void" if gone else "save")
