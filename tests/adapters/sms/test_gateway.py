"""Sending over a real socket: acceptance, refusals, absence, and never twice."""

import socket

import pytest

from adapters.contract import Outgoing
from adapters.sms import ADAPTER
from adapters.sms.gateway import send
from tests.adapters.sms.conftest import Gateway
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported

TEXT = Outgoing(b'{"to": "+260955123456", "text": "Hello"}', "application/json", "TH7", "reminder")


def test_text_is_accepted(gateway: Gateway) -> None:
    """A 2xx answer is an acceptance; key, content type and credentials go along."""
    receipt = send(TEXT, gateway.peer(headers={"X-Route": "b"}))
    assert (receipt.accepted, receipt.answer) == (True, b'{"messages": [{"status": "queued"}]}')
    headers, body = gateway.requests[0]
    assert body == TEXT.body
    assert headers["Idempotency-Key"] == "TH7"
    assert headers["authorization"] == "Bearer s3cret"
    assert (headers["content-type"], headers["X-Route"]) == ("application/json", "b")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [("basic", "Authorization", "Basic czNjcmV0Og=="), ("X-Api-Key", "X-Api-Key", "s3cret")],
)
def test_gateways_authenticate_their_own_way(gateway: Gateway, auth: str, header: str, value: str) -> None:
    """Basic authentication and key headers are a matter of settings."""
    send(TEXT, gateway.peer(auth=auth, body="form"))
    headers = {name.casefold(): text for name, text in gateway.requests[0][0].items()}
    assert headers[header.casefold()] == value
    assert headers["content-type"] == "application/x-www-form-urlencoded"


def test_no_secret_means_no_credentials(gateway: Gateway) -> None:
    """A gateway within the house may ask for none."""
    send(TEXT, Peer(1, "sms", "x", "sms", gateway.address, {}))
    assert "authorization" not in {name.casefold() for name in gateway.requests[0][0]}


def test_refusal_is_final(gateway: Gateway) -> None:
    """A 4xx answer is a refusal with its text."""
    gateway.faults = [(400, b"no such number")]
    receipt = send(TEXT, gateway.peer())
    assert not receipt.accepted
    assert receipt.issues[0].text == "the gateway refused the text: 400 no such number"


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_busy_gateway_is_asked_again(gateway: Gateway, status: int) -> None:
    """Server faults and rate limits are retried."""
    gateway.faults = [(status, b"")]
    with pytest.raises(Unavailable, match=str(status)):
        send(TEXT, gateway.peer())


def test_settings_say_what_success_is(gateway: Gateway) -> None:
    """A gateway that answers 200 to everything is judged by its body."""
    success = {"statuses": [200], "path": "result.0.status", "values": ["ok"], "again": ["throttled"]}
    gateway.faults = [
        (200, b'{"result": [{"status": "ok"}]}'),
        (200, b'{"result": [{"status": "blocked"}]}'),
        (200, b"not json"),
        (202, b'{"result": [{"status": "ok"}]}'),
        (200, b'{"result": [{"status": "throttled"}]}'),
    ]
    peer = gateway.peer(success=success)
    assert [send(TEXT, peer).accepted for _ in range(4)] == [True, False, False, False]
    with pytest.raises(Unavailable, match="throttled"):
        send(TEXT, peer)


def test_retry_never_texts_twice(gateway: Gateway) -> None:
    """The gateway texted and hung up before answering: the retry carries the same key."""
    gateway.hang_up = 1
    with pytest.raises(Unavailable):
        send(TEXT, gateway.peer())
    assert send(TEXT, gateway.peer()).accepted
    assert len(gateway.requests) == 2
    assert list(gateway.texted) == ["TH7"]


def test_absent_gateway_is_unavailable() -> None:
    """Nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        with pytest.raises(Unavailable, match="cannot be reached"):
            send(TEXT, Peer(1, "sms", "x", "sms", address, {"timeout": 0.5}))


@pytest.mark.parametrize("address", [None, "ftp://x/", "http://x:port/"])
def test_wrong_address_is_not_retried(address: str | None) -> None:
    """A peer without a usable address is misconfigured."""
    with pytest.raises(Unsupported):
        send(TEXT, Peer(1, "sms", "x", "sms", address, {}))


def test_adapter_is_complete() -> None:
    """The format offers both directions."""
    assert ADAPTER.name == "sms"
    assert ADAPTER.send is send
