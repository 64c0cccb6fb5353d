"""The MLLP client: one message, one settled outcome, over connections that are kept between messages.

| What happens | Outcome |
|---|---|
| AA, or CA where the peer gives no other answer | accepted |
| AE, AR, CR | refused, with the reasons of ERR |
| CE, AE with condition 206, a NAK byte (MLLP 2) | `Unavailable`: to be sent again |
| no connection, no answer in time, half an answer, a dropped connection | `Unavailable`; the connection is closed |
| an answer to another control id | not ours (a late one): the wait goes on |
| CA, then AA or AE | the second counts |
"""

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from adapters.hl7v2.framing import ACK, NAK, Deframer, frame
from adapters.hl7v2.receipts import Verdict, read_verdict
from tracker_core.errors import Malformed, Unavailable, Unsupported
from tracker_core.issues import Issue

PORT = 2575
IDLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """How to reach a peer: address, TLS files, and how many seconds to wait.

    `connect` for a connection, `answer` for an answer, `second` for the one after an accept acknowledgement; with
    `accept_only` the receiver never sends that second one.
    """

    host: str
    port: int
    tls: bool = False
    authority: str = ""
    certificate: str = ""
    key: str = ""
    connect: float = 10.0
    answer: float = 30.0
    second: float = 5.0
    accept_only: bool = False


@dataclass(slots=True)
class Link:
    """One open connection."""

    socket: socket.socket
    deframer: Deframer = field(default_factory=Deframer)
    pending: deque[bytes] = field(default_factory=deque)
    used: float = 0.0


_idle: dict[Line, list[Link]] = {}
_lock = threading.Lock()


def line_of(address: str, settings: dict[str, Any]) -> Line:
    """Return the line to `mllp://host:port` (or `mllps://`, over TLS), with the waits and files of the peer's settings.

    Settings: `tls_ca`, `tls_certificate`, `tls_key` (files), `connect_timeout`, `timeout`, `second_timeout`, and
    `acks`: `accept` for a receiver that answers with CA and nothing more. Raises `Unsupported` for no such address.
    """
    parts = urlsplit(address)
    try:
        port = parts.port or PORT
    except ValueError as error:
        raise Unsupported(f"{address} holds no port: {error}") from error
    if parts.scheme not in {"mllp", "mllps"} or not parts.hostname:
        raise Unsupported(f"{address!r} is not mllp://host:port")
    return Line(
        parts.hostname,
        port,
        parts.scheme == "mllps",
        str(settings.get("tls_ca", "")),
        str(settings.get("tls_certificate", "")),
        str(settings.get("tls_key", "")),
        float(settings.get("connect_timeout", 10)),
        float(settings.get("timeout", 30)),
        float(settings.get("second_timeout", 5)),
        settings.get("acks") == "accept",
    )


def exchange(line: Line, message: bytes, control_id: str) -> Verdict:
    """Send `message` and return the acknowledgement of `control_id`; see the table above. Safe to call from threads.

    Raises `Unavailable`, after which nobody can know whether the message arrived: it is to be sent again with the
    same control id, by which the receiver recognises it.
    """
    with borrowed(line) as link:
        try:
            link.socket.settimeout(line.answer)
            link.socket.sendall(frame(message))
            return settle(link, line, control_id)
        except TimeoutError as error:
            raise Unavailable(f"{line.host}:{line.port} did not answer within {line.answer:g} s") from error
        except OSError as error:
            raise Unavailable(f"the connection to {line.host}:{line.port} broke: {error}") from error


