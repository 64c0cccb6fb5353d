"""A hub whose subscribers are on this machine, and a worker that does what there is to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from adapters.fhir.subscriptions.sending import Post, Ways
from adapters.outside import Outside
from hub import notifying, work
from hub.registry import adapters
from hub.runtime import Runtime
from tracker_core.database import Pool, transaction
from tracker_core.metadata import bootstrap

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
BASE = "https://hub.example/fhir"
TOPIC = "http://example.org/topics/observations"


@dataclass(slots=True)
class Subscriber:
    """An HTTP server that keeps what it was sent, and answers by `status` once it may (`answering`)."""

    status: int = 200
    answering: Event = field(default_factory=Event)
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        """Start listening."""
        made = self
        self.answering.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                made.got.append((self.command, self.path, headers, body))
                made.answering.wait(20)
                self.send_response(made.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/news"

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def subscriber() -> Any:
    """A subscriber."""
    made = Subscriber()
    yield made
    made.stop()


@pytest.fixture
def ways(subscriber: Subscriber) -> Ways:
    """How notices leave: to this machine, at the subscriber's port alone."""
    port = urlsplit(subscriber.url).port
    assert port is not None
    return Ways(Outside((ip_network("127.0.0.0/8"),), frozenset({port})), BASE, Post())


@pytest.fixture
def runtime(pool: Pool, tmp_path: Path, ways: Ways) -> Runtime:
    """A runtime with every registered format that tells subscribers in these ways."""
    with transaction(pool) as session:
        bootstrap(session)
    return Runtime(pool, adapters(ways), files=tmp_path, outside=ways.outside)


@pytest.fixture
def put(client: httpx.Client) -> Callable[..., None]:
    """A function that stores a resource under its own id."""

    def store(type_: str, id: str, **elements: Any) -> None:
        body = {"resourceType": type_, "id": id, **elements}
        answer = client.put(f"/fhir/{type_}/{id}", json=body)
        assert answer.status_code in (200, 201), answer.text

    return store


@pytest.fixture
def observe(put: Callable[..., None]) -> Callable[..., None]:
    """A function that stores an observation."""

    def store(id: str, code: str = "8310-5", status: str = "final") -> None:
        put("Observation", id, status=status, code={"coding": [{"system": "http://loinc.org", "code": code}]})

    return store


def subscription(endpoint: str, criteria: str = "Observation?code=8310-5", **channel: Any) -> dict[str, Any]:
    """Return a Subscription as a client asks for it."""
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "tests",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": endpoint, **channel},
    }


def of_topic(endpoint: str, content: str = "id-only", **channel: Any) -> dict[str, Any]:
    """Return a Subscription to the topic."""
    payload = {"payload": "application/fhir+json"}
    extension = {"_payload": {"extension": [{"url": f"{BACKPORT}payload-content", "valueCode": content}]}}
    return subscription(endpoint, TOPIC, **payload, **extension, **channel)


def topic(*parts: dict[str, Any], url: str = TOPIC) -> dict[str, Any]:
    """Return a topic on observations, with more parts of its trigger."""
    of = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic"
    trigger = [{"url": "resource", "valueUri": "http://hl7.org/fhir/StructureDefinition/Observation"}, *parts]
    coding = {"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}
    extensions = [{"url": f"{of}.url", "valueUri": url}, {"url": f"{of}.resourceTrigger", "extension": trigger}]
    return {"resourceType": "Basic", "code": {"coding": [coding]}, "extension": extensions}


def subscribed(client: httpx.Client, runtime: Runtime, wanted: dict[str, Any]) -> str:
    """Ask for a subscription, let it become active, and return its id."""
    made = client.post("/fhir/Subscription", json=wanted)
    assert made.status_code == 201, made.text
    settle(runtime)
    id: str = made.json()["id"]
    assert client.get(f"/fhir/Subscription/{id}").json()["status"] == "active"
    return id


def settle(runtime: Runtime) -> None:
    """Do what a worker does until there is nothing more to be done at once."""
    for _ in range(60):
        done = notifying.turn(runtime) + work.dispatch(runtime)
        for message in work.claim(runtime, "out", "tests", 10):
            work.send(runtime, message)
            done += 1
        if not done and not notifying.turn(runtime):
            return


def wait(pool: Pool, hours: float) -> None:
    """Let time pass for what waits: it is due, and so much older."""
    with transaction(pool) as session:
        session.execute(
            "update message set due = now(), created = created - make_interval(mins => %s) where state = 'waiting'",
            (int(hours * 60),),
        )
