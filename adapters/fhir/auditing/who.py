"""Who acted, as FHIR refers to them: users as Practitioner, peers and messages by identifiers of ours."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tracker_core import peers, users
from tracker_core.audit import Deed
from tracker_core.context import Peer
from tracker_core.database import Session

Json = dict[str, Any]
PEER = "urn:tracker-hub:peer"
USER = "urn:tracker-hub:user"
MESSAGE = "urn:tracker-hub:message"
MAPPING = "urn:tracker-hub:mapping"
HUB: Json = {"display": "Tracker Hub"}


@dataclass(frozen=True, slots=True)
class Cast:
    """The users (uid by name) and peers of some deeds."""

    uids: dict[str, str] = field(default_factory=dict)
    peers: dict[int, Peer] = field(default_factory=dict)

    def user(self, name: str | None) -> Json:
        """Return the reference to a user; names that are no accounts (`schedule`, `inbox`) are parts of the hub."""
        if not name:
            return {"display": "unknown"}
        uid = self.uids.get(name)
        known: Json = {"reference": f"Practitioner/{uid}"} if uid else {}
        return {**known, "identifier": {"system": USER, "value": name}, "display": name}

    def peer(self, id: int) -> Json:
        """Return the reference to a peer."""
        one = self.peers[id]
        return {"identifier": {"system": PEER, "value": one.code}, "display": one.name or one.code}


def cast(session: Session, deeds: Sequence[Deed]) -> Cast:
    """Return who appears in these deeds."""
    names = {deed.actor for deed in deeds if deed.actor}
    return Cast(
        users.uids_of(session, sorted(names)),
        peers.by_ids(session, sorted({deed.peer for deed in deeds if deed.peer is not None})),
    )


def message(id: int, display: str) -> Json:
    """Return the reference to a stored message."""
    return {"identifier": {"system": MESSAGE, "value": str(id)}, "display": display or "message"}
