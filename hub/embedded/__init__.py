"""The PostgreSQL that comes with the hub: one cluster per data folder, started and stopped by our own process.

`running(folder)` is all that the hub needs; `tenant(folder)` finds the server of a hub that is running there;
`scratch()` gives tests and the demonstration a folder that the server's account can reach.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import structlog

from hub.embedded import account, cluster, folder
from tracker_core.errors import HubError

log = structlog.get_logger(__name__)


@contextmanager
def running(data: Path, durable: bool = True) -> Iterator[str]:
    """Run the PostgreSQL of the data folder `data` while the block lasts; yield its URL.

    Creates folder and cluster when absent; stops a server that a killed hub left behind; starts the server again
    when it dies. The folder is locked for as long: only one hub serves it. `durable=False` gives up safety against
    power loss, for tests. Raises `Conflict` when another process holds the folder, `Forbidden` when it cannot be
    written, `Unavailable` when the server does not come up.
    """
    with folder.held(data):
        place = folder.prepare(data)
        process = cluster.launch(place, durable)
        stopping = Event()
        watcher = Thread(target=_keep_up, args=(place, durable, process, stopping), name="postgres")
        watcher.start()
        try:
            yield cluster.url(place.path)
        finally:
            stopping.set()
            watcher.join()


def tenant(data: Path) -> str | None:
    """Return the URL of the server that a running hub keeps for the folder `data`, or None when none runs there."""
    path = folder.find(data)
    return cluster.url(path) if path and cluster.inhabitants(path) else None


def make_scratch() -> Path:
    """Make a temporary folder that the server's account may pass through: data folders in it hold all their data."""
    made = Path(tempfile.mkdtemp(prefix="tracker-hub-"))
    if account.server_account():
        made.chmod(0o711)
    return made


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder from `make_scratch`; remove it with all it holds."""
    made = make_scratch()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _keep_up(place: cluster.Place, durable: bool, process: cluster.Process, stopping: Event) -> None:
    """Launch the server again whenever it dies; halt it when `stopping` is set."""
    while not stopping.wait(0.5):
        if process.poll() is None:
            continue
        log.error("postgres died, starting it again", status=process.returncode)
        try:
            process = cluster.launch(place, durable)
        except HubError as error:
            log.warning("postgres did not start", reason=error.detail)
    cluster.halt(process)
    cluster.tidy(place)
