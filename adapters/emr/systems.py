"""Whose numbers are whose: the systems of a peer's patient and visit numbers, and of the national id."""

from typing import Any

from tracker_core.context import Peer

PREFIX = "urn:tracker-hub:"
PATIENT, VISIT, NATIONAL = f"{PREFIX}patient-number", f"{PREFIX}visit-number", f"{PREFIX}national-id"
ORG_UNIT = f"{PREFIX}org-unit"
_NUMBERS = ("organization", "provider", "location", "condition", "measurement", "observation", "drug", "procedure")
_NAMES = (PATIENT, VISIT, NATIONAL, *(f"{PREFIX}{kind}-number" for kind in _NUMBERS))


def system_of(peer: Peer, name: str) -> str:
    """Return the system that a table's `hub:…` name stands for with this peer.

    The peer's `naming` decides (`{"national-id": "urn:oid:1.2.3"}`); else numbers (`hub:patient-number`) are the
    peer's own, and everything else is shared.
    """
    short = name.removeprefix(PREFIX)
    own = f"{PREFIX}peer:{peer.code}:{short}" if name.startswith(PREFIX) and name.endswith("-number") else name
    return str(peer.settings.get("naming", {}).get(short, own))


def to_peer(identifiers: list[dict[str, Any]], peer: Peer) -> list[dict[str, Any]]:
    """Return identifiers with the table's names put into the peer's systems."""
    return [{**item, "system": system_of(peer, item["system"])} if "system" in item else item for item in identifiers]


def to_table(identifiers: list[dict[str, Any]], peer: Peer) -> list[dict[str, Any]]:
    """Return identifiers with the peer's systems put into the table's names; others stay."""
    names = {system_of(peer, name): name for name in _NAMES}
    return [{**item, "system": names.get(item.get("system", ""), item.get("system", ""))} for item in identifiers]


def value_in(identifiers: list[dict[str, Any]], system: str) -> str:
    """Return the first value of a system, empty when there is none."""
    return next((str(item.get("value", "")) for item in identifiers if item.get("system") == system), "")