def settle(link: Link, line: Line, control_id: str) -> Verdict:
    """Wait for the answer that counts. Raises `Unavailable`, or `OSError` from the socket."""
    deadline = time.monotonic() + line.answer
    kept: Verdict | None = None
    while True:
        try:
            block = next_block(link, deadline)
        except TimeoutError:
            if kept is None:
                raise
            return kept
        if block == NAK:
            raise Unavailable("the receiver could not keep the message (NAK)")
        verdict = accepted_block(control_id) if block == ACK else verdict_of(block)
        if verdict.control_id not in {control_id, ""}:
            continue
        if verdict.code != "CA" or line.accept_only:
            return verdict
        kept = Verdict(verdict.code, control_id, verdict.raw, (*verdict.issues, no_second()))
        deadline = min(deadline, time.monotonic() + line.second)


def accepted_block(control_id: str) -> Verdict:
    """Return what an ACK byte of MLLP 2 says: the message is kept, its answer may follow."""
    return Verdict("CA", control_id, ACK, ())


def no_second() -> Issue:
    """Return the remark that only the accept acknowledgement came."""
    return Issue("accept-only", "kept by the receiver; no application acknowledgement followed", "information")


def verdict_of(block: bytes) -> Verdict:
    """Return the acknowledgement in `block`. Raises `Unavailable` when it is none."""
    try:
        return read_verdict(block)
    except Malformed as error:
        raise Unavailable(f"the answer is no acknowledgement: {error.detail}") from error


def next_block(link: Link, deadline: float) -> bytes:
    """Return the next block from the receiver. Raises `TimeoutError` or `ConnectionError`."""
    while not link.pending:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        link.socket.settimeout(left)
        data = link.socket.recv(65536)
        if not data:
            half = " within an answer" if link.deframer.inside else ""
            raise ConnectionError(f"the receiver hung up{half}")
        link.pending.extend(piece.data for piece in link.deframer.feed(data) if piece.kind == "frame")
    return link.pending.popleft()


@contextmanager
def borrowed(line: Line) -> Iterator[Link]:
    """Yield a connection, kept from before or new; it is kept again unless the block raises."""
    link = kept_link(line) or open_link(line)
    try:
        yield link
    except BaseException:
        link.socket.close()
        raise
    link.used = time.monotonic()
    with _lock:
        _idle.setdefault(line, []).append(link)


def kept_link(line: Line) -> Link | None:
    """Return a kept connection that is fresh and that the receiver has not closed, and close those that are not."""
    while True:
        with _lock:
            links = _idle.get(line)
            link = links.pop() if links else None
        if link is None:
            return None
        if time.monotonic() - link.used < IDLE_SECONDS and is_quiet(link):
            return link
        link.socket.close()


def is_quiet(link: Link) -> bool:
    """Tell whether nothing has come over an idle connection: neither its end nor an answer that nobody waits for."""
    readable, _, _ = select.select([link.socket], [], [], 0)
    return not readable and not link.pending and not link.deframer.inside


def open_link(line: Line) -> Link:
    """Connect. Raises `Unavailable`, or `Unsupported` when the TLS files cannot be used."""
    context = tls_context(line) if line.tls else None
    try:
        plain = socket.create_connection((line.host, line.port), timeout=line.connect)
    except OSError as error:
        raise Unavailable(f"{line.host}:{line.port} cannot be reached: {error}") from error
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return Link(plain)
    try:
        return Link(context.wrap_socket(plain, server_hostname=line.host))
    except OSError as error:
        plain.close()
        raise Unavailable(f"no TLS with {line.host}:{line.port}: {error}") from error


def tls_context(line: Line) -> ssl.SSLContext:
    """Return the TLS context of a line: the receiver is always verified; a certificate of ours makes it mutual."""
    try:
        context = ssl.create_default_context(cafile=line.authority or None)
        if line.certificate:
            context.load_cert_chain(line.certificate, line.key or None)
    except (OSError, ssl.SSLError) as error:
        raise Unsupported(f"the TLS files for {line.host} cannot be used: {error}") from error
    return context


def hang_up() -> None:
    """Close every kept connection."""
    with _lock:
        links = [link for kept in _idle.values() for link in kept]
        _idle.clear()
    for link in links:
        link.socket.close()
