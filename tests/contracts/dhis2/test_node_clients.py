"""Clients for Node that others wrote, against the running hub: create, update, get and upsert."""

import json
from pathlib import Path

import pytest

from tests.contracts import node
from tests.contracts.dhis2.conftest import PASSWORD, Hub, child


@pytest.fixture(scope="session")
def folder() -> Path:
    """Our scripts with their packages."""
    return node.installed(Path(__file__).parent / "node", "dhis2-clients")


def test_the_engine_of_dhis2s_own_apps(hub: Hub, folder: Path) -> None:
    """A session by login, then queries and mutations as the Capture app makes them; refusals are read from bodies."""
    seen = node.run(folder, "engine.mjs", hub.url, "admin", PASSWORD, json.dumps(child()))
    assert seen == {
        "outside": [401, None],
        "login": "SUCCESS",
        "me": "admin",
        "created": 3,
        "values": ["Test", "Updated", "Upserted"],
        "untouched": True,
        "stats": [1, 1],
        "again": "access",
        "missing": ["unknown", 404],
        "gone": ["unknown", 404],
        "stored": 201,
        "kept": {"colour": "blue"},
        "file": "form.pdf",
    }


def test_a_typed_client(hub: Hub, folder: Path) -> None:
    """Metadata by import and by list, persons by import, page with totals, and job."""
    sent = child()
    seen = node.run(folder, "typed.mjs", hub.url, "admin", PASSWORD, json.dumps(sent))
    assert seen == {
        "user": "admin",
        "imported": ["OK", 1],
        "changed": ["OK", 1],
        "objects": [{"id": "deTypedAaaa", "shortName": "Changed"}],
        "created": 3,
        "found": [sent["trackedEntity"]],
        "total": 1,
        "job": "TrackerJob",
    }
