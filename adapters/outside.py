"""Requests to where others say: a subscriber's endpoint, a list of files to import. They reach no place of our own.

A name is resolved once, its addresses are looked at, and the connection is made to the very one that was found good: a
name that changes its mind meanwhile leads nowhere else. Redirections are not followed.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from tracker_core.errors import Forbidden, Malformed, Unavailable

USUAL_PORTS = frozenset({80, 443})
_PORTS = {"http": 80, "https": 443}
_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, 2.5.5.1
Network = IPv4Network | IPv6Network
IPAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Outside:
    """Where such requests may go: public addresses and these `networks` besides, at these `ports` alone."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = USUAL_PORTS


def read_networks(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR notation, separated by commas."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def read_ports(text: str) -> frozenset[int]:
    """Read port numbers separated by commas."""
    ports = frozenset(int(part) for part in text.split(",") if part.strip())
    if any(not 0 < port < 65536 for port in ports):
        raise ValueError("is not a list of ports from 1 to 65535")
    return ports


@contextmanager
def request(
    outside: Outside,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str | list[str]] | None = None,
    content: bytes | None = None,
    seconds: float = 10,
) -> Iterator[httpx.Response]:
    """Yield the response, its body not yet read. `seconds` bound each wait for the other side.

    Raises `Forbidden` for a place that may not be reached, `Malformed` for what is no http URL, `Unavailable` when
    nobody answers there.
    """
    target, netloc, name = _resolved(outside, url)
    sent = [("host", netloc), ("user-agent", "tracker-hub"), *_flat(headers or {})]
    try:
        with _client().stream(
            method,
            target,
            content=content,
            headers=sent,
            timeout=httpx.Timeout(seconds),
            extensions={"sni_hostname": name},
        ) as response:
            yield response
    except httpx.TransportError as error:
        raise Unavailable(f"{netloc} cannot be reached: {type(error).__name__}") from error


def _flat(headers: Mapping[str, str | list[str]]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        yield from ((name, one) for one in ([value] if isinstance(value, str) else value))


@lru_cache(maxsize=1)
def _client() -> httpx.Client:
    # No connection is kept: one that was made for another name at the same address must not be used again.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(follow_redirects=False, trust_env=False, limits=limits)


def _resolved(outside: Outside, url: str) -> tuple[httpx.URL, str, str]:
    """Return the URL at a good address of its host, the host with its port as they were named, and the host alone."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Malformed("the address is no URL") from error
    if parts.scheme not in _PORTS or not parts.host:
        raise Malformed("the address is no http or https URL")
    if parts.userinfo:
        raise Forbidden("an address names no user and password; send a header")
    port = parts.port or _PORTS[parts.scheme]
    if port not in outside.ports:
        raise Forbidden(f"port {port} is not among those that may be reached")
    try:
        found = socket.getaddrinfo(parts.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"the name {parts.host} is not known") from error
    for *_, where in found:
        if may_reach(outside, ip_address(where[0])):
            return parts.copy_with(host=str(where[0])), parts.netloc.decode("ascii"), parts.raw_host.decode("ascii")
    raise Forbidden(f"{parts.host} is at an address that may not be reached")


def may_reach(outside: Outside, address: IPAddress) -> bool:
    """Tell whether an address is public, or in a network that is allowed."""
    inner = _embedded(address)
    if any(
        one in network for network in outside.networks for one in (address, inner) if one.version == network.version
    ):
        return True
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _embedded(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 address stands for, if it does: that is where the packets go."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
