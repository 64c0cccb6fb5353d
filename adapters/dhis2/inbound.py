"""What arrives as a message of this format, by the path it was sent to: one `Kind` each.

A kind that is asked for with `async=true` is a job (see `jobs`): give it its row here, keep its bytes with
`jobs.start`, and the worker parses, reads and applies them as a request would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.contract import Envelope, Identity, Reading, Sender
from adapters.dhis2 import payload, report
from adapters.dhis2.metadata import importing
from tracker_core.issues import Report


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of inbound message: `type` names it in the message browser, `job` is DHIS2's name for its jobs.

    `parse`, `read` and `answer` are as in `adapters.contract.Adapter`; `path` is what the kind's URL holds.
    """

    type: str
    job: str
    path: str
    parse: Callable[[bytes, Envelope], Any]
    read: Callable[[Any, Sender], Reading]
    answer: Callable[[bytes, Envelope, Report, BaseException | None], bytes]


TRACKER = Kind("tracker", "TRACKER_IMPORT_JOB", "/tracker", payload.parse, payload.read, report.answer)
METADATA = Kind("metadata", importing.JOB, "/metadata", importing.parse, importing.read, importing.answer)
KINDS: tuple[Kind, ...] = (TRACKER, METADATA)


def kind_of(envelope: Envelope) -> Kind:
    """Return the kind of a message by the path it was sent to; a tracker payload where the path says nothing."""
    return next((kind for kind in KINDS if kind.path in envelope.target), TRACKER)


def identify(_raw: bytes, envelope: Envelope) -> Identity:
    """Every import is a message of its own: DHIS2 clients send no control id."""
    return Identity(kind_of(envelope).type)


def parse(raw: bytes, envelope: Envelope) -> tuple[Kind, Any]:
    """Parse the bytes as their kind does. Raises `Malformed`."""
    kind = kind_of(envelope)
    return kind, kind.parse(raw, envelope)


def read(parsed: tuple[Kind, Any], sender: Sender) -> Reading:
    """Read a parsed document as its kind does."""
    kind, document = parsed
    return kind.read(document, sender)


def answer(raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Answer as the kind does."""
    return kind_of(envelope).answer(raw, envelope, report, error)
