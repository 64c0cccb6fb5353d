"""Tracker imports under stress: many clients at once, workers that die, payloads of thousands."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from adapters.contract import Envelope
from adapters.dhis2 import ADAPTER
from benchmarks import tracker_import as bench
from hub.access import HubAccess
from hub.runtime import Runtime
from hub.worker import run_inbound
from tests.flows.faces import ADMIN, as_user
from tests.samples.metadata import country
from tracker_core import history, metadata, users
from tracker_core.database import Pool, open_pool, transaction
from tracker_core.errors import Unavailable
from tracker_core.uids import new_uid

SYNC = {"async": "false"}
JSON = {"content-type": "application/json"}
NATIONAL_ID = "Ewi7FUfcHAD"
WORKER = """
import sys
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.worker import run_inbound
from tracker_core.database import open_pool
run_inbound(Runtime(open_pool(sys.argv[1], 2), ADAPTERS), "doomed")
"""


@pytest.fixture
def access(pool: Pool) -> HubAccess:
    """The way in, over the invented country and the benchmark's program, with an administrator."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        for payload in (country(), bench.configuration()):
            metadata.import_objects(session, history.open_change_set(session, actor="system"), payload)
        users.create(session, "admin", "secret", ["ALL"])
    return HubAccess(Runtime(pool, {ADAPTER.name: ADAPTER}))


@pytest.fixture
def base(access: HubAccess, serve_http: Callable[[ASGIApp], str]) -> str:
    """The URL of the DHIS2 face on a real socket."""
    assert ADAPTER.face is not None
    return serve_http(Starlette(routes=list(ADAPTER.face.routes(access)), middleware=[Middleware(as_user)]))


def person(uid: str, value: str) -> dict[str, Any]:
    """A new person with a national id."""
    named = [{"attribute": "sB1IHYu2xQT", "value": "Ada"}, {"attribute": NATIONAL_ID, "value": value}]
    return {"trackedEntity": uid, "trackedEntityType": "MCPQUTHX1Ze", "orgUnit": "OuClinicA00", "attributes": named}


def counted(pool: Pool) -> tuple[int, int, int]:
    """How many entities, enrollments and events are stored."""
    with transaction(pool) as session:
        row = session.execute(
            "select (select count(*) from tracked_entity), (select count(*) from enrollment), count(*) from event"
        ).fetchone()
    assert row is not None
    return row


def test_fifty_clients_register_one_unique_value(base: str, pool: Pool) -> None:
    """Exactly one wins; all others are told E1064 and leave nothing behind."""

    def register(number: int) -> httpx.Response:
        payload = {"trackedEntities": [person(new_uid(), "ID-7" if number % 2 else "id-7")]}
        with httpx.Client(base_url=base, timeout=60) as client:
            return client.post("/api/tracker", json=payload, params=SYNC)

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(register, range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    refused = [answer.json()["validationReport"]["errorReports"] for answer in answers if answer.status_code == 409]
    assert {report["errorCode"] for reports in refused for report in reports} == {"E1064"}
    assert counted(pool) == (1, 0, 0)


def test_clients_that_change_one_person_lose_nothing(base: str, pool: Pool) -> None:
    """Concurrent updates of different attributes of one person all arrive."""
    with httpx.Client(base_url=base, timeout=60) as client:
        assert client.post(
            "/api/tracker", json={"trackedEntities": [person("TeShared001", "1")]}, params=SYNC
        ).is_success
    attributes = {"sB1IHYu2xQT": "Eve", "ENRjVGxVL6l": "Ode", "fctSQp5nAYl": "+25670012345", "A6Hb0Kvg4vb": "Hill"}

    def change(attribute: str) -> int:
        payload = {
            **person("TeShared001", "1"),
            "attributes": [{"attribute": attribute, "value": attributes[attribute]}],
        }
        with httpx.Client(base_url=base, timeout=60) as client:
            return client.post("/api/tracker", json={"trackedEntities": [payload]}, params=SYNC).status_code

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(change, attributes)) == [200] * 4
    with httpx.Client(base_url=base, timeout=60) as client:
        found = client.get("/api/tracker/trackedEntities/TeShared001").json()
    assert attributes.items() <= {a["attribute"]: a["value"] for a in found["attributes"]}.items()


