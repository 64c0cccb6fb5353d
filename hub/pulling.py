"""Asking peers for what is new, by the clock: each answer is kept as a message, and applied like any that arrives."""

from collections.abc import Iterator, Sequence
from typing import Any

import structlog
from fastapi import APIRouter, Request

from adapters.calling import Busy
from adapters.contract import Pulled
from hub import flow
from hub.runtime import Runtime
from tracker_core import peers, pulls
from tracker_core.context import Peer
from tracker_core.database import transaction
from tracker_core.errors import HubError, Unsupported
from tracker_core.pulls import Pull

log = structlog.get_logger()
ACTOR = "pull"
EVERY_SECONDS = 60.0


def turn(runtime: Runtime) -> int:
    """Ask one peer whose turn it is for everything that is new; return how many peers were asked."""
    with transaction(runtime.pool) as session:
        pull = pulls.claim(session)
        peer = peers.by_ids(session, [pull.peer])[pull.peer] if pull else None
    if pull is None or peer is None:
        return 0
    try:
        _ask(runtime, peer, pull)
    except HubError as error:
        _fail(runtime, peer, error.detail, error.seconds if isinstance(error, Busy) else 0)
    except Exception as error:
        log.exception("pulling failed", peer=peer.code)
        _fail(runtime, peer, f"{type(error).__name__}: {error}")
    else:
        with transaction(runtime.pool) as session:
            pulls.rest(session, peer.id, _interval(peer))
    return 1


def _ask(runtime: Runtime, peer: Peer, pull: Pull) -> None:
    """Keep one answer after the other until nothing is new, or so much waits that the peer's next turn may wait too."""
    for kept, pulled in enumerate(_answers(runtime, peer, pull), start=1):
        with transaction(runtime.pool) as session:
            if pulled.raw:
                flow.receive(session, [flow.arrival_of(runtime, peer, pulled.raw, pulled.envelope, ACTOR)])
            pulls.advance(session, peer.id, pulled.cursor, bool(pulled.raw))
        runtime.wake.set()
        if kept >= pulls.BACKLOG:
            return


def _answers(runtime: Runtime, peer: Peer, pull: Pull) -> Iterator[Pulled]:
    ask = runtime.adapter(peer.format).pull
    if ask is None:
        raise Unsupported(f"peers that speak {peer.format} cannot be asked")

    def ours(names: Sequence[str]) -> set[str]:
        with transaction(runtime.pool) as session:
            return pulls.known_names(session, peer.id, names)

    return ask(peer, pull.cursor, ours)


def _fail(runtime: Runtime, peer: Peer, error: str, at_least: float = 0) -> None:
    log.warning("a peer could not be asked", peer=peer.code, reason=error)
    with transaction(runtime.pool) as session:
        pulls.fail(session, peer.id, error, at_least)


def _interval(peer: Peer) -> float:
    every = peer.settings["pull"].get("every", EVERY_SECONDS) if isinstance(peer.settings["pull"], dict) else ""
    return max(1.0, float(every)) if isinstance(every, int | float) else EVERY_SECONDS


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes of `/hub/pulls`; the router that includes them lets only administrators in."""
    router = APIRouter()

    @router.get("/pulls")
    def list_pulls() -> Any:
        """List the peers that are asked for news: how far each was read, when its turn is, what went wrong."""
        with transaction(runtime.pool) as session:
            return {"pulls": [{"peer": code, **_shown(pull)} for code, pull in pulls.listed(session)]}

    @router.post("/pulls/{peer}")
    def pull_now(peer: str, request: Request, again: bool = False) -> Any:
        """Let a peer be asked now; `again` from the beginning: what is here already does not change."""
        with transaction(runtime.pool) as session:
            pulls.hurry(session, peers.read(session, peer), again=again)
        log.info("a peer is asked now", peer=peer, again=again, by=request.state.user.username)
        return {"peer": peer}

    return router


def _shown(pull: Pull) -> dict[str, Any]:
    return {
        "cursor": pull.cursor,
        "due": pull.due,
        "kept": pull.pages,
        "failures": pull.failures,
        "error": pull.error,
        "succeeded": pull.succeeded,
    }
