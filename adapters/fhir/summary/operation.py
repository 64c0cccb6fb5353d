"""`Patient/$summary` and `Patient/[id]/$summary` (IPS 2.0.0 OperationDefinition/summary)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from adapters.fhir.replies import Conditions, Pairs, Reply
from adapters.fhir.summary.document import IPS, Held, Person, held, made, summary
from adapters.fhir.summary.sections import TYPES
from tracker_core import records
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed, NotFound, Unsupported
from tracker_core.records import Stored

_OBSERVED = 3
_PROFILES = (IPS + "Composition-uv-ips", IPS + "Bundle-uv-ips")


def summarise(session: Session, base: str, steps: Sequence[str], pairs: Pairs, _conditions: Conditions) -> Reply:
    """Answer with the summary of one patient, all of whose sources count.

    Raises `NotFound`, `Conflict` when an identifier is of several persons, `Unsupported` for another profile.
    """
    given = dict(pairs)
    profile = given.get("profile", "").partition("|")[0]
    if profile and profile not in _PROFILES:
        raise Unsupported(f"the summary is made by {_PROFILES[0]}, not by {profile}", where="profile")
    patient = _named(session, steps[1]) if len(steps) == 3 else _identified(session, given.get("identifier", ""))
    return Reply(200, summary(base, _person(session, patient), datetime.now(UTC)))


def _named(session: Session, id: str) -> Stored:
    found = records.read(session, [("Patient", id)]).get(("Patient", id))
    if found is None or found.deleted:
        raise NotFound(f"there is no Patient/{id}")
    return found


def _identified(session: Session, identifier: str) -> Stored:
    if not identifier:
        raise Malformed("an identifier is expected", where="identifier")
    found = records.search(session, "Patient", [("identifier", identifier), ("_count", "100")]).matches
    if not found:
        raise NotFound(f"no Patient has the identifier {identifier}")
    if len({one.subject if one.subject is not None else -one.pk for one in found}) > 1:
        raise Conflict(f"several persons have the identifier {identifier}")
    return found[0]


def _person(session: Session, patient: Stored) -> Person:
    """Read everything a summary may show, in one query of the person and one of what is referred to."""
    if patient.subject is None:
        stored = list(records.everything(session, patient.id, [("_count", "1000")]).matches)
    else:
        types = [one for one in ("Patient", *TYPES) if one != "Observation"]
        stored = records.of_subject(session, [patient.subject], types)
        # A person has thousands; what a summary shows are the latest, and those before where they were mistakes.
        stored += records.latest_of_subject(session, patient.subject, _OBSERVED)
    others = [one.reference for one in stored if one.type == "Patient" and one.pk != patient.pk]
    patients = dict.fromkeys(others, patient.reference)
    own = held(patient, patients)
    found = [held(one, patients) for one in stored if one.type in TYPES]
    named = _referred(session, found)
    found += [_use(one, own) for one in _unused_devices(found, named)]
    return Person(own, found, named, [patient, *stored])


def _referred(session: Session, found: list[Held]) -> dict[str, Held]:
    """Return Medications and Devices that records refer to; devices of the person are there already."""
    wanted = set()
    for one in found:
        for key in ("medicationReference", "device"):
            value = one.document.get(key)
            if isinstance(value, dict) and isinstance(value.get("reference"), str):
                type_, _, id = value["reference"].partition("/")
                wanted |= {(type_, id)} if type_ in ("Medication", "Device") else set()
    stored = records.read(session, sorted(wanted)) if wanted else {}
    named = {one.reference: held(one, {}) for one in stored.values() if not one.deleted}
    return named | {one.reference: one for one in found if one.document["resourceType"] == "Device"}


def _unused_devices(found: list[Held], named: dict[str, Held]) -> list[Held]:
    """Return the person's devices that no statement of use is about."""
    used = {
        one.document["device"].get("reference")
        for one in found
        if one.document["resourceType"] == "DeviceUseStatement" and isinstance(one.document.get("device"), dict)
    }
    devices = [one for one in named.values() if one.document["resourceType"] == "Device" and "patient" in one.document]
    return [one for one in devices if one.reference not in used and one.document.get("status") in (None, "active")]


def _use(device: Held, patient: Held) -> Held:
    """A device of a person is in use: a summary says so by a statement (IPS, Medical Devices)."""
    return made(
        {
            "resourceType": "DeviceUseStatement",
            "id": str(uuid5(NAMESPACE_URL, f"{patient.reference} {device.reference}")),
            "status": "active",
            "subject": {"reference": patient.reference},
            "device": {"reference": device.reference},
        }
    )
