"""Watched folders: `DIR/inbox/<peer>` is where the EMR called <peer> drops its files."""

from pathlib import Path
from threading import Event

import structlog

from adapters.contract import Accepted, Envelope
from adapters.emr import watch
from adapters.emr.importing import result_file
from hub import imports
from hub.access import HubAccess, sender_of
from hub.runtime import Runtime
from tracker_core.context import User
from tracker_core.database import transaction
from tracker_core.errors import HubError, Unavailable
from tracker_core.issues import Report

log = structlog.get_logger()

FORMAT = "emr"
DROPPER = User("", "inbox", frozenset({"ALL"}))
INTERVAL = 2.0


def watch_inbox(runtime: Runtime, inbox: Path, stop: Event) -> None:
    """Take the files that appear in the folders below `inbox` until `stop` is set; new folders count at once."""
    (inbox / FORMAT).mkdir(parents=True, exist_ok=True)
    seen: dict[Path, dict[Path, watch.Look]] = {}
    while not stop.wait(INTERVAL):
        for folder in sorted(path for path in inbox.iterdir() if path.is_dir()):
            try:
                seen[folder] = look(runtime, folder, seen.get(folder, {}))
            except Exception:
                log.exception("a watched folder failed", folder=str(folder))


def look(runtime: Runtime, folder: Path, before: dict[Path, watch.Look]) -> dict[Path, watch.Look]:
    """Take what is ready in one peer's folder, as `adapters.emr.watch.look` does; large files are taken in chunks."""
    access = HubAccess(runtime)

    def accept(raw: bytes, envelope: Envelope) -> Accepted:
        return access.accept(FORMAT, raw, envelope, DROPPER, folder.name)

    for part in (watch.DONE, watch.FAILED):
        (folder / part).mkdir(exist_ok=True)
    return watch.look(folder, accept, before, lambda path, envelope: _take_large(runtime, folder.name, path, envelope))


def _take_large(runtime: Runtime, peer: str, path: Path, envelope: Envelope) -> Accepted:
    """Import one file in chunks, to its end; taken again after a crash, it goes on. Raises `Unavailable`."""
    try:
        sender = sender_of(runtime, FORMAT, DROPPER, peer)
        found = imports.cut_files(runtime, sender, [path], Envelope(envelope.content_type), DROPPER.username)
        for part in range(found.parts):
            imports.work_off(runtime, found.id, part)
        with transaction(runtime.pool) as session:
            answer = b"".join(result_file(session, found))
    except Unavailable:
        raise
    except HubError as error:
        report = Report(rejected=True)
        return Accepted(0, report, runtime.adapter(FORMAT).answer(b"", envelope, report, error), error)
    return Accepted(0, Report(), answer)
