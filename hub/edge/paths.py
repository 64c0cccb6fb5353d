"""Request paths as the faces see them."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")


def collapse_slashes(app: ASGIApp) -> ASGIApp:
    """Read several slashes as one: clients put a base URL and a path together without looking at either."""

    async def collapsed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "//" in scope["path"]:
            scope = {**scope, "path": _SLASHES.sub("/", scope["path"])}
        await app(scope, receive, send)

    return collapsed
