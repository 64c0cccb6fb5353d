"""Change sets as Provenance: what was written, when, by whom, from which message, by which mapping (R4 6.3)."""

from collections.abc import Sequence
from typing import Any

from adapters.fhir.auditing import who
from adapters.fhir.auditing.who import Cast, Json
from tracker_core import audit
from tracker_core.audit import Deed, Written
from tracker_core.database import Session
from tracker_core.records.terms import instant

ID = "cs-"
_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def render(session: Session, deeds: Sequence[Deed]) -> list[Json]:
    """Return a Provenance for each of these writes, in order."""
    known = audit.written(session, [deed.id for deed in deeds])
    people = who.cast(session, deeds)
    return [_provenance(deed, known[deed.id], people) for deed in deeds]


def _provenance(deed: Deed, written: Written, people: Cast) -> Json:
    targets = [{"reference": f"{reference}/_history/{version}"} for reference, version, _ in written.versions]
    if written.more:
        targets.append({"display": f"and {written.more} more"})
    return {
        "resourceType": "Provenance",
        "id": f"{ID}{deed.id}",
        "meta": {"versionId": "1", "lastUpdated": instant(deed.at)},
        "target": targets,
        "recorded": instant(deed.at),
        "activity": {"coding": [{"system": _OPERATION, "code": _activity(written)}]},
        "agent": _agents(deed, people),
        **_entities(deed, written),
    }


def _activity(written: Written) -> str:
    if all(deleted for *_, deleted in written.versions):
        return "DELETE"
    return "CREATE" if all(version == 1 for _, version, _ in written.versions) else "UPDATE"


def _agents(deed: Deed, people: Cast) -> list[Json]:
    def agent(type_: str, who_: Json) -> Json:
        return {"type": {"coding": [{"system": _PARTICIPANT, "code": type_}]}, "who": who_}

    sender = [agent("transmitter", people.peer(deed.peer))] if deed.peer is not None else []
    return [agent("author", people.user(deed.actor)), *sender, agent("assembler", who.HUB)]


def _entities(deed: Deed, written: Written) -> dict[str, Any]:
    found = [{"role": "source", "what": who.message(deed.message, deed.target)}] if deed.message is not None else []
    if written.mapping:
        what = {"identifier": {"system": who.MAPPING, "value": written.mapping}, "display": "mapping tables"}
        found.append({"role": "derivation", "what": what})
    return {"entity": found} if found else {}
