"""Signs of life of processes without an HTTP port: a file whose time says when they last did something."""

import tempfile
import time
from pathlib import Path

STALE_SECONDS = 60.0
PROCESSES = ("worker", "beat")


def show(process: str) -> None:
    """Say that this machine's process of the kind `worker` or `beat` is alive now."""
    _file(process).touch()


def is_shown(process: str) -> bool:
    """Tell whether it did so within the last minute."""
    try:
        return time.time() - _file(process).stat().st_mtime < STALE_SECONDS
    except FileNotFoundError:
        return False


def _file(process: str) -> Path:
    return Path(tempfile.gettempdir(), f"tracker-hub-{process}.alive")
