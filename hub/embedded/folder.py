"""The data folder: who holds it, and where its cluster lies.

Ordinarily the cluster is `DIR/postgres`. Root's server runs as another account; when that account cannot enter DIR
(say, DIR is under /root), the cluster lies under /var/lib/tracker-hub and `DIR/postgres.location` names the place.
Permissions of folders that we did not make are never changed.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.embedded.account import Account, reaches, server_account
from hub.embedded.binaries import NEWEST, STATE, programs
from hub.embedded.cluster import Place, create, evict
from tracker_core.errors import Conflict, Forbidden

POINTER = "postgres.location"


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Create the folder `data` if absent and hold it for this process alone while the block lasts.

    Raises `Conflict` naming the holder, or `Forbidden` when the folder cannot be made or written.
    """
    try:
        _make(data)
        descriptor = os.open(data / "hub.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Forbidden(f"cannot write to the data folder {data}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            raise Conflict(f"the data folder {data} is in use by another tracker-hub (process {holder})") from error
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def prepare(data: Path) -> Place:
    """Return the place of the folder's cluster: found or created, empty of servers, ready to launch."""
    account = server_account()
    path = find(data) or _choose(data, account)
    version = path / "PG_VERSION"
    major = int(version.read_text("ascii")) if version.is_file() else NEWEST
    place = Place(path, major, programs(major, account), data / "postgres.log", account)
    evict(path)
    if not version.is_file():
        create(place)
    return place


def find(data: Path) -> Path | None:
    """Return where the cluster of the folder lies, or None when it has none yet."""
    pointer = data / POINTER
    inside = data.resolve() / "postgres"
    if pointer.is_file():
        return Path(pointer.read_text("utf-8").strip())
    return inside if inside.is_dir() else None


def _make(data: Path) -> None:
    """Make the folder: ours alone, but passable when the server runs as another account."""
    if not data.is_dir():
        data.mkdir(parents=True)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _choose(data: Path, account: Account | None) -> Path:
    inside = data.resolve() / "postgres"
    if account is None or reaches(account, data):
        return inside
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    outside = STATE / f"{data.resolve().name}-{secrets.token_hex(4)}"
    (data / POINTER).write_text(f"{outside}\n", "utf-8")
    return outside
