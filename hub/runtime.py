"""What one running process holds: its pool, its formats, and the bell that wakes its workers."""

import gc
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.contract import Accepted, Adapter
from adapters.outside import Outside
from hub.gathering import Gathering
from tracker_core.context import Peer
from tracker_core.database import Pool
from tracker_core.messages import Arrival, Message


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed to everything at the edge; `wake` is set whenever there may be work for a worker of this process.

    `files` is the folder of uploaded files; a process without one takes none. `outside` is where requests may go that
    others asked for. `audit_days` is how long it is kept who read what. Bytes that come at the same moment are kept
    together in `arriving` (with whether they must be durable at once), their senders looked up together in `naming`
    (code and format); small messages about single persons are applied together in `applying`, where a pass takes so
    much longer than a round trip that it pays to wait for senders who are known to come back.
    """

    pool: Pool
    adapters: Mapping[str, Adapter]
    wake: threading.Event = field(default_factory=threading.Event)
    files: Path | None = None
    outside: Outside = field(default_factory=Outside)
    audit_days: int = 730
    arriving: Gathering[tuple[Arrival, bool], Message] = field(default_factory=Gathering)
    naming: Gathering[tuple[str, str], Peer] = field(default_factory=Gathering)
    applying: Gathering[Message, Accepted | None] = field(default_factory=lambda: Gathering(patience=0.003))

    def adapter(self, format: str) -> Adapter:
        """Return the adapter of `format`; messages and peers only carry names that are registered."""
        return self.adapters[format]


def spare_collections() -> None:
    """Let the garbage collector look less often, and not at what the program itself is made of.

    A bundle makes tens of thousands of objects without cycles; looking for cycles among them took a sixth of an import.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
