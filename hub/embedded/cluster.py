"""One PostgreSQL cluster: create it, launch its server, halt it, clear away what a killed hub left."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import psycopg

from hub.embedded.account import Account
from tracker_core.errors import Unavailable

Process: TypeAlias = subprocess.Popen[bytes]

SOCKET = ".s.PGSQL.5432"
SOCKET_LIMIT = 100  # sockaddr_un holds 107 bytes on Linux, 103 on macOS
START_SECONDS = 60.0  # recovery after a crash replays the log first
HALT_SECONDS = 30.0
LOG_LIMIT = 10_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster: its folder, its version, the programs that serve it, its log, whom it runs as (None: ourselves)."""

    path: Path
    major: int
    programs: Path
    log: Path
    account: Account | None

    @property
    def credentials(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a process as the place's account."""
        return self.account.credentials if self.account else {}


def sockets(path: Path) -> Path:
    """Return the folder of the socket: the cluster itself, or a short one when its path is too long for a socket."""
    if len(os.fsencode(path / SOCKET)) <= SOCKET_LIMIT:
        return path
    return Path(tempfile.gettempdir(), f"tracker-hub-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}")


def url(path: Path) -> str:
    """Return the libpq URI of the database `postgres` in the cluster at `path`."""
    return f"postgresql://postgres@/postgres?host={quote(str(sockets(path)), safe='')}"


def create(place: Place) -> None:
    """Create the cluster, whole or not at all: UTF-8, the same C.UTF-8 rules on every machine, entry by socket only."""
    fresh = place.path.with_name(f"{place.path.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _own_folder(fresh, place.account)
    options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    if place.major >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(
        [place.programs / "initdb", "-D", fresh, *options],
        cwd="/", check=False, capture_output=True, text=True, env=_environment(), **place.credentials,
    )  # fmt: skip
    if made.returncode != 0:
        raise Unavailable(f"initdb failed in {fresh}: {made.stderr.strip()}")
    fresh.rename(place.path)


def launch(place: Place, durable: bool = True) -> Process:
    """Start the server and return once it answers. Raises `Unavailable` with the log's last lines when it does not."""
    if sockets(place.path) != place.path:
        _own_folder(sockets(place.path), place.account)
    settings = [f"--{name}={value}" for name, value in _settings(place, durable).items()]
    with _open_log(place.log) as output:
        process = subprocess.Popen(
            [*_tied_to_us(), str(place.programs / "postgres"), "-D", str(place.path), *settings],
            cwd="/", env=_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, **place.credentials,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(url(place.path), connect_timeout=5):
            return process
        time.sleep(0.02)
    halt(process)
    last = place.log.read_text("utf-8", "replace").strip().splitlines()[-3:]
    raise Unavailable(f"PostgreSQL did not start in {place.path}: {' / '.join(last)}")


def halt(process: Process) -> None:
    """Stop the server: disconnect everyone, write all down, end. Only a server that hangs is cut off."""
    for request, seconds in ((signal.SIGINT, HALT_SECONDS), (signal.SIGQUIT, HALT_SECONDS), (signal.SIGKILL, None)):
        if process.poll() is None:
            process.send_signal(request)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def tidy(place: Place) -> None:
    """Remove the folder that was made for the socket of a stopped server."""
    if sockets(place.path) != place.path:
        shutil.rmtree(sockets(place.path), ignore_errors=True)


def evict(path: Path) -> None:
    """End whatever serves the cluster at `path` (its hub was killed: we hold the folder), and its stale lock files.

    Raises `Unavailable` when the processes do not end.
    """
    if not Path("/proc/self").exists():
        return  # PostgreSQL's own check of its pid file must do
    for request in (signal.SIGINT, signal.SIGQUIT):
        deadline = time.monotonic() + HALT_SECONDS
        if postmaster := _postmaster(path):
            os.kill(postmaster, request)
        while inhabitants(path) and time.monotonic() < deadline:
            time.sleep(0.05)
    if left := inhabitants(path):
        raise Unavailable(f"processes {left} still serve {path}, left by a killed hub, and do not end")
    for stale in (path / "postmaster.pid", sockets(path) / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)  # both name a process; where nobody reaps it, a dead one still counts as living


def inhabitants(path: Path) -> list[int]:
    """Return the processes whose working folder is the cluster: a server and its backends (Linux; elsewhere none)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if entry.readlink() == path:
                found.append(int(entry.parent.name))
    return found


def _postmaster(path: Path) -> int | None:
    """The server's own process, if it lives: only that one may be asked to stop."""
    with suppress(OSError, ValueError, IndexError):
        pid = int((path / "postmaster.pid").read_text("ascii").splitlines()[0])
        return pid if pid in inhabitants(path) else None
    return None


def _own_folder(path: Path, account: Account | None) -> None:
    """Make `path` a folder of the server's account alone; refuse one that someone else made first."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account and path.stat().st_uid == os.geteuid():
        os.chown(path, account.uid, account.gid)
    if path.is_symlink() or path.stat().st_uid != (account.uid if account else os.geteuid()):
        raise Unavailable(f"the folder {path} belongs to someone else")


def _open_log(path: Path) -> Any:
    if path.is_file() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def _environment() -> dict[str, str]:
    """A neutral environment: no PG… variable of the caller may redirect the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _tied_to_us() -> list[str]:
    """On Linux, the server stops when the thread that started it is gone, even by kill -9."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []


def _settings(place: Place, durable: bool) -> dict[str, str]:
    """Settings for a machine shared with the hub itself: a quarter of the memory at most, no parallel queries."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    chosen = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets(place.path)),
        "max_connections": "100",
        "shared_buffers": f"{max(32, min(512, memory // 8))}MB",
        "effective_cache_size": f"{max(128, memory // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
    }
    unsafe = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return chosen if durable else chosen | unsafe
