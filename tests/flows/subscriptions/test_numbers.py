"""Events under their numbers when many write and several dispatch at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import orjson

from hub import work
from hub.runtime import Runtime
from tests.flows.subscriptions.conftest import Subscriber, subscribed, subscription
from tracker_core import history, records
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Pool, Session, transaction

WRITERS, RECORDS, VERSIONS = 4, 6, 4


def test_every_version_is_an_event_once(
    client: httpx.Client, runtime: Runtime, pool: Pool, subscriber: Subscriber
) -> None:
    """Numbers have no gaps, every version has one, and versions of a record have theirs in their order.

    Of all that waits, the queue holds a few notices only.
    """
    subscribed(client, runtime, subscription(subscriber.url, "Observation?status=final"))
    written = Event()

    def write(writer: int) -> None:
        with httpx.Client(base_url=client.base_url, auth=("admin", "secret-enough"), timeout=60) as own:
            for version in range(VERSIONS):
                for record in range(RECORDS):
                    body = {"resourceType": "Observation", "id": f"o{record}", "status": "final",
                            "code": {"text": f"{writer} {version}"}}  # fmt: skip
                    assert own.put(f"/fhir/Observation/o{record}", json=body).status_code in (200, 201)

    def dispatch(_: int) -> None:
        while not written.is_set():
            work.dispatch(runtime, 3)

    with ThreadPoolExecutor(WRITERS + 2) as threads:
        writing = [threads.submit(write, number) for number in range(WRITERS)]
        dispatching = [threads.submit(dispatch, number) for number in range(2)]
        for one in writing:
            one.result()
        written.set()
        for one in dispatching:
            one.result()
    work.dispatch(runtime)
    with transaction(pool) as session:
        assert session.execute("select count(*) from message where direction = 'out'").fetchone() == (20,)
        rows = session.execute("select number, record, version from subscription_event order by number").fetchall()
    expected = WRITERS * RECORDS * VERSIONS
    assert [number for number, _, _ in rows] == list(range(1, expected + 1))
    for record in {pk for _, pk, _ in rows}:
        versions = [version for _, pk, version in rows if pk == record]
        assert versions == list(range(1, len(versions) + 1))


def test_versions_go_before_those_they_were_waited_for_by(
    client: httpx.Client, runtime: Runtime, pool: Pool, subscriber: Subscriber
) -> None:
    """Of change sets whose numbers are crosswise to their versions, the earlier version is told first."""
    subscribed(client, runtime, subscription(subscriber.url, "Observation?status=final"))
    with transaction(pool) as waiting:
        late = history.open_change_set(waiting, "test")
        for text in ("one", "two"):
            with transaction(pool) as passing:
                _put(passing, history.open_change_set(passing, "test"), text)
        _put(waiting, late, "three")
    for _ in range(3):
        work.dispatch(runtime, 1)
    with transaction(pool) as session:
        rows = session.execute("select number, version from subscription_event order by number").fetchall()
    assert rows == [(1, 1), (2, 2), (3, 3)]


def _put(session: Session, context: Context, text: str) -> None:
    body = orjson.dumps({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": text}})
    applied = records.apply(session, context, [RecordChange("Observation", body, "put", id="o")])
    assert not applied.issues
