"""Request bodies: read whole before a face sees them, unpacked, and never larger than their limit."""

import zlib
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.edge.refusals import NO_HEADERS, Refuse
from hub.settings import MEBIBYTE

# A client that is still sending may never see an answer: a body that is not much too large is read to its end.
LINGER = 64 * MEBIBYTE
GZIP = 16 + zlib.MAX_WBITS
ENCODINGS = {"gzip", "x-gzip", "identity", ""}


class _Refused(Exception):
    """The body is not taken."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers


class _Gone(Exception):
    """The client went away before its body was complete."""


def limit_bodies(app: ASGIApp, refuse: Refuse, limit_of: Callable[[str], int]) -> ASGIApp:
    """Hand each body on whole and unpacked (`Content-Encoding: gzip`).

    `limit_of(path)` gives the limit in bytes. Answers 413 above it, 415 for another encoding, 400 for a broken one.
    """

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        try:
            whole, replay = await _take(scope, receive, limit_of(scope["path"]))
        except _Gone:
            return
        except _Refused as error:
            await refuse(scope["path"], error.status, error.text, error.headers)(scope, receive, send)
            return
        await app(whole, replay, send)

    return limited


async def _take(scope: Scope, receive: Receive, limit: int) -> tuple[Scope, Receive]:
    """Read the body; return the request as if it had been sent in one piece and unpacked."""
    request = Request(scope)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        text = f"the content encoding {encoding} is not offered; send gzip or none"
        raise _Refused(415, text, {"Accept-Encoding": "gzip"})
    if _announced(request) > limit + (0 if _asks_first(request) else LINGER):
        raise _too_large(limit)
    body = await _read(receive, limit)
    if "gzip" not in encoding:
        return scope, _replay(body, receive)
    body = _unpack(body, limit)
    return _plain(scope, len(body)), _replay(body, receive)


def _too_large(limit: int) -> _Refused:
    text = f"the body is larger than the {limit // MEBIBYTE} MiB that this hub takes here"
    return _Refused(413, text)  # the connection stays open: closing it while the client sends would lose the answer


def _asks_first(request: Request) -> bool:
    """Tell whether the client waits for a word before it sends its body."""
    return request.headers.get("expect", "").strip().lower() == "100-continue"


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


async def _read(receive: Receive, limit: int) -> bytes:
    """Return the body. Above the limit it is read on, without being kept, to its end or until `LINGER` is used up."""
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= limit + LINGER:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        more = message.get("more_body", False)
        if size <= limit:
            parts.append(part)
        else:
            parts.clear()
    if size > limit:
        raise _too_large(limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpack(packed: bytes, limit: int) -> bytes:
    """Unpack one gzip stream without ever holding more than the limit: a small bomb stays small."""
    stream = zlib.decompressobj(GZIP)
    try:
        body = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        raise _Refused(400, f"the body is not gzip: {error}") from error
    if len(body) > limit:
        raise _too_large(limit)
    if not stream.eof:
        raise _Refused(400, "the gzip body ends too early")
    return body


def _plain(scope: Scope, length: int) -> Scope:
    """The same request as if its body had been sent unpacked."""
    dropped = {b"content-encoding", b"content-length", b"transfer-encoding"}
    headers = [pair for pair in scope["headers"] if pair[0] not in dropped]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body once, then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
