"""Calling a peer's HTTP API: its credentials, and what its answers mean for another try."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unavailable, Unsupported

AGAIN = frozenset({408, 425, 429})
_CONNECT_SECONDS = 10.0


class Busy(Unavailable):
    """The peer asks to be left alone for `seconds` (Retry-After)."""

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(detail)
        self.seconds = seconds


def call(
    peer: Peer,
    method: str,
    url: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Make one request with the peer's credentials and return the answer, whatever it says of the request.

    `url` may be relative to the peer's address; credentials never go to another host than its. The setting `timeout`
    is in seconds (30). Raises Unavailable when the server is away, too busy or broken (5xx, 408, 425, 429; as `Busy`
    when it says for how long), Unsupported when the address is no http URL.
    """
    base = (peer.address or "").rstrip("/") + "/"
    target = urljoin(base, url)
    if urlsplit(target)[:2] != urlsplit(base)[:2]:
        raise Unsupported(f"{peer.code} leads to another host: {urlsplit(target).netloc}")
    timeout = httpx.Timeout(float(peer.settings.get("timeout", 30)), connect=_CONNECT_SECONDS)
    every = {**dict(peer.settings.get("headers", {})), **(headers or {}), **authorization(peer)}
    try:
        response = _client().request(
            method,
            target,
            params=dict(parameters) if parameters else None,
            content=body,
            headers=every,
            timeout=timeout,
        )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Unsupported(f"the address of {peer.code} is no http URL") from error
    except httpx.TransportError as error:
        raise Unavailable(f"{peer.code} cannot be reached: {type(error).__name__}") from error
    if response.status_code >= 500 or response.status_code in AGAIN:
        after = response.headers.get("retry-after", "")
        text = f"{peer.code} answered {response.status_code}"
        raise Busy(f"{text}, retry after {after} s", float(after)) if after.isdigit() else Unavailable(text)
    return response


def read_json(peer: Peer, url: str, parameters: Mapping[str, Any] | None = None, **headers: str) -> Any:
    """Get a JSON document. Raises what `call` does, Unsupported when it is refused, Malformed when it is no JSON."""
    response = call(peer, "GET", url, parameters=parameters, headers={"accept": "application/json", **headers})
    if not response.is_success:
        raise Unsupported(f"{peer.code} answered {response.status_code} for {urlsplit(url).path}")
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{peer.code} answered no JSON for {urlsplit(url).path}") from error


def authorization(peer: Peer) -> dict[str, str]:
    """Return the header with the peer's `secret`: by the setting `auth` `basic`, `bearer` or the name of a header.

    Without that setting `user:password` is basic, anything else a bearer token.
    """
    if not peer.secret:
        return {}
    scheme = str(peer.settings.get("auth") or ("basic" if ":" in peer.secret else "bearer"))
    if scheme == "basic":
        return {"authorization": "Basic " + base64.b64encode(peer.secret.encode()).decode()}
    return {"authorization": f"Bearer {peer.secret}"} if scheme == "bearer" else {scheme: peer.secret}


@lru_cache(maxsize=1)
def _client() -> httpx.Client:
    return httpx.Client(follow_redirects=False)
