"""NDJSON files being written, one at a time for each kind and type; what was not noted before a crash is cut off."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tracker_core.bulk import File

MOST_LINES = 250_000
MOST_BYTES = 256 * 2**20
_BUFFER = 128 * 2**10


@dataclass(slots=True)
class _Open:
    file: File
    handle: BinaryIO
    lines: int
    bytes: int


class Parts:
    """The files of one order in a folder. Nothing counts until `sync` has returned it."""

    def __init__(
        self, folder: Path, known: Sequence[File], most_lines: int = MOST_LINES, most_bytes: int = MOST_BYTES
    ) -> None:
        self._folder = folder
        self._next = max((one.number for one in known), default=0) + 1
        self._most = (most_lines, most_bytes)
        self._ended: list[File] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._open = {(one.kind, one.type): self._go_on(one) for one in known if not one.ended}

    def _go_on(self, file: File) -> _Open:
        """Open a file where it was when it last counted; what was written after that is cut off."""
        handle = (self._folder / file.name).open("r+b", buffering=_BUFFER)
        handle.truncate(file.bytes)
        handle.seek(file.bytes)
        return _Open(file, handle, file.lines, file.bytes)

    def _begin(self, kind: str, type_: str) -> _Open:
        file = File(self._next, kind, type_, 0, 0)
        self._next += 1
        return _Open(file, (self._folder / file.name).open("wb", buffering=_BUFFER), 0, 0)

    def write(self, kind: str, type_: str, document: bytes) -> None:
        """Append a document as one line. Line ends in it stand between tokens only, as in any JSON."""
        if b"\n" in document or b"\r" in document:
            document = document.replace(b"\n", b" ").replace(b"\r", b" ")
        one = self._open.get((kind, type_))
        if one is None:
            one = self._open[kind, type_] = self._begin(kind, type_)
        one.handle.write(document)
        one.handle.write(b"\n")
        one.lines += 1
        one.bytes += len(document) + 1
        if one.lines >= self._most[0] or one.bytes >= self._most[1]:
            self._end(self._open.pop((kind, type_)))

    def _end(self, one: _Open) -> None:
        self._ended.append(_settled(one, ended=True))
        one.handle.close()

    def sync(self, *, ended: bool = False) -> list[File]:
        """Return the files as they are on disk now, those that changed; with `ended`, nothing more will be written."""
        if ended:
            for key in list(self._open):
                self._end(self._open.pop(key))
        made = [
            *self._ended,
            *(_settled(one, ended=False) for one in self._open.values() if one.lines > one.file.lines),
        ]
        self._ended = []
        return made

    def close(self) -> None:
        """Close the files, whatever was written since the last `sync`."""
        for one in self._open.values():
            one.handle.close()


def _settled(one: _Open, *, ended: bool) -> File:
    one.handle.flush()
    os.fsync(one.handle.fileno())
    return File(one.file.number, one.file.kind, one.file.type, one.lines, one.bytes, ended)
