"""Batches: FHS/BHS, messages, BTS/FTS, where any of the four may be missing (2.10.3). Read as a stream."""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mappings import er7
from tracker_core.issues import Issue

LINE_END = re.compile(rb"[\r\n]+")
SECOND = re.compile(rb"[\r\n]MSH")
ENVELOPES = (b"FHS", b"BHS")
BOUNDARIES = frozenset((b"MSH", b"BTS", b"FTS", *ENVELOPES))
EDGE = b"\x0b\x1c \t\xef\xbb\xbf"


@dataclass(slots=True)
class Found:
    """What a batch held beside its messages: its FHS and BHS, and what was wrong with its counts."""

    headers: list[bytes] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    messages: int = 0
    in_batch: int = 0
    batches: int = 0


def is_batch(raw: bytes) -> bool:
    """Tell whether `raw` is a file or batch, or simply several messages one after the other."""
    start = raw[:64].lstrip(EDGE + b"\r\n")
    return start[:3] in ENVELOPES or (start[:3] == b"MSH" and SECOND.search(raw) is not None)


def split(chunks: Iterable[bytes], found: Found) -> Iterator[bytes]:
    """Yield each message in `chunks` (pieces of any size), its segments ended by CR; fill `found` on the way.

    Holds one message in memory at a time. Lines that stand outside any message are yielded by themselves: they are
    none, and are refused as such. Counts in BTS-1 and FTS-1 that differ from what came are issues in `found`.
    """
    message: list[bytes] = []
    for line in lines(chunks):
        name = line[:3]
        if name not in BOUNDARIES:
            message.append(line)
            continue
        if message:
            yield b"\r".join([*message, b""])
            message = []
        if name == b"MSH":
            message.append(line)
            found.messages += 1
            found.in_batch += 1
        else:
            note(line, found)
    if message:
        yield b"\r".join([*message, b""])


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of `chunks` that are not blank, whatever their ends; a line may span many chunks."""
    rest = bytearray()
    for chunk in chunks:
        seen = len(rest)
        rest += chunk
        start = 0
        for end in LINE_END.finditer(rest, seen):
            yield from tidy(bytes(rest[start : end.start()]))
            start = end.end()
        del rest[:start]
    yield from tidy(bytes(rest))


def tidy(line: bytes) -> Iterator[bytes]:
    """Yield `line` unless it is blank, without framing bytes and byte order mark."""
    if line[:1] in b"\x0b\xef\x1c":
        line = line.lstrip(EDGE)
    line = line.rstrip(b"\x1c")
    if line.strip():
        yield line


def note(line: bytes, found: Found) -> None:
    """Take account of a batch header or trailer."""
    name = line[:3].decode()
    if name in {"FHS", "BHS"}:
        found.headers.append(line)
        found.in_batch = 0
        return
    found.batches += name == "BTS"
    expected = line[4:].split(line[3:4], 1)[0].decode("ascii", "replace").strip() if line[3:4] else ""
    counted = found.in_batch if name == "BTS" else max(found.batches, 1)
    if expected and expected != str(counted):
        text = f"{name}-1 announces {expected}, and {counted} came"
        found.issues.append(Issue("batch-count", text, "warning", f"{name}-1", expected))


def answer_all(raw: bytes, take: Callable[[bytes], bytes]) -> bytes:
    """Return the answers to every message of `raw`: those of a batch in a batch of their own, with its count.

    `take` gets one message at a time and returns its acknowledgement. What was announced and did not come is said in
    BTS-2.
    """
    if not is_batch(raw):
        return take(raw)
    found = Found()
    answers = [take(message) for message in split([raw], found)]
    if not found.headers:
        return b"".join(answers)
    head, separator = reply_header(found.headers[-1])
    remark = "; ".join(issue.text for issue in found.issues)
    trailer = separator.join(["BTS", str(sum(map(bool, answers))), remark]).rstrip(separator)
    return b"\r".join([head.encode(), b"".join(answers) + trailer.encode(), b""])


def reply_header(line: bytes) -> tuple[str, str]:
    """Return the BHS that answers a batch with this BHS or FHS, and its field separator."""
    text = line.decode("utf-8", "replace")
    separator = text[3:4] or "|"
    fields = text.split(separator)
    swapped = [er7.get(fields, field - 1) for field in (2, 5, 6, 3, 4)]
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    reply = ["BHS", *swapped, stamp, "", "", "", secrets.token_hex(10), er7.get(fields, 10)]
    return separator.join(reply).rstrip(separator), separator
