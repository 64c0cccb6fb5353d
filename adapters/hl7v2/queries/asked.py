"""A query as it is asked: who, by which parameters, how much at a time, and from where on."""

import re
from dataclasses import dataclass
from typing import Any

import mappings
from adapters.contract import Sender
from adapters.hl7v2.authorities import half_names
from adapters.hl7v2.reading import tables_of
from mappings import Mappings, Profile, Scope, er7
from mappings.codecs.identifiers import system_of
from mappings.er7 import Encoding, Message, Repetition, Segment
from tracker_core.errors import Malformed

USUAL, MOST = 100, 500
POINTER = re.compile(r"after-(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Query:
    """One query: its QPD, `quantity` of persons in one answer (RCP-2), and the person after whom to go on (DSC-1)."""

    qpd: Segment
    encoding: Encoding
    quantity: int
    after: int
    tables: Mappings
    profile: Profile
    version: str

    def repetitions(self, field: int) -> list[Repetition]:
        """Return the repetitions of a field of QPD that say something."""
        text = er7.get(self.qpd, field)
        return [one for one in er7.split_field(text, self.encoding) if any(part for piece in one for part in piece)]

    def text(self, field: int, component: int = 1) -> str:
        """Return one decoded component of QPD."""
        return er7.value(self.qpd, self.encoding, field, component)

    def system(self, number: Repetition) -> str:
        """Return the system of a CX's assigning authority; empty where it names none."""
        namespace, universal, kind = half_names(number)
        return system_of(namespace, universal, kind, Scope(self.profile, self.encoding)) or ""

    def written(self, structure: str, documents: list[dict[str, Any]]) -> list[Segment]:
        """Return records as segments of a message of this structure, in the words of who asks."""
        return mappings.write_message(self.tables, structure, documents, self.profile, self.encoding, self.version)[0]


def read_query(message: Message, sender: Sender) -> Query:
    """Return what a QBP asks. Raises `Malformed` without QPD, and for an RCP or DSC that cannot be meant."""
    qpd = message.first("QPD")
    if qpd is None:
        raise Malformed("a query without its parameters", "QPD")
    settings = sender.peer.settings
    return Query(
        qpd,
        message.encoding,
        quantity_of(message),
        pointer_of(message),
        tables_of(sender.peer),
        mappings.profile_from(settings, sender.peer.code, sender.translate),
        er7.value(message.segments[0], message.encoding, 12) or "2.5.1",
    )


def quantity_of(message: Message) -> int:
    """Return RCP-2, the most persons (records) that one answer is to hold. Raises `Malformed`."""
    text = er7.value(message.first("RCP"), message.encoding, 2)
    if not text:
        return USUAL
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise Malformed(f"{text!r} is no quantity", "RCP-2")
    return min(int(text), MOST)


def pointer_of(message: Message) -> int:
    """Return the key of the last person of the answer before, by the pointer it gave (DSC-1); 0 for a first query."""
    text = er7.value(message.first("DSC"), message.encoding, 1)
    if not text:
        return 0
    found = POINTER.fullmatch(text)
    if found is None:
        raise Malformed(f"{text!r} is no continuation pointer of ours", "DSC-1")
    return int(found[1])
