"""Imports of metadata: a large package in, again, out, and the snapshot read anew; an option set of 10,000 options.

Run it as `python -m benchmarks.metadata_imports URL [package.json.gz …]` on an empty database. Without a package it
invents one of the size of the largest in circulation: one program, 500 rules, 700 actions, 600 data elements, 6,000
options. Times are of the core's work in one transaction, without HTTP.
"""

import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from hub import migrations
from tracker_core import history, metadata
from tracker_core.database import Pool, Session, open_pool, transaction
from tracker_core.metadata import snapshot

RULES, ACTIONS, ELEMENTS, SETS, OPTIONS, STAGES, LARGE = 500, 700, 600, 60, 100, 12, 10_000
Payload = dict[str, Any]


def uid(kind: str, number: int) -> str:
    """An invented uid."""
    return f"{kind}{number:0{11 - len(kind)}d}"


def invented() -> Payload:
    """Return a package of one large program."""
    program = {"id": uid("Pr", 0)}
    return {
        "optionSets": [{"id": uid("Os", n), "name": f"Set {n}", "valueType": "TEXT"} for n in range(SETS)],
        "options": [_option(n, n // OPTIONS) for n in range(SETS * OPTIONS)],
        "dataElements": [
            {"id": uid("De", n), "name": f"Element {n}", "shortName": f"E {n}", "valueType": "TEXT"}
            | {"optionSet": {"id": uid("Os", n % SETS)}}
            for n in range(ELEMENTS)
        ],
        "programs": [{**program, "name": "Large", "shortName": "Large", "programType": "WITHOUT_REGISTRATION"}],
        "programStages": [_stage(n, program) for n in range(STAGES)],
        "programRules": [{"id": uid("Ru", n), "name": f"Rule {n}", "program": program} for n in range(RULES)],
        "programRuleActions": [
            {"id": uid("Ra", n), "programRuleActionType": "SHOWERROR", "programRule": {"id": uid("Ru", n % RULES)}}
            | {"dataElement": {"id": uid("De", n % ELEMENTS)}}
            for n in range(ACTIONS)
        ],
    }


def _option(number: int, owner: int) -> Payload:
    named = {"id": uid("Op", number), "code": f"C{number}", "name": f"Option {number}", "sortOrder": number}
    return {**named, "optionSet": {"id": uid("Os", owner)}}


def _stage(number: int, program: Payload) -> Payload:
    placed = ELEMENTS // STAGES
    links = [{"dataElement": {"id": uid("De", number * placed + n)}, "sortOrder": n} for n in range(placed)]
    named = {"id": uid("Ps", number), "name": f"Stage {number}", "program": program}
    return {**named, "programStageDataElements": links}


def large_set() -> Payload:
    """Return one option set of 10,000 options."""
    owner = uid("Ol", 0)
    options = [{**_option(SETS * OPTIONS + n, 0), "optionSet": {"id": owner}} for n in range(LARGE)]
    return {"optionSets": [{"id": owner, "name": "Large set", "valueType": "TEXT"}], "options": options}


def timed(pool: Pool, work: Callable[[Session], Any]) -> float:
    """Return how many seconds `work` takes in a transaction of its own."""
    with transaction(pool) as session:
        begun = time.perf_counter()
        work(session)
        return time.perf_counter() - begun


def _bring(payload: Payload) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        report = metadata.import_objects(session, history.open_change_set(session, actor="benchmark"), payload)
        if report.errors:
            raise SystemExit(f"refused: {report.errors[0].text}")

    return work


def _export(session: Session) -> bytes:
    known = metadata.load(session)
    return orjson.dumps({type: [found.doc for found in held.values()] for type, held in known.objects.items()})


def _read_anew(session: Session) -> None:
    known = metadata.load(session)
    snapshot.read(session, known.version, known.places)


def main() -> None:
    """Measure and print."""
    url, *files = sys.argv[1:]
    migrations.upgrade(url)
    pool = open_pool(url, size=2)
    with transaction(pool) as session:
        metadata.bootstrap(session)
    packages = {Path(file).name: orjson.loads(gzip.decompress(Path(file).read_bytes())) for file in files}
    for name, payload in {**(packages or {"invented": invented()}), "10,000 options": large_set()}.items():
        first, again = timed(pool, _bring(payload)), timed(pool, _bring(payload))
        print(f"{name}: import {first:.2f} s, again {again:.2f} s")  # a benchmark prints
    print(f"export of everything {timed(pool, _export):.2f} s")  # a benchmark prints
    print(f"snapshot read anew {timed(pool, _read_anew):.2f} s")  # a benchmark prints
    pool.close()


if __name__ == "__main__":
    main()
