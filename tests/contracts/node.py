"""Clients for Node: their packages installed beside a copy of our scripts, and the scripts run."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def installed(scripts: Path, name: str) -> Path:
    """Return a folder with `scripts` and the packages they need, kept between runs; skip where they cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here")
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tracker-hub" / name
    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts.iterdir():
        shutil.copy(script, folder)
    if not (folder / "node_modules").is_dir():
        asked = [
            npm,
            "ci" if (folder / "package-lock.json").is_file() else "install",
            "--silent",
            "--no-audit",
            "--no-fund",
        ]
        done = subprocess.run(asked, cwd=folder, timeout=200, check=False, capture_output=True)
        if done.returncode:
            pytest.skip("the Node packages cannot be had here")
    return folder


def run(folder: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Run a script; return what it saw, which it prints as its last line."""
    node = shutil.which("node")
    assert node is not None
    command = [node, script, *arguments]
    done = subprocess.run(command, cwd=folder, timeout=120, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen
