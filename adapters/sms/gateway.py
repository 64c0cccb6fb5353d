"""Sending through an HTTP gateway: one request a text, and what its answers mean."""

from typing import Any

import httpx
import orjson

from adapters.contract import Outgoing, Receipt
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue

# Too early, too many, timed out: the gateway asks to be asked again.
_AGAIN = frozenset({408, 425, 429})


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Hand a rendered text to the gateway at the peer's address.

    `control_id` goes along as `Idempotency-Key` (setting `idempotency_header`), so that a retry after a lost answer
    is recognised and never texts twice. What counts as accepted is the peer's `success`:
    `{"statuses": [200, 202], "path": "messages.0.status", "values": ["queued"], "again": ["throttled"]}`;
    without it, any 2xx. Raises Unavailable on 5xx, 408, 425, 429, a time-out, or a broken connection.
    """
    if not peer.address:
        raise Unsupported(f"the peer {peer.code} has no address")
    try:
        with httpx.Client(timeout=float(peer.settings.get("timeout", 20))) as client:
            response = client.post(peer.address, content=outgoing.body, **_credentials(outgoing, peer))
    except httpx.InvalidURL as error:
        raise Unsupported(f"the address of {peer.code} is no URL: {error}") from error
    except httpx.UnsupportedProtocol as error:
        raise Unsupported(f"the address of {peer.code} is not http: {error}") from error
    except httpx.TransportError as error:
        raise Unavailable(f"the gateway {peer.code} cannot be reached: {type(error).__name__}") from error
    return _judge(response, peer)


def _credentials(outgoing: Outgoing, peer: Peer) -> dict[str, Any]:
    """Return headers and authentication of the request, by the peer's `auth`: `bearer`, `basic` or a header's name."""
    settings = peer.settings
    content_type = "application/x-www-form-urlencoded" if settings.get("body") == "form" else "application/json"
    headers = {"content-type": content_type, **settings.get("headers", {})}
    headers[str(settings.get("idempotency_header", "Idempotency-Key"))] = outgoing.control_id
    if not peer.secret:
        return {"headers": headers}
    scheme = str(settings.get("auth", "bearer"))
    if scheme == "basic":
        user, _, password = peer.secret.partition(":")
        return {"headers": headers, "auth": (user, password)}
    headers["authorization" if scheme == "bearer" else scheme] = (
        f"Bearer {peer.secret}" if scheme == "bearer" else peer.secret
    )
    return {"headers": headers}


def _judge(response: httpx.Response, peer: Peer) -> Receipt:
    """Return the receipt for an answer, or raise Unavailable when it asks for another try."""
    success = peer.settings.get("success", {})
    status = response.status_code
    said = _value(response.content, str(success.get("path", "")))
    if status >= 500 or status in _AGAIN or said in success.get("again", ()):
        raise Unavailable(f"the gateway {peer.code} answered {status} {said}".rstrip())
    fine = status in success["statuses"] if "statuses" in success else response.is_success
    if fine and said in success.get("values", (said,)):
        return Receipt(accepted=True, answer=response.content)
    text = f"the gateway refused the text: {status} {said or response.text[:200]}".rstrip()
    return Receipt(accepted=False, answer=response.content, issues=[Issue("refused", text)])


def _value(body: bytes, path: str) -> str:
    """Return what stands at a dotted path of a JSON body, empty when nothing does."""
    if not path:
        return ""
    try:
        value = orjson.loads(body)
        for step in path.split("."):
            value = value[int(step)] if isinstance(value, list) else value[step]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return str(value)
