"""Tracker import over HTTP: nested payloads of 500 entities, `async=false`, against raw COPY of the same rows.

Each entity has 8 attributes, one enrollment and one event of 20 values. Our side is a hub in its own process, asked
over several connections: it keeps the bytes, parses, resolves, validates, writes, logs and reports. The ceiling copies
finished rows of other such payloads into the same tables, all indexes on, a commit per payload, one connection.
"""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from benchmarks.processor import spent
from benchmarks.running import running
from hub.demo.processes import HubProcess
from tracker_core import history, metadata
from tracker_core.copying import copy_rows
from tracker_core.database import Session, next_pks
from tracker_core.tracker.unique import folded
from tracker_core.uids import new_uid

ENTITIES, ATTRIBUTES, VALUES, CLIENTS = 500, 8, 20, 2
_JSON = {"content-type": "application/json"}
UNIT, PROGRAM, STAGE, PERSON = "OuBench0001", "PrBench0001", "PsBench0001", "TtBench0001"


@dataclass(frozen=True, slots=True)
class Rate:
    """What was measured: entities per second, ours and the ceiling's; and our processor time per entity, in µs."""

    ours: float
    ceiling: float
    hub: float
    database: float


def configuration() -> dict[str, Any]:
    """A program whose stage has 20 data elements of mixed types, for entities with 8 attributes."""
    kinds = ("NUMBER", "INTEGER", "TEXT", "BOOLEAN", "DATE")
    elements = [
        {"id": f"De{n:09d}", "name": f"Element {n}", "valueType": kinds[n % 5], "domainType": "TRACKER"}
        for n in range(VALUES)
    ]
    attributes = [{"id": f"Te{n:09d}", "name": f"Attribute {n}", "valueType": "TEXT"} for n in range(ATTRIBUTES)]
    held = [{"trackedEntityAttribute": {"id": a["id"]}, "mandatory": False} for a in attributes]
    placed = [{"dataElement": {"id": e["id"]}, "compulsory": False} for e in elements]
    return {
        "organisationUnits": [{"id": UNIT, "name": "Benchmark"}],
        "dataElements": elements,
        "trackedEntityAttributes": attributes,
        "trackedEntityTypes": [{"id": PERSON, "name": "Subject", "trackedEntityTypeAttributes": held}],
        "programStages": [{"id": STAGE, "name": "Visit", "repeatable": True, "programStageDataElements": placed}],
        "programs": [
            {
                "id": PROGRAM,
                "name": "Benchmark",
                "programType": "WITH_REGISTRATION",
                "trackedEntityType": {"id": PERSON},
                "programStages": [{"id": STAGE}],
                "organisationUnits": [{"id": UNIT}],
                "programTrackedEntityAttributes": held,
            }
        ],
    }


def payload(chance: random.Random) -> bytes:
    """One nested payload of 500 new entities."""
    return orjson.dumps({"trackedEntities": [_entity(chance) for _ in range(ENTITIES)]})


def _entity(chance: random.Random) -> dict[str, Any]:
    values = [
        lambda: f"{chance.uniform(0, 90):.1f}",
        lambda: str(chance.randrange(200)),
        lambda: f"word {chance.randrange(1000)}",
        lambda: chance.choice(("true", "false")),
        lambda: f"20{chance.randrange(10, 26)}-0{chance.randrange(1, 10)}-{chance.randrange(10, 29)}",
    ]
    event = {
        "event": new_uid(),
        "programStage": STAGE,
        "orgUnit": UNIT,
        "occurredAt": "2024-03-02",
        "status": "ACTIVE",
        "dataValues": [{"dataElement": f"De{n:09d}", "value": values[n % 5]()} for n in range(VALUES)],
    }
    enrollment = {
        "enrollment": new_uid(),
        "program": PROGRAM,
        "orgUnit": UNIT,
        "enrolledAt": "2024-03-01",
        "events": [event],
    }
    attributes = [{"attribute": f"Te{n:09d}", "value": f"Value {chance.randrange(10**6)}"} for n in range(ATTRIBUTES)]
    return {
        "trackedEntity": new_uid(),
        "trackedEntityType": PERSON,
        "orgUnit": UNIT,
        "attributes": attributes,
        "enrollments": [enrollment],
    }


