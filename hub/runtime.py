"""What one running process holds: its pool, its formats, and the bell that wakes its workers."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.contract import Adapter
from tracker_core.database import Pool


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed to everything at the edge; `wake` is set whenever there may be work for a worker of this process."""

    pool: Pool
    adapters: Mapping[str, Adapter]
    wake: threading.Event = field(default_factory=threading.Event)

    def adapter(self, format: str) -> Adapter:
        """Return the adapter of `format`; messages and peers only carry names that are registered."""
        return self.adapters[format]
