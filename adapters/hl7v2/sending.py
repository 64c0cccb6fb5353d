"""Delivery: over MLLP or HTTP, by the scheme of the peer's address."""

from typing import Any

import httpx

from adapters.contract import Outgoing, Receipt
from adapters.hl7v2 import client
from adapters.hl7v2.receipts import read_verdict, receipt_of
from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unavailable, Unsupported
from tracker_core.issues import Issue

# Too early, too many, timed out: the receiver asks to be asked again.
AGAIN = frozenset({408, 425, 429})
CONTENT_TYPE = "application/hl7-v2"


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Send a rendered message to `mllp://`, `mllps://`, `http://` or `https://` and return what became of it.

    Raises `Unavailable` when it must be sent again, and `Unsupported` for an address of another kind.
    """
    if not peer.address:
        raise Unsupported(f"the peer {peer.code} has no address")
    if peer.address.startswith(("http://", "https://")):
        return post(outgoing, peer, peer.address)
    line = client.line_of(peer.address, peer.settings)
    return receipt_of(client.exchange(line, outgoing.body, outgoing.control_id))


def post(outgoing: Outgoing, peer: Peer, address: str) -> Receipt:
    """Send by HTTP (HL7 over HTTP): whatever the status, an acknowledgement in the body counts."""
    try:
        with httpx.Client(timeout=float(peer.settings.get("timeout", 30))) as http:
            response = http.post(address, content=outgoing.body, **credentials(peer))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Unsupported(f"the address of {peer.code} is not usable: {error}") from error
    except httpx.TransportError as error:
        raise Unavailable(f"{peer.code} cannot be reached: {type(error).__name__}") from error
    status = response.status_code
    try:
        return receipt_of(read_verdict(response.content))
    except Malformed as error:
        if status >= 500 or status in AGAIN or response.is_success:
            raise Unavailable(f"{peer.code} answered {status} without an acknowledgement") from error
    text = f"refused with status {status}: {response.text[:200]}"
    return Receipt(False, response.content, [Issue("refused", text)])


def credentials(peer: Peer) -> dict[str, Any]:
    """Return headers and authentication by the peer's `auth`: `basic` (secret `user:password`) or `bearer`."""
    headers = {"content-type": CONTENT_TYPE, "accept": CONTENT_TYPE}
    if not peer.secret:
        return {"headers": headers}
    if str(peer.settings.get("auth", "basic")) == "bearer":
        return {"headers": {**headers, "authorization": f"Bearer {peer.secret}"}}
    user, _, password = peer.secret.partition(":")
    return {"headers": headers, "auth": (user, password)}
