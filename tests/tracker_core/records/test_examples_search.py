"""Every official R4 example is found by every search parameter whose expression yields a value in it."""

import json
import random
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.tracker_core.records import oracle
from tracker_core import history, metadata, records
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.errors import HubError
from tracker_core.records.definitions import parameters


def examples(package: Path, share: int) -> list[dict[str, Any]]:
    """One in `share` of the examples, by a fixed seed."""
    chance = random.Random(402)
    with tarfile.open(package) as archive:
        chosen = []
        for member in archive:
            name = Path(member.name).name
            if name.endswith(".json") and not name.startswith((".", "package")) and chance.randrange(share) == 0:
                held = archive.extractfile(member)
                assert held is not None
                chosen.append(json.loads(held.read()))
    return chosen


def stored(session: Session, chosen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Store the examples in change sets of a hundred; return those that were taken."""
    taken = []
    for start in range(0, len(chosen), 100):
        part = chosen[start : start + 100]
        context = history.open_change_set(session, "examples")
        changes = [
            RecordChange(one["resourceType"], json.dumps(one).encode(), "put", id=one["id"], where=f"{n}")
            for n, one in enumerate(part)
        ]
        applied = records.apply(session, context, changes, atomic=False)
        kept = {one.where for one in applied.outcomes if one.action in ("created", "updated")}
        taken += [one for n, one in enumerate(part) if f"{n}" in kept]
    return taken


def missed(session: Session, document: dict[str, Any], checked: Counter[str]) -> list[str]:
    """Search a document by everything at once, and when that fails by each alone; return what does not find it."""
    wanted = [
        query for parameter in parameters(document["resourceType"]).values() for query in asked(document, parameter)
    ]
    for code, _ in wanted:
        checked[f"{document['resourceType']}.{code}"] += 1
    if not wanted or _finds(session, document, wanted):
        return []
    return [
        f"{document['resourceType']}/{document['id']}?{q}={v}"
        for q, v in wanted
        if not _finds(session, document, [(q, v)])
    ]


def asked(document: dict[str, Any], parameter: Any) -> list[tuple[str, str]]:
    """The oracle's queries, less those that ask for a text as long as no index entry is."""
    found = dict.fromkeys(oracle.queries(document, parameter))
    return [(key, value) for key, value in found if value.strip() and len(value) < 2_000]


def _finds(session: Session, document: dict[str, Any], wanted: list[tuple[str, str]]) -> bool:
    try:
        page = records.search(session, document["resourceType"], [*wanted, ("_id", document["id"])])
    except HubError:
        return False
    return not page.issues and len(page.matches) == 1


def check(session: Session, package: Path, share: int) -> Counter[str]:
    """Assert that nothing is missed; return how often each parameter was searched by."""
    metadata.bootstrap(session)
    checked: Counter[str] = Counter()
    misses = [text for one in stored(session, examples(package, share)) for text in missed(session, one, checked)]
    assert not misses, "\n".join(misses)
    return checked


def test_a_tenth_of_the_examples(session: Session, r4_examples: Path) -> None:
    """A tenth by a fixed seed: every parameter that yields a value finds its document."""
    checked = check(session, r4_examples, 10)
    assert checked.total() > 3_000
    assert len(checked) > 450


@pytest.mark.slow
def test_all_examples(session: Session, r4_examples: Path) -> None:
    """All of them."""
    checked = check(session, r4_examples, 1)
    assert checked.total() > 100_000
    assert len(checked) > 1_400
