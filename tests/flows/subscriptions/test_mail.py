"""Subscriptions by mail, through a real mail server."""

import base64
import email
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from adapters.fhir.subscriptions.sending import Post, Ways
from hub.runtime import Runtime
from tests.conftest import free_port
from tests.flows.subscriptions.conftest import Subscriber, settle, subscribed, subscription


class Inbox:
    """Keeps the mails that come in; with `answer`, refuses them."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answer = ""

    async def handle_RCPT(  # noqa: N802 - the name that the server calls
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take a recipient, or not."""
        if not self.answer:
            envelope.rcpt_tos.append(address)
        return self.answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Keep a mail."""
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def inbox() -> Inbox:
    """What came in."""
    return Inbox()


@pytest.fixture
def mail_server(inbox: Inbox) -> Iterator[Controller]:
    """A mail server."""
    controller = Controller(inbox, "127.0.0.1", free_port())
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def ways(subscriber: Subscriber, mail_server: Controller) -> Ways:
    """Notices leave by the mail server."""
    return replace(Ways(), post=Post("127.0.0.1", mail_server.port, "hub@hub.example"))


def by_mail(**channel: Any) -> dict[str, Any]:
    """Return a Subscription by mail."""
    made = subscription("mailto:nurse@ward.example", **channel)
    return {**made, "channel": {**made["channel"], "type": "email"}}


def test_mails(client: httpx.Client, runtime: Runtime, inbox: Inbox, observe: Callable[..., None]) -> None:
    """Each event is a mail, with the record attached where a payload was asked for."""
    subscribed(client, runtime, by_mail())
    id = subscribed(client, runtime, by_mail(payload="application/fhir+json", header=["Reply-To: lab@ward.example"]))
    observe("one")
    settle(runtime)
    assert [mail["To"] for mail in inbox.mails] == ["nurse@ward.example"] * 2
    (whole,) = [mail for mail in inbox.mails if f"Subscription/{id}" in str(mail["Subject"])]
    assert (whole["From"], whole["Reply-To"]) == ("hub@hub.example", "lab@ward.example")
    _, attached = whole.get_payload()  # type: ignore[misc]
    assert attached.get_content_type() == "application/fhir+json"  # type: ignore[union-attr]
    found = base64.b64decode(attached.get_payload())  # type: ignore[union-attr,arg-type]
    assert found == client.get("/fhir/Observation/one").content


def test_refused_recipients(client: httpx.Client, runtime: Runtime, inbox: Inbox, observe: Callable[..., None]) -> None:
    """A recipient whom the mail server refuses switches the subscription off; a busy server is asked again."""
    id = subscribed(client, runtime, by_mail())
    inbox.answer = "451 later"
    observe("one")
    settle(runtime)
    assert client.get(f"/fhir/Subscription/{id}").json()["status"] in ("error", "off")
    inbox.answer = "550 nobody of this name"
    other = subscribed(client, runtime, by_mail())
    observe("two")
    settle(runtime)
    told = client.get(f"/fhir/Subscription/{other}").json()
    assert (told["status"], told["error"]) == ("off", "the mail server refuses nurse@ward.example")
