"""The org unit tree with 100,000 units: import, tree queries as clients ask them, a move, a write beside it.

Run it as `python -m benchmarks.org_units URL` on an empty database. Times are of whole answers, from the request as the
face sees it to the bytes of the body; the socket is not in them.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from adapters.dhis2 import org_units as face
from adapters.dhis2.calls import Call, Reply, Serve
from adapters.dhis2.objects import reading
from hub import migrations
from hub.access import HubAccess
from hub.runtime import Runtime
from tracker_core import history, metadata, users
from tracker_core.context import User
from tracker_core.database import Pool, Session, open_pool, transaction

# How many units stand below each unit of a level, from the root down: 100,421 in all.
WIDTHS = (20, 20, 10, 24)
ROUNDS = 60
UNITS = "organisationUnits"
NAMES = ("Alder", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine", "Rowan", "Willow")


def tree() -> Iterator[dict[str, Any]]:
    """Yield the units, parents first."""
    number = 0
    above = [""]
    for level, width in enumerate((1, *WIDTHS), 1):
        below = []
        for parent in above:
            for _ in range(width):
                uid = f"Ou{number:09d}"
                name = f"{NAMES[number % len(NAMES)]} {level}-{number}"
                unit = {"id": uid, "code": f"OU_{number}", "name": name, "shortName": name, "openingDate": "2000-01-01"}
                yield {**unit, "parent": {"id": parent}} if parent else unit
                below.append(uid)
                number += 1
        above = below


def timed(work: Callable[[], Any]) -> float:
    """Return how many seconds `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ask(access: HubAccess, serve: Serve, query: str, **captured: str) -> Reply:
    """Send one request to the face as the user `nurse`, whose district has 4,000 units."""
    pairs = tuple((name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part))
    url = "http://hub.example/api/42/organisationUnits"
    user = User("UsNurse0001", "nurse", frozenset())
    reply = serve(access, Call("GET", "/api/42/organisationUnits", url, pairs, captured, b"", "", user))
    assert reply.status == 200
    return reply


def queries(chosen: random.Random) -> list[tuple[str, Serve, str, dict[str, str]]]:
    """Return what is asked in one round: what, by which function, with which parameters."""
    district = f"Ou{chosen.randrange(21, 421):09d}"
    word, number = chosen.choice(NAMES), chosen.randrange(500, 99_000)
    plain = "fields=id,displayName,path"
    return [
        ("first page by name", face.list_units, plain, {}),
        ("a level, second page", face.list_units, f"{plain}&level=4&page=2&pageSize=50", {}),
        ("page of 1,000 below a district", face.list_units, f"{plain}&filter=path:like:{district}&pageSize=1000", {}),
        ("search by name", face.list_units, f"{plain}&query={word}%20{number}&pageSize=15", {}),
        ("search in the user's scope", face.list_units,
         f"fields=id,path&query={word}&withinUserSearchHierarchy=true&pageSize=15", {}),
        ("the user's tree, two", face.list_units, f"{plain}&withinUserHierarchy=true&pageSize=2", {}),
        ("the user's units and below", face.list_units, f"{plain}&userOnly=true&includeDescendants=true", {}),
        ("children of a unit", face.list_units, f"{plain}&parent={district}&paging=false", {}),
        ("one unit with its children", face.read_unit, "includeChildren=true", {"uid": district}),
        ("children and sizes", reading.read_object, "fields=path,children[id,path,displayName,children::size]",
         {"uid": district, "type": UNITS}),
    ]  # fmt: skip


def percentile(times: list[float], share: float) -> float:
    """Return the time that `share` of the requests keep within, in milliseconds."""
    return sorted(times)[min(int(len(times) * share), len(times) - 1)] * 1000


def fill(pool: Pool) -> None:
    """Import the tree, and a user of one district."""
    docs = list(tree())
    with transaction(pool) as session:
        metadata.bootstrap(session)
        took = timed(partial(bring_in, session, {UNITS: docs}))
        users.create(session, "nurse", "benchmark", doc={UNITS: [{"id": "Ou000000005"}]})
    print(f"import of {len(docs):,} units: {took:.1f} s")
    with transaction(pool) as session:
        session.execute("analyze org_unit")
        print(f"first load of the snapshot: {timed(lambda: metadata.load(session)):.2f} s")


def bring_in(session: Session, payload: dict[str, Any]) -> None:
    """Import a payload."""
    metadata.import_objects(session, history.open_change_set(session, actor="benchmark"), payload)


def change(pool: Pool) -> None:
    """Write beside the tree and in it."""
    constant = {"constants": [{"id": "CoOne000001", "name": "One", "value": 1}]}
    moved = {UNITS: [next(d for d in tree() if d["id"] == "Ou000000007") | {"parent": {"id": "Ou000000008"}}]}
    for what, payload in (("a constant written", constant), ("a region of 5,000 units moved", moved)):
        with transaction(pool) as session:
            wrote = timed(partial(bring_in, session, payload))
        with transaction(pool) as session:
            loaded = timed(lambda: metadata.load(session))
        print(f"{what}: {wrote:.2f} s, the snapshot read after it: {loaded:.2f} s")


def main(url: str) -> None:
    """Fill the database at `url`, and print what takes how long."""
    migrations.upgrade(url)
    pool = open_pool(url, size=4)
    fill(pool)
    access = HubAccess(Runtime(pool, {}))
    chosen = random.Random(7)
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for what, serve, query, captured in queries(chosen):
            seconds = timed(partial(ask, access, serve, query, **captured))
            times.setdefault(what, []).append(seconds)
    for what, found in times.items():
        print(f"{what}: median {percentile(found, 0.5):.1f} ms, p95 {percentile(found, 0.95):.1f} ms")
    change(pool)
    pool.close()


if __name__ == "__main__":
    main(sys.argv[1])
