"""The address that clients know the hub by: what answers say of it must not come from an unchecked `Host` header."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send


def at_public_url(app: ASGIApp, url: str) -> ASGIApp:
    """Let every request look as if it had come to `url` (scheme, host and port); an empty one changes nothing."""
    if not url:
        return app
    parts = urlsplit(url)
    host = (b"host", parts.netloc.encode("ascii"))

    async def addressed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = [header for header in scope["headers"] if header[0] != b"host"]
            scheme = parts.scheme if scope["type"] == "http" else parts.scheme.replace("http", "ws")
            scope = {**scope, "scheme": scheme, "headers": [host, *headers]}
        await app(scope, receive, send)

    return addressed
