"""Change sets as Provenance: what was written, when, by whom, from which message, by which mapping (R4 6.3)."""

from collections.abc import Sequence
from typing import Any

from adapters.fhir.auditing import who
from adapters.fhir.auditing.who import Cast, Json
from tracker_core import audit
from tracker_core.audit import Act, Written
from tracker_core.database import Session
from tracker_core.records.terms import instant

ID = "cs-"
_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def render(session: Session, acts: Sequence[Act]) -> list[Json]:
    """Return a Provenance for each of these writes, in order."""
    known = audit.written(session, [act.id for act in acts])
    people = who.cast(session, acts)
    return [_provenance(act, known[act.id], people) for act in acts]


def _provenance(act: Act, written: Written, people: Cast) -> Json:
    targets = [{"reference": f"{reference}/_history/{version}"} for reference, version, _ in written.versions]
    if written.more:
        targets.append({"display": f"and {written.more} more"})
    return {
        "resourceType": "Provenance",
        "id": f"{ID}{act.id}",
        "meta": {"versionId": "1", "lastUpdated": instant(act.at)},
        "target": targets,
        "recorded": instant(act.at),
        "activity": {"coding": [{"system": _OPERATION, "code": _activity(written)}]},
        "agent": _agents(act, people),
        **_entities(act, written),
    }


def _activity(written: Written) -> str:
    if all(deleted for *_, deleted in written.versions):
        return "DELETE"
    return "CREATE" if all(version == 1 for _, version, _ in written.versions) else "UPDATE"


def _agents(act: Act, people: Cast) -> list[Json]:
    def agent(type_: str, who_: Json) -> Json:
        return {"type": {"coding": [{"system": _PARTICIPANT, "code": type_}]}, "who": who_}

    sender = [agent("transmitter", people.peer(act.peer))] if act.peer is not None else []
    return [agent("author", people.user(act.actor)), *sender, agent("assembler", who.HUB)]


def _entities(act: Act, written: Written) -> dict[str, Any]:
    found = [{"role": "source", "what": who.message(act.message, act.target)}] if act.message is not None else []
    if written.mapping:
        what = {"identifier": {"system": who.MAPPING, "value": written.mapping}, "display": "mapping tables"}
        found.append({"role": "derivation", "what": what})
    return {"entity": found} if found else {}
