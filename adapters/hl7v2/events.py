"""The message types that the hub takes in and sends out."""

from adapters.hl7v2 import identities
from mappings import er7
from mappings.er7 import Message
from tracker_core.errors import Malformed, Unsupported

FEED = frozenset(f"A{n:02}" for n in (*range(1, 15), 21, 22, 23, 27, 28, 31, 38, 60))
TAKEN = {
    "ADT": FEED | identities.EVENTS,
    "BAR": frozenset({"P01", "P05"}),
    "DFT": frozenset({"P03"}),
    "MDM": frozenset(f"T{n:02}" for n in range(1, 12)),
    "MFN": frozenset({"M02", "M05"}),
    "OML": frozenset({"O21"}),
    "OMP": frozenset({"O09"}),
    "ORM": frozenset({"O01"}),
    "ORU": frozenset({"R01", "W01"}),
    "OUL": frozenset({"R22", "R23", "R24"}),
    "PGL": frozenset({"PC6", "PC7", "PC8"}),
    "PPR": frozenset({"PC1", "PC2", "PC3"}),
    "RAS": frozenset({"O17"}),
    "RDE": frozenset({"O11"}),
    "RDS": frozenset({"O13"}),
    "SIU": frozenset(f"S{n}" for n in range(12, 27)),
    "VXU": frozenset({"V04"}),
}
# An answer to a message of ours, on a line of its own.
ACK = "ACK"
# Queries, which are answered from the hub's own data, and their cancellation.
ASKED = {"QBP": frozenset({"Q11", "Q21", "Q22", "Q23"}), "QCN": frozenset({"J01"})}
# MSH-9 -> MSH-9.3, the structure that the standard gives the event (table 0354).
SENT = {
    **dict.fromkeys(("ADT^A01", "ADT^A04", "ADT^A08", "ADT^A13"), "ADT_A01"),
    **dict.fromkeys(("ADT^A05", "ADT^A28", "ADT^A31"), "ADT_A05"),
    "ADT^A03": "ADT_A03",
    "ADT^A40": "ADT_A39",
    "OML^O21": "OML_O21",
    **dict.fromkeys(("SIU^S12", "SIU^S13", "SIU^S14", "SIU^S15", "SIU^S26"), "SIU_S12"),
    "ORU^R01": "ORU_R01",
    "VXU^V04": "VXU_V04",
}


def event_of(message: Message) -> tuple[str, str]:
    """Return type and trigger event of a message (MSH-9.1, MSH-9.2)."""
    header = message.segments[0]
    return er7.value(header, message.encoding, 9), er7.value(header, message.encoding, 9, 2)


def check_header(message: Message) -> None:
    """Raise `Malformed` for a header without type or control id, `Unsupported` for another version than 2."""
    header, encoding = message.segments[0], message.encoding
    kind, _ = event_of(message)
    if not kind:
        raise Malformed("MSH-9 names no message type", "MSH-9")
    if not er7.value(header, encoding, 10):
        raise Malformed("MSH-10 is empty: a message without control id cannot be acknowledged", "MSH-10")
    version = er7.value(header, encoding, 12)
    if version and not version.startswith("2"):
        raise Unsupported(f"{version!r} is not a version of HL7 v2", "MSH-12")


def check_taken(message: Message) -> None:
    """Raise `Unsupported` for a type or event that the hub does not take in."""
    kind, event = event_of(message)
    if kind == ACK:
        return
    offered = TAKEN | ASKED
    if kind not in offered:
        raise Unsupported(f"messages of type {kind} are not taken in; {', '.join(sorted(offered))} are", "MSH-9.1")
    if event not in offered[kind]:
        events = ", ".join(sorted(offered[kind]))
        raise Unsupported(f"{kind} with event {event or 'missing'} is not taken in; {events} are", "MSH-9.2")
