"""The published packages: in without an error, out as they came, and in again without a change."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.dhis2 import ADAPTER
from hub.access import HubAccess
from hub.runtime import Runtime
from tests.adapters.dhis2.conftest import Client, client_of
from tests.tracker_core.metadata.comparing import lost, owned
from tracker_core import metadata, users
from tracker_core.database import Pool, transaction

PACKAGES = ["CRVS_VE_2.39", "IMM_EIR_2.40", "MAL_CS_2.40", "NCD_HTN_2.38", "RMNCAH_ANC_2.37", "TB_CS_2.41"]
# In the order in which they lean on one another; DHIS2 itself needs the second one twice.
BASE = ["userGroups", "metadata", "metadata", "tracker_metadata", "userRoles", "programs_with_rules"]


@pytest.fixture
def fresh(pool: Pool) -> Client:
    """A client of a hub that holds nothing but what every hub does."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        users.create(session, "tester", "secret", ["ALL"])
    return client_of(HubAccess(Runtime(pool, {ADAPTER.name: ADAPTER})), ["ALL"])


def package(corpora: Path, name: str) -> dict[str, Any]:
    """Read one package."""
    raw = (corpora / "dhis2" / "metadata" / f"{name}.json.gz").read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(raw))
    return found


def brought(client: Client, payload: dict[str, Any]) -> dict[str, int]:
    """Import a package, which must be without an error, and return what it came to."""
    response = client.post("/api/metadata", json=payload)
    assert response.status_code == 200, response.text[:2000]
    stats: dict[str, int] = response.json()["response"]["stats"]
    return stats


def missing(client: Client, payload: dict[str, Any]) -> list[str]:
    """Return what of a package the export does not give back."""
    asked = {name: "true" for name, items in payload.items() if isinstance(items, list)}
    exported = client.get("/api/metadata", params=asked).json()
    gone = []
    for name in asked:
        found = {doc["id"]: doc for doc in exported.get(name, ())}
        for doc in payload[name]:
            if "default" in (doc.get("name"), doc.get("code")) or name == "users":
                continue
            known = found.get(doc["id"])
            gone += [f"{name} {doc['id']}"] if known is None else lost(owned(name, doc), known, f"{name} {doc['id']}")
    return gone


@pytest.mark.parametrize("name", PACKAGES)
def test_published_packages(fresh: Client, corpora: Path, name: str) -> None:
    """Every object comes back with every property that it owns; the second import has nothing to do."""
    payload = package(corpora, name)
    assert brought(fresh, payload)["created"] > 100
    assert missing(fresh, payload) == []
    again = brought(fresh, payload)
    assert (again["created"], again["updated"]) == (0, 0)


def test_the_base_set(fresh: Client, corpora: Path) -> None:
    """Files that need one another, in their order; links that stand alone are given back alone."""
    for name in BASE:
        payload = package(corpora, f"base_{name}")
        brought(fresh, payload)
        assert missing(fresh, payload) == [], name
        again = brought(fresh, payload)
        assert (again["created"], again["updated"]) == (0, 0), name
