"""Case reports over 100,000 coded diagnoses: first run, run without news, late edit, submission, drill-down.

The bare count is the last step alone: the collected facts of the month grouped in one SELECT, nothing compared,
written or kept. Run it as `python -m benchmarks.aggregate_run URL` on an empty database.

Measured on two cores with PostgreSQL 18 and other work on the same cores (load average 1 to 2): 100,000 Condition
records of 20,000 persons at 100 org units over a year; the month has 14,242 countings in 2,492 cells. Median of three:

    derive facts from all records     19.85 s    once; 5,000 conditions a second
    first run of a month               0.30 s    slowest 0.47
    the bare count                     0.02 s
    run without news                   0.17 s
    one late edit to new number        0.07 s
    submission                         0.04 s
    its view                           0.01 s
    why, one number                 <= 0.01 s

The plan of the run, looked at once: the month by a bitmap scan of `diagnosis_place`, code ranges by a join filter over
those rows only, persons by hash joins; 126 ms of the run.
"""

import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import orjson
import psycopg

from hub import migrations
from tracker_core import aggregates, history, metadata, peers
from tracker_core.aggregates import blueprint, cases, definitions, facts, frames, reports, runs
from tracker_core.database import Session, next_pks
from tracker_core.records.definitions import resource_types

PERSONS, CASES, UNITS = 20_000, 100_000, 100
MONTH = "202403"
CODES = ("B50.9", "B54", "J18.9", "A09", "I10", "E11.9")
REPORT = {
    "code": "BENCH",
    "dataSet": "BENCH_M",
    "source": {"kind": "diagnoses", "count": "conditions", "place": "visit"},
    "groups": [
        {"dataElement": "B_MALARIA", "codes": ["B50-B54"]},
        {"dataElement": "B_PNEUMONIA", "codes": ["J12-J18"]},
        {"dataElement": "B_DIARRHOEA", "codes": ["A00-A09"]},
        {"dataElement": "B_ALL", "codes": ["A00-Z99"]},
    ],
    "age": {"category": "benchAge", "options": ["P0Y--P1Y", "P1Y--P5Y", "P5Y--P15Y", "P15Y--P50Y", "P50Y--P9999Y"]},
    "sex": {"category": "benchSex", "options": ["M", "F"]},
}


def fill(session: Session) -> list[int]:
    """Write org units, persons, visits and conditions; return the pks of the persons."""
    chance = random.Random(7)
    metadata.bootstrap(session)
    context = history.open_change_set(session, "benchmark")
    definition, _ = definitions.parse(REPORT)
    assert definition is not None
    units = [
        {"id": f"Unit{n:07d}", "code": f"U{n}", "name": f"Unit {n}", "openingDate": "2000-01-01"} for n in range(UNITS)
    ]
    kinds = [{"id": "MCPQUTHX1Ze", "name": "Person"}]
    payload = {"organisationUnits": units, "trackedEntityTypes": kinds, **blueprint.metadata_of(definition)}
    assert not metadata.import_objects(session, context, payload).errors
    assert not reports.save(session, context, REPORT)
    people = next_pks(session, PERSONS)
    session.execute(
        "insert into tracked_entity (pk, uid, type, org_unit, created, updated, created_in, updated_in)"
        " select p, 'P' || lpad(p::text, 10, '0'), (select pk from metadata_object where uid = 'MCPQUTHX1Ze'),"
        " (select min(pk) from org_unit), now(), now(), %s, %s from unnest(%b::bigint[]) p",
        (context.change_set, context.change_set, people),
    )
    first = date(1940, 1, 1)
    documents: list[tuple[str, str, int, dict[str, Any]]] = [
        ("Patient", f"p{p}", p, {"birthDate": str(first + timedelta(chance.randrange(30_000))), "gender": sex})
        for p, sex in zip(people, chance.choices(("male", "female"), k=PERSONS), strict=True)
    ]
    for n in range(CASES):
        person, day = chance.choice(people), date(2024, 1, 1) + timedelta(chance.randrange(366))
        provider = {"identifier": {"value": f"U{chance.randrange(UNITS)}"}}
        documents.append(("Encounter", f"v{n}", person, {"period": {"start": str(day)}, "serviceProvider": provider}))
        coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": chance.choice(CODES)}
        document = {"code": {"coding": [coding]}, "encounter": {"reference": f"Encounter/v{n}"}}
        documents.append(("Condition", f"c{n}", person, document))
    _copy(session, context.change_set, documents)
    session.commit()
    session.autocommit = True
    session.execute("vacuum analyze")
    session.autocommit = False
    return people


