"""The socket of websocket subscriptions: `bind` and `ping` as R4 has them, bundles as the Backport IG has them.

    bind 123                    -> bound 123                 then `ping 123` for each event
    bind-with-token <token>     -> a handshake bundle        then a bundle for each event, and heartbeats

A socket hears of what happens while it is bound. What was missed is asked for by `$events`.
"""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from adapters.contract import Access
from adapters.fhir.subscriptions.bundles import notice
from tracker_core.context import User
from tracker_core.subscriptions import notices, tokens

PATH = "websocket"
LOOK_SECONDS = 0.5
_MOST_BOUND = 100


@dataclass(slots=True)
class _Bound:
    """A subscription that a socket hears of: `seen` is its latest event that was told, `told` when that was."""

    record: int
    id: str
    bundles: bool
    seen: int
    heartbeat: int | None
    told: float = field(default_factory=monotonic)


class _Board:
    """The latest event of every subscription by socket, looked up once for all sockets of a process."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = asyncio.Lock()
        self._looked = float("-inf")
        self._latest: dict[int, int] = {}

    async def look(self) -> dict[int, int]:
        """Return subscription -> number, as it was at most `LOOK_SECONDS` ago."""
        async with self._lock:
            if monotonic() - self._looked >= LOOK_SECONDS:
                self._latest = await run_in_threadpool(self._read)
                self._looked = monotonic()
        return self._latest

    def _read(self) -> dict[int, int]:
        with self._access.session() as session:
            return notices.latest(session)


def route(access: Access, prefix: str) -> WebSocketRoute:
    """Return the route of the socket."""
    board = _Board(access)

    async def converse(socket: WebSocket) -> None:
        await socket.accept()
        base = f"{'https' if socket.url.scheme == 'wss' else 'http'}://{socket.url.netloc}{prefix}"
        bound: dict[int, _Bound] = {}
        listening = asyncio.create_task(_listen(access, socket, base, bound))
        try:
            while not listening.done():
                await asyncio.wait([listening], timeout=LOOK_SECONDS)
                if bound:
                    latest = await board.look()
                    due = [one for one in bound.values() if _has_news(one, latest.get(one.record, 0))]
                    await _tell(access, socket, base, due)
        except (WebSocketDisconnect, RuntimeError):
            # The other side may leave at any moment.
            pass
        finally:
            listening.cancel()

    return WebSocketRoute(f"{prefix}/{PATH}", converse)


async def _listen(access: Access, socket: WebSocket, base: str, bound: dict[int, _Bound]) -> None:
    """Answer what the other side says until it leaves."""
    try:
        while True:
            word, _, rest = (await socket.receive_text()).strip().partition(" ")
            if len(bound) >= _MOST_BOUND or word not in ("bind", "bind-with-token"):
                await socket.send_text(f"error: {word[:40]} is not understood, or too many are bound")
                continue
            user: User | None = socket.scope.get("state", {}).get("user")
            found = await run_in_threadpool(_bind, access, user, word, rest.strip())
            for one in found:
                bound[one.record] = one
                if not one.bundles:
                    await socket.send_text(f"bound {one.id}")
            hands = [one for one in found if one.bundles]
            for text in await run_in_threadpool(_bundles, access, base, hands, notices.HANDSHAKE):
                await socket.send_text(text)
            if not found:
                await socket.send_text(f"error: nothing of yours is bound by {word}")
    except (WebSocketDisconnect, KeyError):
        return


def _bind(access: Access, user: User | None, word: str, rest: str) -> list[_Bound]:
    """Return what a word binds: by its id what belongs to the one who logged in, by a token what it was given for."""
    with access.session() as session:
        if word == "bind-with-token":
            records = tokens.take(session, rest)
            known = [one for one in notices.statuses(session, ()) if one["record"] in records]
        else:
            known = notices.statuses(session, [rest]) if user else []
            known = [one for one in known if user and (one["owner"] == user.username or "ALL" in user.authorities)]
    listed = [one for one in known if one["channel"] == "websocket" and one["state"] != "off"]
    by_token = word == "bind-with-token"
    return [_Bound(one["record"], one["id"], by_token, one["latest"], one["heartbeat"]) for one in listed]


def _has_news(one: _Bound, latest: int) -> bool:
    beats = one.bundles and one.heartbeat is not None and monotonic() - one.told >= one.heartbeat
    return latest > one.seen or beats


async def _tell(access: Access, socket: WebSocket, base: str, due: list[_Bound]) -> None:
    """Tell of what is new, and of nothing where a heartbeat is due."""
    for one, texts in await run_in_threadpool(_news, access, base, due) if due else ():
        for text in texts:
            await socket.send_text(text)
            one.told = monotonic()


def _news(access: Access, base: str, due: list[_Bound]) -> list[tuple[_Bound, list[str]]]:
    told = []
    with access.session() as session:
        known = {one["record"]: one for one in notices.statuses(session, [one.id for one in due])}
        for one in due:
            values = known.get(one.record)
            if values is None or values["state"] == "off":
                continue
            events = notices.events(session, one.record, one.seen + 1, values["latest"])
            one.seen = events[-1]["number"] if events else one.seen
            told.append((one, _texts(one, values, events, base)))
    return told


def _texts(one: _Bound, values: dict[str, Any], events: list[dict[str, Any]], base: str) -> list[str]:
    if not one.bundles:
        return [f"ping {one.id}"] * len(events)
    most = values["most"]
    cuts = [events[start : start + most] for start in range(0, len(events), most)]
    found = [notice({**values, "kind": notices.EVENTS, "events": cut}, base).decode() for cut in cuts]
    if not found and one.heartbeat and monotonic() - one.told >= one.heartbeat:
        found = [notice({**values, "kind": notices.HEARTBEAT, "events": []}, base).decode()]
    return found


def _bundles(access: Access, base: str, bound: list[_Bound], kind: str) -> list[str]:
    with access.session() as session:
        known = notices.statuses(session, [one.id for one in bound]) if bound else []
    return [notice({**values, "kind": kind}, base).decode() for values in known]
