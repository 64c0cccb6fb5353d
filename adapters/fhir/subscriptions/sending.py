"""Send notices: over HTTP to a subscriber's endpoint, or as mail. Subscribers are peers of a format of their own."""

import smtplib
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import orjson

from adapters import outside
from adapters.contract import Adapter, Envelope, Identity, Outgoing, Reading, Receipt, Sender, View
from adapters.fhir import xml
from adapters.fhir.subscriptions.bundles import notice
from adapters.outside import Outside
from tracker_core.context import Peer
from tracker_core.errors import Conflict, Forbidden, Unavailable, Unsupported
from tracker_core.subscriptions.following import FORMAT

_GONE = 410
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Post:
    """The mail server that notices go through, and the address they come from."""

    host: str = ""
    port: int = 25
    sender: str = "tracker-hub@localhost"


@dataclass(frozen=True, slots=True)
class Ways:
    """How notices leave: where they may go, what they call this hub, and by which mail server."""

    outside: Outside = field(default_factory=Outside)
    base: str = "http://127.0.0.1:8080/fhir"
    post: Post = field(default_factory=Post)


def adapter(ways: Ways) -> Adapter:
    """Return the format of subscribers: it is only ever sent."""

    def write(view: View, _sender: Sender, _control_id: str) -> tuple[str, bytes]:
        return view.type, _body(view, ways.base)

    def send(outgoing: Outgoing, peer: Peer) -> Receipt:
        if peer.settings.get("channel") == "email":
            return _mail(ways.post, outgoing, peer)
        return _call(ways.outside, outgoing, peer)

    return Adapter(
        name=FORMAT,
        content_types=("application/fhir+json",),
        identify=lambda _raw, _envelope: Identity(),
        parse=_nothing_comes_in,
        read=lambda _document, _sender: Reading(),
        answer=lambda _raw, _envelope, _report, _error: b"",
        write=write,
        render=_render,
        send=send,
    )


def _nothing_comes_in(_raw: bytes, _envelope: Envelope) -> Any:
    raise Unsupported("subscribers send nothing here")


def _body(view: View, base: str) -> bytes:
    """Return what is told: a bundle to topic subscribers; of plain R4 ones the record itself, or nothing."""
    if view.kind != "notification":
        raise Unsupported(f"a {view.kind} is no notice")
    values = view.values
    if values["content"]:
        return notice(values, base)
    doc: bytes = values["events"][0]["doc"] if values["payload"] and values["events"] else b""
    return doc


def _render(document: tuple[str, bytes], sender: Sender) -> bytes:
    body = document[1]
    wanted = str(sender.peer.settings.get("content_type", ""))
    return xml.write(body, pretty=False) if body and wanted.endswith("xml") else body


def _call(where: Outside, outgoing: Outgoing, peer: Peer) -> Receipt:
    """Call the endpoint. Whatever is not a yes is tried again: what is wrong over there may be put right.

    Raises `Unavailable` for that, `Forbidden` for an endpoint that may not be reached, `Conflict` when it is gone.
    """
    method, _, path = outgoing.type.partition(" ")
    method, path = (method, path) if method in ("PUT", "POST") else ("POST", "")
    url = f"{(peer.address or '').rstrip('/')}/{path}" if path else peer.address or ""
    headers: dict[str, str | list[str]] = {"content-type": outgoing.content_type} if outgoing.body else {}
    for line in orjson.loads(peer.secret or "[]"):
        name, _, value = line.partition(":")
        known = headers.setdefault(name.strip(), [])
        headers[name.strip()] = [*([known] if isinstance(known, str) else known), value.strip()]
    seconds = float(peer.settings.get("timeout", 10))
    with outside.request(where, method, url, headers=headers, content=outgoing.body, seconds=seconds) as response:
        status = response.status_code
    if status == _GONE:
        raise Conflict("the endpoint answered 410: it is gone")
    if not 200 <= status < 300:
        raise Unavailable(f"the endpoint answered {status}")
    return Receipt(accepted=True)


def _mail(post: Post, outgoing: Outgoing, peer: Peer) -> Receipt:
    """Send the notice as a mail; one that is sent again has the same Message-ID."""
    if not post.host:
        raise Forbidden("this hub has no mail server")
    mail = EmailMessage()
    mail["From"], mail["To"] = post.sender, peer.address
    mail["Subject"] = f"{peer.name}: {outgoing.type}"
    mail["Message-ID"] = f"<{outgoing.control_id}@{post.sender.rpartition('@')[2]}>"
    for line in orjson.loads(peer.secret or "[]"):
        name, _, value = line.partition(":")
        if name.strip() not in mail:
            mail[name.strip()] = value.strip()
    mail.set_content(f"There is news for {peer.name}.\n")
    if outgoing.body:
        main, _, sub = outgoing.content_type.partition("/")
        mail.add_attachment(outgoing.body, maintype=main, subtype=sub.partition(";")[0], filename="notice.json")
    try:
        with smtplib.SMTP(post.host, post.port, timeout=_SECONDS) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        raise Conflict(f"the mail server refuses {peer.address}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"the mail server does not take it: {type(error).__name__}") from error
    return Receipt(accepted=True)
