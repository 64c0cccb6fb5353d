"""Dead letters: why messages came to nothing, and giving them up."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from hub.runtime import Runtime
from hub.traffic.repeating import MOST, Chosen
from tracker_core.database import transaction
from tracker_core.traffic import dead, searching


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes of dead letters; they run again as any other (`/messages/replay`)."""
    router = APIRouter()

    @router.get("/dead-letters")
    def list_reasons(
        peer: str = "",
        state: Annotated[str, Query(pattern="^(parked|rejected)?$")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Any:
        """List why messages are parked or rejected, by peer, type and code, with the newest few of each."""
        with transaction(runtime.pool) as session:
            return [asdict(reason) for reason in dead.reasons(session, peer, state, limit)]

    @router.post("/messages/discard")
    def discard(body: Chosen, reason: Annotated[str, Query(min_length=3)], request: Request) -> Any:
        """Give parked or rejected messages up, so that the rest of their lane moves on; they stay readable."""
        with transaction(runtime.pool) as session:
            ids = searching.ids(session, body.search.wanted(), MOST) if body.search else body.ids
            count = dead.discard(session, ids, f"{reason} ({request.state.user.username})")
        runtime.wake.set()
        return {"discarded": count}

    return router