def _copy(session: Session, change_set: int, documents: list[tuple[str, str, int, dict[str, Any]]]) -> None:
    types, pks = resource_types(), next_pks(session, len(documents))
    fields = "(pk, type, id, version, updated, subject, created, created_in, updated_in)"
    with session.cursor().copy(f"copy record {fields} from stdin") as copy:
        for pk, (type, id, subject, _) in zip(pks, documents, strict=True):
            copy.write_row((pk, types[type], id, 1, "now", subject, "now", change_set, change_set))
    with session.cursor().copy("copy record_version (pk, version, updated, change_set, doc) from stdin") as copy:
        for pk, (_, id, _, document) in zip(pks, documents, strict=True):
            copy.write_row((pk, 1, "now", change_set, orjson.dumps({"id": id, **document})))


def timed(label: str, work: Callable[[], Any]) -> Any:
    """Do `work`, print how long it took, return what it gave."""
    start = time.perf_counter()
    result = work()
    print(f"{label:34}{time.perf_counter() - start:7.2f} s")
    return result


def late_edit(session: Session, person: int) -> None:
    """Add one case and take it in."""
    context = history.open_change_set(session, "benchmark")
    visit = {"period": {"start": "2024-03-15"}, "serviceProvider": {"identifier": {"value": "U1"}}}
    coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "B54"}
    name = f"late{context.change_set}"
    document = {"code": {"coding": [coding]}, "encounter": {"reference": f"Encounter/{name}"}}
    _copy(session, context.change_set, [("Encounter", name, person, visit), ("Condition", name, person, document)])
    aggregates.follow(session, context)


def bare(session: Session) -> None:
    """Count the month's facts without writing anything."""
    report = reports.load(session, "BENCH")
    frame = frames.bind(metadata.load(session), report.definition)
    period = runs.parse_period(MONTH)
    cases.collect(session, report.definition, frame, period.start, period.end, None)
    start = time.perf_counter()
    session.execute(
        "select element, combo, org_unit, count(distinct unit) from case_member group by 1, 2, 3"
    ).fetchall()
    print(f"{'the bare count':34}{time.perf_counter() - start:7.2f} s")


def main(url: str) -> None:
    """Run on the empty database at `url`."""
    migrations.upgrade(url)
    with psycopg.connect(url) as session:
        people = fill(session)
        timed("derive facts from all records", lambda: facts.rebuild(session))
        session.execute("analyze diagnosis")
        session.execute("update report_progress set horizon = pg_current_xact_id()")

        def run() -> Any:
            return aggregates.run(session, history.open_change_set(session, "benchmark"), "BENCH", MONTH)

        result = timed("first run of a month", run)
        print(f"{result.cells} cells, {result.cases} counted, left out {result.left_out}")
        session.commit()
        bare(session)
        timed("run without news", run)
        session.commit()
        timed("one late edit to new number", lambda: late_edit(session, people[5]))
        session.commit()
        ministry = peers.save(session, "ministry", "aggregate")
        context = history.open_change_set(session, "benchmark")
        submission = timed("submission", lambda: aggregates.submit(session, context, ministry, "BENCH", MONTH))
        timed("its view", lambda: aggregates.report_view(session, submission))
        timed("why, one number", lambda: aggregates.why(session, result.changed[0], submission))


if __name__ == "__main__":
    main(sys.argv[1])
