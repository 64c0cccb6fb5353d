"""Synthetic patients of another maker, whole, through the running hub: nothing lost, nothing changed."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.runtime import Runtime
from tracker_core.database import transaction


@pytest.mark.timeout(300)
def test_every_synthea_bundle_is_applied_whole(client: httpx.Client, runtime: Runtime, corpora: Path) -> None:
    """Each of 22 bundles is answered entry by entry, each entry is stored once and read back as it was sent."""
    files = sorted((corpora / "fhir" / "synthea").glob("*.json.gz"), key=lambda path: not path.name.startswith("0-"))
    sent = 0
    for path in files:
        raw = gzip.decompress(path.read_bytes())
        response = client.post("/fhir", content=raw, headers={"content-type": "application/fhir+json"})
        assert response.status_code == 200, f"{path.name}: {response.text[:300]}"
        entries, answers = parse(raw)["entry"], response.json()["entry"]
        assert [answer["response"]["status"][:3] for answer in answers] == ["201"] * len(entries)
        sent += len(entries)
        for entry, answer in list(zip(entries, answers, strict=True))[::200]:
            assert clinical(read(client, answer)) == clinical(entry["resource"])
    with transaction(runtime.pool) as session:
        [stored] = session.execute("select count(*) from record where version > 0 and not deleted").fetchall()
        parked = session.execute("select count(*) from message where state <> 'done'").fetchone()
    assert stored == (sent,)
    assert parked == (0,)


def parse(raw: bytes) -> Any:
    """JSON with decimals as they are written."""
    return json.loads(raw, parse_float=Decimal)


def read(client: httpx.Client, answer: dict[str, Any]) -> Any:
    """The resource that an entry of a response points to."""
    location = answer["response"]["location"].split("/_history")[0]
    return parse(client.get(f"/fhir/{location.removeprefix('/fhir/')}").content)


def clinical(node: Any) -> Any:
    """A resource without what a server puts its own into: id, version data and where references lead."""
    if isinstance(node, dict):
        own = ("id", "meta", "reference") if "resourceType" in node else ("reference",)
        return {key: clinical(value) for key, value in node.items() if key not in own}
    if isinstance(node, list):
        return [clinical(value) for value in node]
    return str(node) if isinstance(node, Decimal) else node
