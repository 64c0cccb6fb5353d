"""What HL7v2 bytes say of themselves, what they hold, and how they are answered."""

from dataclasses import dataclass, field

from adapters.contract import Envelope, Identity
from adapters.hl7v2 import acks, batches, charset
from adapters.hl7v2.events import ASKED, check_header
from adapters.hl7v2.header import patient_key, read_header, sender_of
from mappings.er7 import Message
from tracker_core.issues import Issue, Report


@dataclass(frozen=True, slots=True)
class Part:
    """One message as it came, parsed, with what had to be assumed about its bytes."""

    raw: bytes
    message: Message
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The messages of one body: one, or those of a batch."""

    parts: list[Part]
    issues: list[Issue] = field(default_factory=list)


def identify(raw: bytes, envelope: Envelope) -> Identity:
    """Return type, control id and patient; sender and control id together make a message unique. Never raises."""
    if batches.is_batch(raw):
        return Identity("batch")
    header = read_header(raw, default_charset(envelope))
    if header is None:
        return Identity()
    control_id = header.control_id
    dedup = f"{sender_of(header)}|{control_id}" if control_id else ""
    return Identity(header.type, control_id, dedup, patient_key(raw, header), asks=header.text(9) in ASKED)


def parse(raw: bytes, envelope: Envelope) -> Document:
    """Return the messages in `raw`, one or a batch.

    Raises `Malformed` for what is no message or names no type or control id, `Unsupported` for a version, type or
    event that is not taken in; in a batch, the first of them.
    """
    default = default_charset(envelope)
    if not batches.is_batch(raw):
        return Document([parse_part(raw, default)])
    found = batches.Found()
    parts = [parse_part(message, default) for message in batches.split([raw], found)]
    return Document(parts, found.issues)


def parse_part(raw: bytes, default: str) -> Part:
    """Return one message. Raises as `parse` does."""
    message, issues = charset.parse_message(raw, default)
    check_header(message)
    return Part(raw, message, issues)


def answer(raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:
    """Return the acknowledgement of `raw`; none for an acknowledgement, which would be answered for ever (2.9.2).

    The envelope's parameter `acks` = `enhanced` lets MSH-15 and 16 ask for silence; `charset` is the peer's default.
    """
    default = default_charset(envelope)
    header = read_header(raw, default)
    if header is not None and header.text(9) == "ACK":
        return b""
    return acks.answer(raw, report, error, default, silent=envelope.parameters.get("acks") == "enhanced")


def default_charset(envelope: Envelope) -> str:
    """Return the character set of a message that names none: what came with the request says it, or nothing does."""
    given = envelope.parameters.get("charset", "")
    if given:
        return given
    for parameter in envelope.content_type.split(";")[1:]:
        name, _, text = parameter.partition("=")
        if name.strip().lower() == "charset":
            return text.strip(' "')
    return ""
