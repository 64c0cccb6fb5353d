"""MLLP blocks without a socket: bytes in, pieces out. A block is VT, the message, FS, CR (HL7 MLLP release 1 and 2)."""

import re
from dataclasses import dataclass, field
from typing import Literal

START = b"\x0b"
END = b"\x1c"
ACK = b"\x06"
NAK = b"\x15"
MARK = re.compile(rb"[\x0b\x1c]")
BETWEEN = b"\r\n \t\x00\x1c"
KEPT = 64 * 1024
FRAME_LIMIT = 32 * 1024 * 1024

Kind = Literal["frame", "oversize", "fragment", "junk"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that came off the wire: a whole `frame`, or what could not become one.

    `oversize` is a block beyond the limit, `fragment` one that never ended, `junk` bytes outside any block; of these
    `data` holds the first 64 KiB and `size` the whole length.
    """

    kind: Kind
    data: bytes
    size: int


@dataclass(slots=True)
class Deframer:
    """Takes bytes in pieces of any size; holds at most `limit` of them.

    FS ends a block, with or without the CR behind it; VT inside a block begins a new one, for the rest of the first is
    lost; white space between blocks means nothing.
    """

    limit: int = FRAME_LIMIT
    inside: bool = False
    size: int = 0
    buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Piece]:
        """Return what `data` completes, in order."""
        pieces: list[Piece] = []
        start = 0
        for mark in MARK.finditer(data):
            self.take(data[start : mark.start()])
            start = mark.end()
            if mark.group() == START:
                pieces += self.leftover()
                self.inside = True
            elif self.inside:
                kind: Kind = "oversize" if self.size > self.limit else "frame"
                pieces.append(self.cut(kind))
                self.inside = False
        self.take(data[start:])
        if not self.inside and self.size > KEPT:
            pieces += self.leftover()
        return pieces

    def leftover(self) -> list[Piece]:
        """Return what is held and belongs to no complete block, and forget it: at most one piece."""
        kind: Kind = "fragment" if self.inside else "junk"
        piece = self.cut(kind)
        return [piece] if piece.data.strip(BETWEEN) else []

    def take(self, data: bytes) -> None:
        """Keep `data`, or only the beginning of what has grown beyond the limit."""
        if not self.inside and not self.buffer:
            data = data.lstrip(BETWEEN)
        self.size += len(data)
        if self.size <= (self.limit if self.inside else KEPT):
            self.buffer += data
        elif len(self.buffer) < KEPT:
            self.buffer += data[: KEPT - len(self.buffer)]
        else:
            del self.buffer[KEPT:]

    def cut(self, kind: Kind) -> Piece:
        """Return what is held as a piece and begin anew."""
        piece = Piece(kind, bytes(self.buffer if kind == "frame" else self.buffer[:KEPT]), self.size)
        self.buffer.clear()
        self.size = 0
        return piece


def frame(message: bytes) -> bytes:
    """Return `message` as an MLLP block."""
    return b"%b%b%b\r" % (START, message, END)
