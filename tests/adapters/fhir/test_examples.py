"""Every official R4 example: taken, served back digit for digit, and the same after a way through XML."""

import json
import random
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.fhir import xml
from tests.adapters.fhir.test_bundles import bundle
from tracker_core.records import documents

# Examples that are no valid R4: an element that is required is missing, a code ends in a blank, an id is too long.
REFUSED = 15
Example = tuple[str, bytes]


def examples(package: Path, share: int) -> Iterator[Example]:
    """One in `share` of the examples, by a fixed seed."""
    chance = random.Random(401)
    with tarfile.open(package) as archive:
        for member in archive:
            wanted = member.name.endswith(".json") and not member.name.endswith("/package.json")
            if wanted and chance.randrange(share) == 0:
                held = archive.extractfile(member)
                assert held is not None
                yield Path(member.name).name, held.read()


def digits(document: bytes) -> Any:
    """A document with every number as it was written, without what is the server's own."""
    held = documents.open_exactly(document)
    for member in ("versionId", "lastUpdated"):
        held.get("meta", {}).pop(member, None)
    if not held.get("meta"):
        held.pop("meta", None)
    return json.loads(json.dumps(held, default=lambda number: {"number": number.text}))


def put_all(client: httpx.Client, chosen: list[Example]) -> dict[str, str]:
    """Put examples under their ids; return those that were refused, with the reason."""
    refused: dict[str, str] = {}
    for name, raw in chosen:
        held = json.loads(raw)
        place = f"/{held['resourceType']}/{held['id']}"
        answer = client.put(place, content=raw, headers={"Prefer": "return=minimal"}, timeout=60)
        if not answer.is_success:
            refused[name] = answer.text
            continue
        back = client.get(place, timeout=60)
        assert digits(back.content) == digits(raw), name
    return refused


def check(client: httpx.Client, package: Path, share: int) -> int:
    """Send, read back and carry through XML; return how many were refused."""
    chosen = list(examples(package, share))
    refused = put_all(client, chosen)
    unequal = [name for name, raw in chosen if documents.open_exactly(raw) != carried(raw)]
    assert not unequal
    sys.stdout.write(f"R4 examples: {len(chosen) - len(refused)} of {len(chosen)} taken; refused: {refused}\n")
    assert all('"required"' in why or '"code-invalid"' in why or '"value"' in why for why in refused.values())
    return len(refused)


def carried(raw: bytes) -> Any:
    """A document that went to XML and came back."""
    return documents.open_exactly(xml.read(xml.write(raw)))


def test_a_tenth_of_the_examples(client: httpx.Client, r4_examples: Path) -> None:
    """One example in ten, always the same ones."""
    assert check(client, r4_examples, 10) <= REFUSED


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_all_examples(client: httpx.Client, r4_examples: Path) -> None:
    """All 5,306."""
    assert check(client, r4_examples, 1) == REFUSED


def test_examples_within_a_batch(client: httpx.Client, r4_examples: Path) -> None:
    """Examples of many types go in as one batch, too."""
    held = [json.loads(raw) for _, raw in examples(r4_examples, 100)]
    chosen = {f"{one['resourceType']}/{one['id']}": one for one in held}
    entries = [{"resource": one, "request": {"method": "PUT", "url": place}} for place, one in chosen.items()]
    answer = client.post("/", json=bundle("batch", *entries), timeout=60)
    taken = [one["response"]["status"][:3] for one in answer.json()["entry"]]
    assert taken.count("201") >= len(taken) - 3
