"""FHIR clients for Node work against the server."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any


def run(folder: Path, script: str, base: str) -> dict[str, Any]:
    """Run a script against the server; return what it saw."""
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run([node, script, base], cwd=folder, timeout=120, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def test_fhir_kit_client(server: str, node: Path) -> None:
    """fhir-kit-client does every interaction it knows: CRUD, versions, patch, history, transaction, batch, pages."""
    assert run(node, "kit.mjs", server) == {
        "version": "4.0.1",
        "read": "Abara",
        "updated": "2",
        "first": "female",
        "patched": "other",
        "history": 3,
        "typeHistory": 3,
        "systemHistory": 3,
        "transaction": ["201 Created"] * 5,
        "batch": 1,
        "pages": [2, 2, 2],
        "gone": [410, "OperationOutcome"],
    }


def test_smart_client(server: str, node: Path) -> None:
    """SMART's client writes, follows pages to their end, and resolves references."""
    seen = run(node, "smart.mjs", server)
    assert seen == {"updated": "2", "patched": "other", "found": 3, "resolved": "Abara", "gone": 410}
