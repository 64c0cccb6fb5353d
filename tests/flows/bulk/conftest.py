"""A hub with a folder for files, and records to export."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from hub import bulk
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tracker_core.database import Pool, transaction
from tracker_core.metadata import bootstrap

ASYNC = {"prefer": "respond-async"}


@pytest.fixture
def runtime(pool: Pool, tmp_path: Path) -> Runtime:
    """A runtime with every registered format and a folder for files."""
    with transaction(pool) as session:
        bootstrap(session)
    return Runtime(pool=pool, adapters=ADAPTERS, files=tmp_path)


@pytest.fixture
def put(client: httpx.Client) -> Callable[..., None]:
    """A function that stores a resource under its own id."""

    def store(type_: str, id: str, **elements: Any) -> None:
        body = {"resourceType": type_, "id": id, **elements}
        assert client.put(f"/fhir/{type_}/{id}", json=body).status_code in (200, 201)

    return store


@pytest.fixture
def ward(put: Callable[..., None]) -> None:
    """Two patients with an observation each, an organization of nobody's, and a group of one of the two."""
    put("Organization", "clinic", name="Clinic")
    for name in ("ada", "bayo"):
        put("Patient", name, name=[{"family": name.title()}], gender="female")
        code = {"coding": [{"system": "http://loinc.org", "code": "8310-5" if name == "ada" else "8867-4"}]}
        put("Observation", f"of-{name}", status="final", code=code, subject={"reference": f"Patient/{name}"})
    members = [{"entity": {"reference": "Patient/ada"}}, {"entity": {"reference": "Patient/bayo"}, "inactive": True}]
    put("Group", "half", type="person", actual=True, member=members)


def work(runtime: Runtime) -> None:
    """Let the worker do all that is to be done."""
    while bulk.turn(runtime):
        pass


def exported(client: httpx.Client, runtime: Runtime, path: str, **parameters: str) -> dict[str, Any]:
    """Ask for an export, let it be done, and return its manifest."""
    begun = client.get(path, params=parameters, headers=ASYNC)
    assert begun.status_code == 202, begun.text
    work(runtime)
    done = client.get(begun.headers["content-location"])
    assert done.status_code == 200, done.text
    manifest: dict[str, Any] = done.json()
    return manifest


def lines(client: httpx.Client, manifest: dict[str, Any], kind: str = "output") -> list[dict[str, Any]]:
    """Return the documents in the files of a manifest."""
    found = []
    for one in manifest[kind]:
        got = client.get(one["url"])
        assert got.headers["content-type"] == "application/fhir+ndjson"
        read = [orjson.loads(line) for line in got.content.splitlines()]
        assert len(read) == one["count"]
        found += read
    return found


def names(documents: list[dict[str, Any]]) -> list[str]:
    """Return the references of documents, sorted."""
    return sorted(f"{one['resourceType']}/{one['id']}" for one in documents)
