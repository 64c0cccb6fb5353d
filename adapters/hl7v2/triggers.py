"""Which event tells a peer of what happened, for routes that name the message type only (`ADT`, `SIU`, `OML` …)."""

from typing import Any

from adapters.contract import Happened
from tracker_core.context import Peer

# What is always told the same way.
FIXED = {"ORU": "ORU^R01", "OML": "OML^O21", "VXU": "VXU^V04"}
# HL7 v2.5.1, 10.4: an appointment that ends one way or another.
ENDED = {"cancelled": "SIU^S15", "noshow": "SIU^S26"}


def trigger(type: str, happened: Happened, peer: Peer) -> str:
    """Return the message type with its event, empty when there is no message for what happened.

    A new person is `ADT^A28`, a changed one A31, a merge A40; the peer's settings `register` and `update` ask for
    others (`A04`, `A08`). An appointment is S12 when made, S13 when it has another time, S15 when cancelled, S26 when
    nobody came, S14 for anything else. A type that names its event stays as it is.
    """
    if "^" in type or not type:
        return type
    if happened.action == "delete":
        return ""
    if type == "ADT":
        return person_event(happened, peer)
    if type == "SIU":
        return appointment_event(happened)
    return FIXED.get(type, type)


def person_event(happened: Happened, peer: Peer) -> str:
    """Return the event that tells of a person."""
    if happened.action == "merge":
        return "ADT^A40"
    name, default = ("register", "A28") if happened.action == "create" else ("update", "A31")
    return f"ADT^{peer.settings.get(name, default)}"


def appointment_event(happened: Happened) -> str:
    """Return the event that tells of an appointment; one that ends stays ended."""
    before, after = happened.before or {}, happened.after or {}
    ended = ENDED.get(str(after.get("status")), "")
    if ended:
        return ended if before.get("status") != after.get("status") else "SIU^S14"
    if happened.action == "create":
        return "SIU^S12"
    return "SIU^S13" if times(before) != times(after) else "SIU^S14"


def times(appointment: dict[str, Any]) -> tuple[Any, Any]:
    """Return when an appointment begins and ends."""
    return appointment.get("start"), appointment.get("end")
