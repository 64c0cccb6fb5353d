"""What the MSH segment says, read from bytes without parsing the rest, and tolerant of anything."""

import re
from dataclasses import dataclass
from functools import lru_cache

from adapters.hl7v2 import charset
from mappings import er7
from mappings.er7 import Encoding, Segment
from tracker_core.errors import Malformed

FIRST_LINE = re.compile(rb"MSH[^\r\n]{0,16384}")
PATIENT = re.compile(rb"[\r\n]PID[^\r\n]{0,4096}")


@dataclass(frozen=True, slots=True)
class Header:
    """The MSH segment of a message and its encoding."""

    segment: Segment
    encoding: Encoding

    def text(self, field: int, component: int = 1) -> str:
        """Return one decoded component of the first repetition of `field`, without U+0000, which cannot be kept."""
        return er7.value(self.segment, self.encoding, field, component).replace("\0", "")

    @property
    def type(self) -> str:
        """`ADT^A08`: MSH-9 without its structure."""
        return "^".join(part for part in (self.text(9), self.text(9, 2)) if part)

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.text(10)

    @property
    def version(self) -> tuple[int, ...]:
        """MSH-12 as numbers, `(2, 5, 1)`; empty when it is missing or no version of HL7 v2."""
        found = re.fullmatch(r"2(?:\.(\d+))?(?:\.(\d+))?", self.text(12).strip())
        return (2, *(int(part) for part in found.groups() if part)) if found else ()


def read_header(raw: bytes, default: str = "") -> Header | None:
    """Return the header of `raw`, or None when it has none that can be read; only its first kilobytes are looked at."""
    if charset.WIDE.match(raw):
        raw = charset.decode_wide(raw[:16384]).text.encode()
    found = FIRST_LINE.search(raw, 0, 65536)
    if found is None:
        return None
    return _read_line(found.group(), default)


@lru_cache(256)  # one message is asked for its header by everybody who handles it
def _read_line(line: bytes, default: str) -> Header | None:
    decoded = charset.decode(line, default)
    try:
        message = er7.parse(decoded.text, decoded.codec)
    except Malformed:
        return None
    return Header(message.segments[0], message.encoding)


def sender_code(raw: bytes) -> str:
    """Return the name under which the hub keeps the sender: `APPLICATION|FACILITY` (MSH-3.1, MSH-4.1).

    A part without a namespace goes by its universal id; empty when neither is given.
    """
    header = read_header(raw)
    return sender_of(header) if header is not None else ""


def sender_of(header: Header) -> str:
    """Return the name of the sender that a header gives; see `sender_code`."""
    names = [header.text(field) or header.text(field, 2) for field in (3, 4)]
    return "|".join(names) if any(names) else ""


def patient_key(raw: bytes, header: Header) -> str:
    """Return the first identifier of PID-3 with its authority, equal for equal patients; may be empty."""
    found = PATIENT.search(raw)
    if found is None:
        return ""
    encoding = header.encoding
    text = found.group()[1:].decode(encoding.charset, "replace")
    segment = text.split(encoding.field)
    key = er7.value(segment, encoding, 3)
    return f"{key}^{er7.value(segment, encoding, 3, 4)}" if key else ""
