"""Whose names are whose: the systems of an OpenMRS' uuids, identifiers and concepts."""

from typing import Any

from tracker_core.context import Peer

ORG_UNIT = "urn:tracker-hub:org-unit"


def uuid_system(peer: Peer) -> str:
    """Return the system of the uuids that this OpenMRS gives."""
    return f"urn:tracker-hub:peer:{peer.code}:uuid"


def encounter_system(peer: Peer) -> str:
    """Return the system under which what belongs to an encounter names it, so that a changed one finds all of it."""
    return f"urn:tracker-hub:peer:{peer.code}:encounter"


def concept_system(peer: Peer) -> str:
    """Return the system of this OpenMRS' concepts by uuid."""
    return f"urn:tracker-hub:peer:{peer.code}:concept"


def identifier_system(peer: Peer, kind: dict[str, Any]) -> str:
    """Return the system of an identifier type: by the peer's `naming` (of its uuid or its name), else its own."""
    naming = peer.settings.get("naming", {})
    uuid, name = str(kind.get("uuid", "")), str(kind.get("display", ""))
    return str(naming.get(uuid) or naming.get(name) or f"urn:tracker-hub:peer:{peer.code}:identifier:{uuid}")


def own_uuid(peer: Peer, document: dict[str, Any]) -> str:
    """Return the uuid under which a record came from this OpenMRS, empty when it did not."""
    system = uuid_system(peer)
    found = (str(one.get("value", "")) for one in document.get("identifier") or () if one.get("system") == system)
    return next(found, "")
