"""The guard of requests to where others say: which addresses it lets through, and that it goes to no other ones."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from threading import Thread
from typing import Any

import pytest

from adapters import outside
from adapters.outside import Outside, may_reach, read_networks, read_ports
from tracker_core.errors import Forbidden, HubError, Malformed, Unavailable


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
    ],
)
def test_addresses(address: str, reached: bool) -> None:
    """Public addresses may be reached, however they are written; those of a host, a link, a site may not."""
    assert may_reach(Outside(), ip_address(address)) is reached


def test_allowed_networks() -> None:
    """A network that is named may be reached, also by its addresses written as IPv6."""
    named = Outside(networks=read_networks("10.1.0.0/16, fd00::/8"))
    assert may_reach(named, ip_address("10.1.2.3"))
    assert may_reach(named, ip_address("::ffff:10.1.2.3"))
    assert may_reach(named, ip_address("fd00::1"))
    assert not may_reach(named, ip_address("10.2.0.1"))
    assert read_ports("80, 8443") == frozenset({80, 8443})
    with pytest.raises(ValueError, match="ports"):
        read_ports("0")


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server of this machine that sends everybody elsewhere and notes what they asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["host"], self.headers.get_all("x-a")))
            self.send_response(302)
            self.send_header("location", "http://127.0.0.1:1/")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    asked: list[Any] = []
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked = asked  # type: ignore[attr-defined]
    Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def local(server: ThreadingHTTPServer) -> Outside:
    """This machine, at the server's port."""
    return Outside((ip_network("127.0.0.0/8"),), frozenset({server.server_address[1]}))


def test_requests(server: ThreadingHTTPServer) -> None:
    """The host is asked under its name at the address that was checked; a redirection is an answer like any other."""
    url = f"http://localhost:{server.server_address[1]}/a?b=1"
    with outside.request(local(server), "GET", url, headers={"x-a": ["1", "2"]}) as response:
        assert response.status_code == 302
    assert server.asked == [  # type: ignore[attr-defined]
        ("/a?b=1", f"localhost:{server.server_address[1]}", ["1", "2"])
    ]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1/", Forbidden),
        ("http://localhost/", Forbidden),
        ("http://2130706433/", Forbidden),
        ("http://0x7f.1/", Forbidden),
        ("http://[::ffff:127.0.0.1]/", Forbidden),
        ("https://8.8.8.8:22/", Forbidden),
        ("http://user:password@8.8.8.8/", Forbidden),
        ("ftp://8.8.8.8/", Malformed),
        ("file:///etc/passwd", Malformed),
        ("http://", Malformed),
        ("http://8.8.8.8:port/", Malformed),
        ("http://nobody.invalid/", Unavailable),
    ],
)
def test_refusals(url: str, error: type[HubError]) -> None:
    """What may not be reached is refused before anything is sent, in every spelling."""
    with pytest.raises(error), outside.request(Outside(), "GET", url):
        pytest.fail("it was asked")


def test_nobody_there() -> None:
    """A port at which nobody listens is away, not wrong."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    where = Outside((ip_network("127.0.0.0/8"),), frozenset({port}))
    with pytest.raises(Unavailable), outside.request(where, "GET", f"http://127.0.0.1:{port}/"):
        pytest.fail("it was asked")
