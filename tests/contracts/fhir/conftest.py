"""A FHIR server on a real socket for clients that others wrote, and Node's packages where they can be had."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.adapters.fhir.conftest import client, server

__all__ = ["client", "node", "server"]

SCRIPTS = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of the Node scripts with their packages installed, kept between runs, or a skip."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here")
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tracker-hub" / "fhir-clients"
    folder.mkdir(parents=True, exist_ok=True)
    for script in SCRIPTS.iterdir():
        shutil.copy(script, folder)
    if not (folder / "node_modules").is_dir():
        asked = [npm, "install", "--silent", "--no-audit", "--no-fund"]
        done = subprocess.run(asked, cwd=folder, timeout=200, check=False, capture_output=True)
        if done.returncode:
            pytest.skip("the Node packages cannot be had here")
    return folder