def rows_of(session: Session, raw: bytes) -> list[tuple[str, dict[str, str], list[tuple[Any, ...]]]]:
    """Return table, columns and rows of the payload's objects."""
    known, at = metadata.load(session), datetime.now(UTC)
    type_, unit = known.entity_types[PERSON].pk, known.org_units[UNIT].pk
    program, stage = known.programs[PROGRAM].pk, known.stages[STAGE].pk
    docs = orjson.loads(raw)["trackedEntities"]
    pks = iter(next_pks(session, 3 * len(docs)))
    entities, attributes, enrollments, events = [], [], [], []
    stamps = (at, at, 0, 0)
    for doc in docs:
        entity, enrollment, event = next(pks), next(pks), next(pks)
        [enrolled] = doc["enrollments"]
        [happened] = enrolled["events"]
        entities.append((entity, doc["trackedEntity"], type_, unit, *stamps))
        for value in doc["attributes"]:
            text = value["value"]
            attributes.append((entity, known.attributes[value["attribute"]].pk, text, folded(text), at, at, 0))
        enrollments.append((enrollment, enrolled["enrollment"], entity, program, unit, at, *stamps))
        data = {value["dataElement"]: value["value"] for value in happened["dataValues"]}
        events.append((event, happened["event"], enrollment, entity, program, stage, unit, at, data, *stamps))
    keys = {"pk": "int8", "uid": "text"}
    times = {"created": "timestamptz", "updated": "timestamptz"}
    sets = {"created_in": "int8", "updated_in": "int8"}
    places = {"program": "int8", "org_unit": "int8"}
    return [
        ("tracked_entity", {**keys, "type": "int8", "org_unit": "int8", **times, **sets}, entities),
        (
            "attribute_value",
            {"entity": "int8", "attribute": "int8", "value": "text", "folded": "text", **times, "updated_in": "int8"},
            attributes,
        ),
        (
            "enrollment",
            {**keys, "entity": "int8", **places, "enrolled_at": "timestamptz", **times, **sets},
            enrollments,
        ),
        (
            "event",
            {
                **keys,
                **dict.fromkeys(("enrollment", "entity", "program", "stage", "org_unit"), "int8"),
                "occurred_at": "timestamptz",
                "data": "jsonb",
                **times,
                **sets,
            },
            events,
        ),
    ]


def measure(hub: HubProcess, url: str, payloads: int = 16) -> Rate:
    """Send `payloads` payloads over `CLIENTS` connections, then copy as many into the same database."""
    chance = random.Random(7)
    with psycopg.connect(url, options="-c timezone=UTC") as session:
        report = metadata.import_objects(session, history.open_change_set(session, actor="bench"), configuration())
        assert not report.errors, report.errors[:3]
    warm, work = [payload(chance) for _ in range(2)], [payload(chance) for _ in range(payloads)]
    send_all(hub, warm)
    before, begun = spent(hub), time.perf_counter()
    send_all(hub, work)
    seconds, used = time.perf_counter() - begun, spent(hub).since(before)
    count = ENTITIES * payloads
    ceiling = _copy_rate(url, [payload(chance) for _ in range(payloads)])
    return Rate(count / seconds, ceiling, used.hub / count * 1e6, used.database / count * 1e6)


def send_all(hub: HubProcess, work: Sequence[bytes]) -> None:
    """Import payloads, shared among `CLIENTS` connections; each must be stored whole."""

    def send(mine: Sequence[bytes]) -> None:
        with hub.client() as client:
            for raw in mine:
                answer = client.post("/api/tracker?async=false", content=raw, headers=_JSON)
                assert answer.status_code == 200, answer.text[:500]
                assert answer.json()["stats"]["created"] == 3 * ENTITIES

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(send, work[n::CLIENTS]) for n in range(CLIENTS)]:
            done.result()


def _copy_rate(url: str, work: Sequence[bytes]) -> float:
    with psycopg.connect(url, options="-c timezone=UTC") as session:
        prepared = [rows_of(session, raw) for raw in work]
        session.commit()
        begun = time.perf_counter()
        for tables in prepared:
            for table, columns, rows in tables:
                copy_rows(session, table, columns, rows)
            session.commit()
        return ENTITIES * len(work) / (time.perf_counter() - begun)


def main() -> None:
    """Measure a hub of its own and print the rates."""
    with running() as (hub, url):
        rate = measure(hub, url)
    share = rate.ours / rate.ceiling
    print(f"tracker import: {rate.ours:,.0f} entities/s; COPY of the same rows {rate.ceiling:,.0f}/s; {share:.0%}")
    print(f"processor time per entity: hub {rate.hub:.0f} µs, PostgreSQL {rate.database:.0f} µs")


if __name__ == "__main__":
    main()
