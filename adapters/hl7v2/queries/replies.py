"""Answers to queries as messages: MSH, MSA, ERR, QAK, the QPD as it came, what was found, and where to go on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.hl7v2 import acks, charset
from adapters.hl7v2.acks import Fault
from adapters.hl7v2.header import Header
from mappings import er7
from mappings.er7 import Message, Segment
from tracker_core.errors import HubError, wording

# Trigger of the query -> trigger and structure of its answer.
KINDS = {"Q11": ("K11", "RSP_K11"), "Q21": ("K21", "RSP_K21"), "Q22": ("K22", "RSP_K21"), "Q23": ("K23", "RSP_K23")}


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found: segments in order, of how many persons or records; `profile` is MSH-21.

    `status` is QAK-2 (table 0208): OK, NF (nothing found), TM (too many to choose from). `pointer` is where the next
    answer goes on, empty at the end; `remaining` is how many there are behind it.
    """

    segments: list[Segment] = field(default_factory=list)
    count: int = 0
    total: int = 0
    remaining: int = 0
    pointer: str = ""
    status: str = ""
    profile: str = ""

    @property
    def outcome(self) -> str:
        """QAK-2."""
        return self.status or ("OK" if self.count else "NF")


def rendered(asked: Message, event: str, found: Found) -> bytes:
    """Return the answer that holds what was found."""
    counts = [str(found.total), str(found.count), str(found.remaining)] if found.total else []
    message = begun(asked, event, "AA", [], found.outcome, counts, found.profile)
    message.segments += found.segments
    if found.pointer:
        message.segments.append(["DSC", found.pointer, "I"])
    return charset.render_message(message)


def refused(asked: Message, event: str, error: HubError) -> bytes:
    """Return the answer to a query that cannot be answered: AE, with the reason and its place."""
    fault = Fault(
        acks.condition_of(error, error.where), acks.place_of(error.where), "E", wording(error).fhir, error.detail
    )
    profile = "Z33^CDCPHINVS" if event == "Q11" else ""
    return charset.render_message(begun(asked, event, "AE", [fault], "AE", [], profile))


def cancelled(asked: Message) -> bytes:
    """Return the answer to QCN^J01: yes, for an answer that goes on holds nothing here (5.4.6)."""
    return acks.acknowledge(charset.render_message(asked), "AA", [])


def begun(
    asked: Message,
    event: str,
    verdict: acks.Verdict,
    faults: Sequence[Fault],
    status: str,
    counts: Sequence[str],
    profile: str,
) -> Message:
    """Return the beginning of an answer, up to the QPD."""
    header = Header(asked.segments[0], asked.encoding)
    msh = acks.msh(header)
    msh[9] = header.encoding.component.join(["RSP", *KINDS[event]])
    if profile:
        msh += [""] * (22 - len(msh))
        msh[21] = profile.replace("^", header.encoding.component)
    qpd = asked.first("QPD") or ["QPD"]
    qak = ["QAK", er7.get(qpd, 2), status, er7.get(qpd, 1), *counts]
    errors = [acks.err(fault, asked.encoding) for fault in faults]
    return Message(asked.encoding, [msh, acks.msa(header, verdict, faults), *errors, qak, qpd])
