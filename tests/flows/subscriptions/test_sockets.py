"""Websocket subscriptions: R4's bind and ping, the Backport IG's tokens and bundles."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from hub.runtime import Runtime
from tests.flows.subscriptions.conftest import BACKPORT, TOPIC, settle, subscribed, subscription, topic
from tests.flows.subscriptions.test_topics import parts
from tracker_core.database import transaction

ADMIN = ("admin", "secret-enough")
NURSE = ("nurse", "also-secret-enough")


def wanted(criteria: str = "Observation?code=8310-5", **channel: Any) -> dict[str, Any]:
    """Return a Subscription by socket."""
    made = subscription("", criteria, **channel)
    made["channel"].pop("endpoint")
    return {**made, "channel": {**made["channel"], "type": "websocket"}}


@contextmanager
def socket(client: httpx.Client, login: tuple[str, str] | None = ADMIN) -> Iterator[ClientConnection]:
    """A socket, logged in or not, at the address that the server tells."""
    told = client.get("/fhir/metadata").json()["rest"][0]["extension"][0]["valueUri"]
    headers = {"authorization": "Basic " + base64.b64encode(":".join(login).encode()).decode()} if login else {}
    with connect(told, additional_headers=headers) as opened:
        yield opened


def said(opened: ClientConnection, text: str) -> str:
    """Send a text and return the answer."""
    opened.send(text)
    return str(opened.recv(timeout=10))


def heard(opened: ClientConnection) -> str:
    """Return what comes next that is no heartbeat."""
    while True:
        text = str(opened.recv(timeout=10))
        if not text.startswith("{") or parts(text.encode())["type"] != "heartbeat":
            return text


def test_bind_and_ping(client: httpx.Client, runtime: Runtime, observe: Callable[..., None]) -> None:
    """A bound socket is pinged for each event, and for nothing else."""
    id = subscribed(client, runtime, wanted())
    with socket(client) as opened:
        assert said(opened, f"bind {id}") == f"bound {id}"
        observe("one")
        observe("other", code="8867-4")
        observe("two")
        settle(runtime)
        assert [opened.recv(timeout=10) for _ in range(2)] == [f"ping {id}"] * 2
        with pytest.raises(TimeoutError):
            opened.recv(timeout=1)


def test_who_may_bind(client: httpx.Client, runtime: Runtime) -> None:
    """Nobody binds what is not theirs, is not there, or has another channel."""
    id = subscribed(client, runtime, wanted())
    hook = client.post("/fhir/Subscription", json=subscription("http://hub.example")).json()["id"]
    for login, name in ((NURSE, id), (None, id), (ADMIN, "none"), (ADMIN, hook)):
        with socket(client, login) as opened:
            assert said(opened, f"bind {name}") == "error: nothing of yours is bound by bind"
    with socket(client) as opened:
        assert said(opened, "hello").startswith("error: hello")
        assert said(opened, "bind-with-token made-up") == "error: nothing of yours is bound by bind-with-token"


def test_tokens(client: httpx.Client, runtime: Runtime, observe: Callable[..., None]) -> None:
    """A token binds without a login, once; notices come as bundles, heartbeats when nothing happens."""
    assert client.post("/fhir/Basic", json=topic()).status_code == 201
    content = {"extension": [{"url": f"{BACKPORT}payload-content", "valueCode": "full-resource"}]}
    beat = [{"url": f"{BACKPORT}heartbeat-period", "valueUnsignedInt": 1}]
    id = subscribed(client, runtime, wanted(TOPIC, _payload=content, extension=beat))
    assert client.get(f"/fhir/Subscription/{id}/$get-ws-binding-token", auth=NURSE).status_code == 403
    given = client.get(f"/fhir/Subscription/{id}/$get-ws-binding-token").json()["parameter"]
    token = given[0]["valueString"]
    assert given[3]["valueUrl"].endswith("/fhir/websocket")
    with socket(client, None) as opened:
        assert parts(said(opened, f"bind-with-token {token}").encode())["type"] == "handshake"
        observe("one")
        settle(runtime)
        notice = heard(opened)
        assert parts(notice.encode())["events"][0][0] == "1"
        assert client.get("/fhir/Observation/one").text in notice
        assert parts(str(opened.recv(timeout=10)).encode())["type"] == "heartbeat"
        opened.send(f"bind-with-token {token}")
        assert heard(opened).startswith("error")
    with transaction(runtime.pool) as session:
        assert session.execute("select count(*) from subscription_token").fetchone() == (0,)


def test_tokens_that_are_refused(client: httpx.Client, runtime: Runtime) -> None:
    """There is no token for nothing, for what is not there, and for another channel."""
    hook = client.post("/fhir/Subscription", json=subscription("http://hub.example")).json()["id"]
    assert client.get("/fhir/Subscription/$get-ws-binding-token").status_code == 400
    assert client.get("/fhir/Subscription/none/$get-ws-binding-token").status_code == 404
    assert client.get(f"/fhir/Subscription/{hook}/$get-ws-binding-token").status_code == 400
