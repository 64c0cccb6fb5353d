"""Whom the server runs as. PostgreSQL refuses to run as root, so root lends it an unprivileged account."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracker_core.errors import Unavailable

CANDIDATES = ("tracker-hub", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system user."""

    name: str
    uid: int
    gid: int

    @property
    def credentials(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a process as this user, without root's groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account | None:
    """Return the account for the server when we are root, or None: then it runs as ourselves.

    The first that exists of `tracker-hub`, `postgres` and `nobody`; no account is ever created.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise Unavailable(f"PostgreSQL does not run as root, and none of the users {', '.join(CANDIDATES)} exists")


def reaches(account: Account, path: Path) -> bool:
    """Tell whether `account` may enter the folder, or run the program, at `path`."""
    asked = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', str(path)], cwd="/", check=False, **account.credentials)
    return asked.returncode == 0
