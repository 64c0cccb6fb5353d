"""Watched folders: `DIR/inbox/<peer>` is where the EMR called <peer> drops its files."""

from pathlib import Path
from threading import Event

import structlog

from adapters.contract import Accepted, Envelope
from adapters.emr import watch
from hub.access import HubAccess
from hub.runtime import Runtime
from tracker_core.context import User

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
                seen[folder] = _look(runtime, folder, seen.get(folder, {}))
            except Exception:
                log.exception("a watched folder failed", folder=str(folder))


def _look(runtime: Runtime, folder: Path, before: dict[Path, watch.Look]) -> dict[Path, watch.Look]:
    access = HubAccess(runtime)

    def accept(raw: bytes, envelope: Envelope) -> Accepted:
        return access.accept(FORMAT, raw, envelope, DROPPER, folder.name)

    for part in (watch.DONE, watch.FAILED):
        (folder / part).mkdir(exist_ok=True)
    return watch.look(folder, accept, before)
