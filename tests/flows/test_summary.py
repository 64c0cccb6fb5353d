"""Summaries of synthetic persons, validated against the International Patient Summary as published."""

import gzip
from pathlib import Path

import httpx

from adapters.fhir.validating.worlds import world
from hub.guides.loading import load_guide
from hub.runtime import Runtime
from tracker_core.database import transaction
from tracker_core.profiles import validate
from tracker_core.records import documents

PERSONS = 3


def test_summaries_conform_to_the_published_guide(
    client: httpx.Client, runtime: Runtime, corpora: Path, ips_package: Path
) -> None:
    """The documents of whole histories have no error against the guide; one that loses a section has."""
    with transaction(runtime.pool) as session:
        load_guide(session, ips_package.read_bytes(), "tester")
    folder = corpora / "fhir/synthea"
    small = sorted(folder.glob("[!0]*.json.gz"), key=lambda path: path.stat().st_size)[:PERSONS]
    for path in [*sorted(folder.glob("0-*.json.gz")), *small]:
        sent = client.post("/fhir", content=gzip.decompress(path.read_bytes()))
        assert sent.status_code == 200, sent.text[:500]
    found = client.get("/fhir/Patient", params={"_elements": "id"}).json()["entry"]
    summaries = [client.get(f"/fhir/Patient/{one['resource']['id']}/$summary") for one in found]
    assert len(summaries) == PERSONS
    read = [documents.decode(one.content) for one in summaries]
    with transaction(runtime.pool) as session:
        used = world(session, stored=False)
        wrong = [[one for one in issues if one.severity == "error"] for issues in validate(used, read)]
        assert wrong == [[], [], []]
        del read[0]["entry"][0]["resource"]["section"][0]
        broken = [one for one in validate(used, read[:1])[0] if one.severity == "error"]
    assert broken != []