def test_sessions_that_die_leave_all_or_nothing(access: HubAccess, pool: Pool, database_url: str) -> None:
    """A job whose database sessions are killed at random moments is done in the end, once, and never in part."""
    chance = random.Random(11)
    access.queue(
        "dhis2", bench.payload(chance), Envelope("application/json", "POST", "/api/tracker"), ADMIN, "JoKilled001"
    )
    stopping, seen = Event(), set()

    def kill() -> None:
        with psycopg.connect(database_url, autocommit=True, application_name="killer") as admin:
            while not stopping.is_set():
                time.sleep(chance.uniform(0.05, 0.4))
                admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                    " and application_name = 'tracker-hub' and state <> 'idle' and query ilike 'copy%'"
                )
                seen.add(admin.execute("select count(*) from tracked_entity").fetchone())

    killer = Thread(target=kill)
    killer.start()
    for _ in range(5):
        own = open_pool(database_url, 2)
        try:
            run_inbound(Runtime(own, {ADAPTER.name: ADAPTER}), "worker")
        except Unavailable:
            pass
        finally:
            own.close()
        with transaction(pool) as session:
            session.execute("update message set lease_until = null, due = now() where state = 'waiting'")
    stopping.set()
    killer.join()
    run_inbound(access.runtime, "worker")
    assert counted(pool) == (500, 500, 500)
    assert {row[0] for row in seen if row} <= {0, 500}


def test_a_worker_that_is_killed_leaves_its_job_to_the_next(access: HubAccess, pool: Pool, database_url: str) -> None:
    """SIGKILL in the middle of an import: nothing of it is stored until another worker does all of it."""
    envelope = Envelope("application/json", "POST", "/api/tracker")
    access.queue("dhis2", bench.payload(random.Random(12)), envelope, ADMIN, "JoKilled002")
    doomed = subprocess.Popen([sys.executable, "-c", WORKER, database_url], env=dict(os.environ))
    claimed = "select from message where leased_by = 'doomed' or state <> 'waiting'"
    with psycopg.connect(database_url, autocommit=True) as session:
        while session.execute(claimed).fetchone() is None and doomed.poll() is None:
            time.sleep(0.01)
        time.sleep(random.Random().uniform(0, 0.2))
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        assert counted(pool)[0] in (0, 500)
        session.execute("update message set lease_until = now() - interval '1 second' where state = 'waiting'")
    run_inbound(access.runtime, "next")
    assert counted(pool) == (500, 500, 500)


@pytest.mark.slow
def test_ten_thousand_entities_arrive_whole(base: str, pool: Pool) -> None:
    """Generated persons with enrollments and events over HTTP: all are stored, and samples come back as they were."""
    chance = random.Random(13)
    sent = []
    with httpx.Client(base_url=base, timeout=120) as client:
        for _ in range(20):
            raw = bench.payload(chance)
            assert (
                client.post("/api/tracker", content=raw, params=SYNC, headers=JSON).json()["stats"]["created"] == 1500
            )
            sent += chance.sample(orjson.loads(raw)["trackedEntities"], 3)
        assert counted(pool) == (10_000, 10_000, 10_000)
        for entity in sent:
            path = f"/api/tracker/trackedEntities/{entity['trackedEntity']}"
            found = client.get(path, params={"program": bench.PROGRAM, "fields": "*"}).json()
            [enrolled], [event] = entity["enrollments"], entity["enrollments"][0]["events"]
            stored = found["enrollments"][0]
            assert stored["enrollment"] == enrolled["enrollment"]
            values = {v["dataElement"]: v["value"] for v in stored["events"][0]["dataValues"]}
            assert values == {v["dataElement"]: v["value"] for v in event["dataValues"]}


@pytest.mark.slow
def test_a_hundred_thousand_rows_with_one_fault_are_refused_whole(base: str, pool: Pool) -> None:
    """One wrong reference among 100,000 events is found, named with DHIS2's code, and nothing is stored."""
    event = {"programStage": "PsWater0000", "orgUnit": "OuClinicA00", "occurredAt": "2024-01-01"}
    events = [{"event": new_uid(), **event} for _ in range(100_000)]
    events[77_777]["orgUnit"] = "Nowhere0001"
    with httpx.Client(base_url=base, timeout=300) as client:
        answer = client.post("/api/tracker", content=orjson.dumps({"events": events}), params=SYNC, headers=JSON)
    [error] = answer.json()["validationReport"]["errorReports"]
    assert (answer.status_code, error["errorCode"], error["uid"]) == (409, "E1011", events[77_777]["event"])
    assert answer.json()["stats"]["ignored"] == 100_000
    assert counted(pool) == (0, 0, 0)
