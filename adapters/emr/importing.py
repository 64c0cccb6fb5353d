"""Files too large for one message: what is the same file, which chunks it makes, and the results of all as one."""

import csv
import heapq
import io
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from adapters.contract import Envelope
from adapters.emr import chunks
from adapters.emr.results import COLUMNS
from adapters.emr.sources import Source
from tracker_core import imports
from tracker_core.database import Session
from tracker_core.imports import Import

_BLOCK = 1 << 20
_FLUSH = 500


def digest_of(paths: Sequence[Path], parameters: Mapping[str, str]) -> bytes:
    """Return the fingerprint of files and how they are to be read; constant memory."""
    digest = sha256(repr(sorted(parameters.items())).encode())
    for path in [one for given in paths for one in (sorted(given.iterdir()) if given.is_dir() else [given])]:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.digest()


def envelopes(source: Source, parts: int) -> Iterator[tuple[int, chunks.Chunk, Envelope]]:
    """Yield every chunk of a source with the number of its file and its envelope."""
    for number, file in enumerate(source.files):
        parameters = {"file": file.name, "result": "csv"} | ({"table": file.table} if file.table else {})
        envelope = Envelope(chunks.TYPE, parameters=parameters)
        with file.open() as sheet:
            for chunk in chunks.cut(sheet, parts, file.person):
                yield number, chunk, envelope


def result_file(session: Session, found: Import) -> Iterator[bytes]:
    """Yield the result file of an import, as far as it is: every line of every file in order, a block at a time.

    Sets of several files have a column `file` in front.
    """
    several = len(names := found.name.split("\n")) > 1
    rows = heapq.merge(*(_rows(session, found.id, part) for part in range(found.parts)), key=lambda row: row[:2])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("file", *COLUMNS) if several else COLUMNS)
    for count, (file, line, cells) in enumerate(rows, start=1):
        writer.writerow((names[file], line or "", *cells) if several else (line or "", *cells))
        if not count % _FLUSH:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _rows(session: Session, id: int, part: int) -> Iterator[tuple[int, int, list[str]]]:
    for file, answer in imports.answers(session, id, part):
        for line, *cells in list(csv.reader(io.StringIO(answer.decode(), newline="")))[1:]:
            yield file, int(line or 0), cells
