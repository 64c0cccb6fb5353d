"""Imports of large files: cut into messages as they are read, applied part by part, each chunk a transaction.

A process that is killed loses nothing but the chunk in its hands: the same call goes on with the next one.
"""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from adapters.contract import Envelope
from adapters.emr.chunks import Chunk
from adapters.emr.importing import digest_of, envelopes
from adapters.emr.sources import Source, open_source
from hub import work
from hub.runtime import Runtime, spare_collections
from tracker_core import imports, messages
from tracker_core.context import Peer
from tracker_core.database import open_pool, transaction
from tracker_core.errors import Conflict, Unavailable
from tracker_core.imports import Import, Slice
from tracker_core.messages import Arrival

FORMAT = "emr"
LANES = 2
_TOGETHER = 20
_PAUSE = 1.0

Piece = tuple[int, int, Chunk, Envelope]


def cut_files(runtime: Runtime, peer: Peer, paths: Sequence[Path], envelope: Envelope, actor: str) -> Import:
    """Cut files into messages, which workers begin with at once; return the import when all is cut.

    Files that were cut before give the import that there is; what a killed process had cut is not cut again. The
    peer's setting `lanes` says into how many parts persons are divided (default 2). Memory is constant.
    Raises Malformed or Unsupported for what is no such file, Conflict when another process is cutting it now.
    """
    with open_source(paths, envelope, peer) as source:
        return _cut(runtime, peer, source, digest_of(paths, envelope.parameters), actor)


def _cut(runtime: Runtime, peer: Peer, source: Source, digest: bytes, actor: str) -> Import:
    names = "\n".join(file.name for file in source.files)
    parts = int(peer.settings.get("lanes", LANES))
    with transaction(runtime.pool) as session:
        found = imports.begin(session, peer.id, names, digest, parts, actor)
        done = imports.counts(session, found.id)
    if found.cut:
        return found
    stored = sum(done.values())
    seen = [0] * found.parts
    every = envelopes(source, found.parts)
    while some := list(islice(every, _TOGETHER)):
        pieces = []
        for file, chunk, about in some:
            if seen[chunk.part] >= done.get(chunk.part, 0):
                pieces.append((seen[chunk.part], file, chunk, about))
            seen[chunk.part] += 1
        _store(runtime, found, pieces, stored)
        stored += len(pieces)
    with transaction(runtime.pool) as session:
        imports.finish_cutting(session, found.id)
        return imports.read(session, found.id)


def _store(runtime: Runtime, found: Import, pieces: Sequence[Piece], stored: int) -> None:
    """Keep chunks as messages, all of them or none."""
    if not pieces:
        return
    with transaction(runtime.pool) as session:
        if imports.lock(session, found.id).chunks != stored:
            raise Conflict(f"another process is reading {found.name} for the import {found.id}")
        kept = messages.store(session, [_arrival(found, *piece) for piece in pieces])
        imports.add(
            session,
            found.id,
            [
                Slice(chunk.part, number, file, chunk.rows, message.id)
                for (number, file, chunk, _), message in zip(pieces, kept, strict=True)
            ],
        )
    runtime.wake.set()


def _arrival(found: Import, number: int, _file: int, chunk: Chunk, about: Envelope) -> Arrival:
    name = f"import-{found.id}"
    return Arrival(
        peer=found.peer,
        format=FORMAT,
        body=chunk.body,
        type="rows",
        control_id=name,
        dedup=f"{name}/{chunk.part}/{number}",
        content_type=about.content_type,
        about=asdict(about),
        lane=messages.lane_of(found.peer, f"{name}/{chunk.part}"),
        actor=found.actor,
    )


def work_off(runtime: Runtime, id: int, part: int) -> None:
    """Apply what waits of one part, chunk after chunk, to its end or to a chunk that needs a person.

    Workers may be at it too: each chunk is applied once, in order.
    """
    after = -1
    while True:
        with transaction(runtime.pool) as session:
            found = imports.next_message(session, id, part, after)
            if found is None:
                return
            message = messages.read(session, found[1])
        if isinstance(work.settle(runtime, message).error, Unavailable):
            time.sleep(_PAUSE)
        else:
            after = found[0]


def work_off_all(url: str, found: Import) -> None:
    """Apply all of an import, its parts side by side, each in a process of its own with a session on `url`."""
    context = multiprocessing.get_context("spawn")
    lanes = [context.Process(target=work_off_alone, args=(url, found.id, part)) for part in range(found.parts)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


def work_off_alone(url: str, id: int, part: int) -> None:
    """Apply one part of an import in this process."""
    from hub.registry import ADAPTERS

    spare_collections()
    pool = open_pool(url, size=1)
    try:
        work_off(Runtime(pool, ADAPTERS), id, part)
    finally:
        pool.close()
