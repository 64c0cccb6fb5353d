"""Plain R4 subscriptions over HTTP: what is told, in which shape, and what becomes of a subscriber in trouble."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from hub.runtime import Runtime
from tests.flows.subscriptions.conftest import Subscriber, settle, subscribed, subscription, wait
from tracker_core.database import Pool, transaction

ROOT = Path(__file__).parents[3]
WORKER = """
import sys
from ipaddress import ip_network
from adapters.fhir.subscriptions.sending import Ways
from adapters.outside import Outside
from hub import work
from hub.registry import adapters
from hub.runtime import Runtime
from tracker_core.database import open_pool
ways = Ways(Outside((ip_network("127.0.0.0/8"),), frozenset({int(sys.argv[2])})))
runtime = Runtime(open_pool(sys.argv[1], 2), adapters(ways))
work.dispatch(runtime)
for message in work.claim(runtime, "out", "dead", 10):
    work.send(runtime, message)
"""


def test_without_payload(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """Each change of what matches calls the endpoint, with the headers asked for and no body."""
    observe("before")
    subscribed(client, runtime, subscription(subscriber.url, header=["Authorization: Bearer x", "X-A: 1", "X-A: 2"]))
    observe("one")
    observe("other", code="8867-4")
    observe("one", status="amended")
    settle(runtime)
    assert [(method, path, body) for method, path, _, body in subscriber.got] == [("POST", "/news", b"")] * 2
    assert subscriber.got[0][2]["authorization"] == "Bearer x"
    assert subscriber.got[0][2]["x-a"] in ("1", "2")


def test_with_payload(
    client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """With a payload each version is put below the endpoint, to the byte as it was, also when it is not the last."""
    subscribed(client, runtime, subscription(subscriber.url, payload="application/fhir+json"))
    observe("one")
    observe("one", status="amended")
    assert client.delete("/fhir/Observation/one").status_code == 204
    settle(runtime)
    assert [(method, path) for method, path, _, _ in subscriber.got] == [("PUT", "/news/Observation/one")] * 2
    assert [orjson.loads(body)["status"] for *_, body in subscriber.got] == ["final", "amended"]
    assert subscriber.got[1][3] == client.get("/fhir/Observation/one/_history/2").content
    assert subscriber.got[0][2]["content-type"] == "application/fhir+json"


def test_xml(client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]) -> None:
    """A payload of XML is XML."""
    subscribed(client, runtime, subscription(subscriber.url, payload="application/fhir+xml"))
    observe("one")
    settle(runtime)
    assert subscriber.got[0][3].startswith(b"<?xml")


def test_an_hour_of_silence(
    client: httpx.Client, runtime: Runtime, pool: Pool, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """A subscriber that is down for an hour gets every event once and in order; its record tells how it was."""
    id = subscribed(client, runtime, subscription(subscriber.url, payload="application/fhir+json"))
    subscriber.status = 503
    observe("e0")
    settle(runtime)
    told = client.get(f"/fhir/Subscription/{id}").json()
    assert (told["status"], told["error"]) == ("error", "the endpoint answered 503")
    for number in range(1, 30):
        observe(f"e{number}")
        if number % 5 == 0:
            wait(pool, 1 / 6)
            settle(runtime)
    tried = len(subscriber.got)
    assert {path for _, path, _, _ in subscriber.got} == {"/news/Observation/e0"}
    subscriber.status = 200
    wait(pool, 0)
    settle(runtime)
    assert [path for _, path, _, _ in subscriber.got[tried:]] == [f"/news/Observation/e{n}" for n in range(30)]
    told = client.get(f"/fhir/Subscription/{id}").json()
    assert told["status"] == "active"
    assert "error" not in told


def test_a_worker_that_dies(
    client: httpx.Client,
    runtime: Runtime,
    pool: Pool,
    database_url: str,
    subscriber: Subscriber,
    observe: Callable[..., None],
) -> None:
    """A worker killed while the endpoint has its notice leaves the next one to send the very same again, in order."""
    subscribed(client, runtime, subscription(subscriber.url, payload="application/fhir+json"))
    observe("one")
    observe("two")
    subscriber.answering.clear()
    port = str(urlsplit(subscriber.url).port)
    command = [sys.executable, "-c", WORKER, database_url, port]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    while not subscriber.got:
        assert worker.poll() is None
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    subscriber.answering.set()
    with transaction(pool) as session:
        session.execute("update message set lease_until = now() where leased_by = 'dead'")
    settle(runtime)
    assert [path for _, path, _, _ in subscriber.got] == [f"/news/Observation/{id}" for id in ("one", "one", "two")]
    assert subscriber.got[0][3] == subscriber.got[1][3]


def test_giving_up_and_going_on(
    client: httpx.Client, runtime: Runtime, pool: Pool, subscriber: Subscriber, observe: Callable[..., None]
) -> None:
    """After three days it is off; requested again, it goes on where it was."""
    wanted = subscription(subscriber.url, payload="application/fhir+json")
    id = subscribed(client, runtime, wanted)
    subscriber.status = 500
    for name in ("one", "two"):
        observe(name)
    settle(runtime)
    wait(pool, 73)
    settle(runtime)
    assert client.get(f"/fhir/Subscription/{id}").json()["status"] == "off"
    observe("meanwhile")
    subscriber.status = 200
    assert client.put(f"/fhir/Subscription/{id}", json={**wanted, "id": id}).status_code == 200
    tried = len(subscriber.got)
    settle(runtime)
    observe("three")
    settle(runtime)
    assert [path[-3:] for _, path, _, _ in subscriber.got[tried:]] == ["one", "two", "ree"]
    assert client.get(f"/fhir/Subscription/{id}").json()["status"] == "active"


def test_gone(client: httpx.Client, runtime: Runtime, subscriber: Subscriber, observe: Callable[..., None]) -> None:
    """An endpoint that says it is gone switches the subscription off."""
    id = subscribed(client, runtime, subscription(subscriber.url))
    subscriber.status = 410
    observe("one")
    settle(runtime)
    told = client.get(f"/fhir/Subscription/{id}").json()
    assert (told["status"], told["error"]) == ("off", "the endpoint answered 410: it is gone")


@pytest.mark.parametrize("how", ["off", "delete", "end", "owner"])
def test_the_end(
    client: httpx.Client, runtime: Runtime, pool: Pool, subscriber: Subscriber, observe: Callable[..., None], how: str
) -> None:
    """Nothing is told after it is switched off, deleted, over, or when its owner may not log in any more."""
    wanted = subscription(subscriber.url)
    client.auth = httpx.BasicAuth("nurse", "also-secret-enough")
    id = subscribed(client, runtime, wanted)
    client.auth = httpx.BasicAuth("admin", "secret-enough")
    if how == "off":
        assert client.put(f"/fhir/Subscription/{id}", json={**wanted, "id": id, "status": "off"}).status_code == 200
    elif how == "delete":
        assert client.delete(f"/fhir/Subscription/{id}").status_code == 204
    elif how == "end":
        ended = {**wanted, "id": id, "end": "2020-01-01T00:00:00Z"}
        assert client.put(f"/fhir/Subscription/{id}", json=ended).status_code == 200
    else:
        with transaction(pool) as session:
            session.execute("update user_account set disabled = true where username = 'nurse'")
    observe("one")
    settle(runtime)
    assert subscriber.got == []
    if how != "delete":
        assert client.get(f"/fhir/Subscription/{id}").json()["status"] == "off"


def test_refusals(client: httpx.Client) -> None:
    """A subscription that cannot be followed is refused at the element that is wrong, and nothing is stored."""
    for wrong in ("Observation?nothing=1", "Observation?date=zz99", "http://example.org/no-topic"):
        refused = client.post("/fhir/Subscription", json=subscription("http://x", wrong))
        assert refused.status_code in (400, 404), refused.text
        assert refused.json()["issue"][0]["expression"] == ["Subscription.criteria"]
    assert client.get("/fhir/Subscription", params={"_summary": "count"}).json()["total"] == 0


def test_private_places(client: httpx.Client, runtime: Runtime, observe: Callable[..., None]) -> None:
    """An endpoint at an address or port that may not be reached is never called; the record says why."""
    for url in ("http://10.0.0.1/x", "http://169.254.169.254/latest", "http://127.0.0.1:1/x"):
        made = client.post("/fhir/Subscription", json=subscription(url)).json()
        settle(runtime)
        observe("one", status="final" if "10." in url else "amended" if "169" in url else "corrected")
        settle(runtime)
        told = client.get(f"/fhir/Subscription/{made['id']}").json()
        assert told["status"] == "off"
        assert "reached" in told["error"]
        assert client.delete(f"/fhir/Subscription/{made['id']}").status_code == 204
