"""A hub to measure: a process of its own with an embedded PostgreSQL, everything on these cores."""

from collections.abc import Iterator
from contextlib import contextmanager

from hub import embedded
from hub.demo.processes import HubProcess


@contextmanager
def running() -> Iterator[tuple[HubProcess, str]]:
    """Yield a hub on an empty data folder, and the URL of its database."""
    with embedded.scratch() as folder:
        hub = HubProcess("benchmark", folder / "data")
        hub.start()
        try:
            hub.wait()
            url = embedded.tenant(hub.data)
            assert url is not None
            yield hub, url
        finally:
            hub.stop()
