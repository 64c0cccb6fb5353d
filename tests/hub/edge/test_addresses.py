"""The address that answers name."""

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from hub import settings
from hub.edge.addresses import at_public_url
from tracker_core.errors import Malformed


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the address of the request."""
    await PlainTextResponse(str(Request(scope).url))(scope, receive, send)


@pytest.mark.parametrize(
    ("public", "told"),
    [("https://hub.example.org", "https://hub.example.org/api/me"), ("", "http://sneaky.example/api/me")],
)
def test_a_host_header_counts_only_without_a_public_address(public: str, told: str) -> None:
    """With an address of its own, whatever the client calls the hub is passed over."""

    async def ask() -> str:
        transport = httpx.ASGITransport(at_public_url(tell, public))
        async with httpx.AsyncClient(transport=transport, base_url="http://sneaky.example") as client:
            return (await client.get("/api/me")).text

    assert asyncio.run(ask()) == told


@pytest.mark.parametrize(
    "text", ["hub.example.org", "ftp://hub.example.org", "https://", "https://hub.example.org/hub"]
)
def test_what_is_no_address(text: str) -> None:
    """A scheme and a host are needed, and a path is not offered."""
    with pytest.raises(Malformed):
        settings.load({"public_url": text}, {})
    assert settings.load({"public_url": "https://hub.example.org/"}, {}).public_url == "https://hub.example.org"
