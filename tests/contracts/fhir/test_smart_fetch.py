"""smart-fetch, a public client for bulk exports, gets everything out of a hub and resumes by time."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.demo.processes import PASSWORD, HubProcess

PACKAGE = "smart-fetch==1.0.3"
pytestmark = pytest.mark.slow  # its packages take 250 MB


@pytest.fixture(scope="module")
def command() -> Path:
    """The client's program, installed once beside everything else, or a skip."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tracker-hub" / PACKAGE
    program = folder / "bin" / "smart-fetch"
    if not program.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False, capture_output=True)
        asked = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", PACKAGE]
        if made.returncode or subprocess.run(asked, check=False, capture_output=True, timeout=280).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip("smart-fetch cannot be had here")
    return program


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub in a process of its own, its worker included."""
    made = HubProcess("exported", tmp_path_factory.mktemp("hub") / "data")
    made.start()
    made.wait()
    yield made
    made.stop()


def fetched(command: Path, hub: HubProcess, folder: Path, *options: str) -> dict[str, list[dict[str, object]]]:
    """Let the client export; return what its files hold, by the beginning of their names."""
    secret = folder.with_suffix(".secret")
    secret.write_text(PASSWORD)
    asked = [command, "bulk", "--fhir-url", f"{hub.url}/fhir", "--basic-user", "admin", "--basic-passwd", secret]
    done = subprocess.run([*asked, *options, folder], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted(folder.rglob("*.ndjson*")):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found.setdefault(path.name.partition(".")[0], []).extend(json.loads(line) for line in text.splitlines())
    return found


def put(client: httpx.Client, type_: str, id: str, **elements: object) -> None:
    """Store a resource."""
    body = {"resourceType": type_, "id": id, **elements}
    assert client.put(f"/fhir/{type_}/{id}", json=body).status_code in (200, 201)


def test_smart_fetch(hub: HubProcess, command: Path, tmp_path: Path) -> None:
    """The whole server, a group, and what changed since with what was deleted."""
    with hub.client() as client:
        for name in ("ada", "bayo"):
            put(client, "Patient", name, gender="female")
            put(client, "Condition", f"of-{name}", subject={"reference": f"Patient/{name}"}, code={"text": "fever"})
        put(client, "Group", "half", type="person", actual=True, member=[{"entity": {"reference": "Patient/ada"}}])
    kinds = ("--type", "Patient,Condition")
    whole = fetched(command, hub, tmp_path / "whole", *kinds)
    assert sorted(one["id"] for one in whole["Patient"]) == ["ada", "bayo"]
    assert sorted(one["id"] for one in whole["Condition"]) == ["of-ada", "of-bayo"]
    half = fetched(command, hub, tmp_path / "half", *kinds, "--group", "half")
    assert [one["id"] for one in half["Patient"]] == ["ada"]
    with hub.client() as client:
        since = client.get("/fhir/Patient/bayo").json()["meta"]["lastUpdated"]
        put(client, "Patient", "chi", gender="male")
        assert client.delete("/fhir/Condition/of-ada").status_code == 204
    later = fetched(command, hub, tmp_path / "later", *kinds, "--since", since)
    assert sorted(str(one["id"]) for one in later["Patient"]) == ["bayo", "chi"]
    assert "of-ada" not in {one["id"] for one in later.get("Condition", [])}
