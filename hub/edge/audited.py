"""What each request was, for the audit trail: reads and refusals here; what was written tells the change log."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.contract import Face
from hub.auditing import Trail
from hub.edge.login import read_basic
from tracker_core.audit import Entry

_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_LONGEST = 4_000  # characters of a query that are kept
Selection = Callable[[str], str | None]


def selection(faces: Sequence[Face]) -> Selection:
    """Return what tells of a path what of it is audited: the part below its face, None when it is not audited."""
    prefixes = [(start, face) for face in faces for start in face.audited]

    def select(path: str) -> str | None:
        for start, face in prefixes:
            if path.startswith(start) or path == start.rstrip("/"):
                below = path.removeprefix(face.prefix).strip("/")
                return None if below.partition("/")[0] in face.unaudited else below
        return None

    return select


def audit_requests(app: ASGIApp, trail: Trail, select: Selection) -> ASGIApp:
    """Note reads, refused writes and logins before their answers leave; `trail` decides when that is durable."""
    if not trail.on:
        return app

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        below = select(scope["path"]) if scope["type"] == "http" else None
        if below is None:
            await app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        noted = False

        async def answering(message: Message) -> None:
            nonlocal noted
            if not noted and message["type"] == "http.response.start":
                noted = True
                for entry in entries(scope, below, state, message["status"]):
                    await trail.note(entry)
            await send(message)

        await app(scope, receive, answering)

    return watched


def entries(scope: Scope, below: str, state: dict[str, Any], status: int) -> list[Entry]:
    """Return what is to be noted of a request that is being answered with `status`."""
    at = datetime.now(UTC)
    address = scope["client"][0] if scope.get("client") else ""
    if status == 401:
        credentials = read_basic(Headers(scope=scope).get("authorization", ""))
        return [Entry(at, credentials[0] if credentials else None, address, "login-failed", below, status)]
    user = state.get("user")
    actor = user.username if user else None
    found = [Entry(at, actor, address, "login", "", 200)] if state.get("logged_in") else []
    event = event_of(scope["method"], below, status, shown="seen" in state)
    if event:
        query = scope["query_string"]
        target = f"{below}?{query.decode('latin-1')}"[:_LONGEST] if query else below
        found.append(Entry(at, actor, address, event, target, status, tuple(state.get("seen", ()))))
    return found


def event_of(method: str, below: str, status: int, *, shown: bool) -> str:
    """Return what the request was; empty for a write that was done, unless it showed records, too."""
    steps = below.split("/")
    if method == "GET" and len(steps) == 2 and "$" not in below and steps[-1] != "_history":
        return "search" if steps[0] == "tracker" else "read"
    if "$" in below:
        return "operation"
    if method in ("GET", "HEAD") or steps[-1] == "_search":
        return _read_of(steps)
    if status >= 400:
        return "transaction" if method == "POST" and not below else _WRITES.get(method, "operation")
    return "batch" if shown and not below else ""


def _read_of(steps: Sequence[str]) -> str:
    if "_history" in steps:
        return "vread" if steps.index("_history") == 2 and len(steps) == 4 else "history"
    named = [step for step in steps if step != "tracker"]
    return "read" if len(named) == 2 and named[-1] not in ("_search", "") else "search"
