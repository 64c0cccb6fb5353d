"""`/hub/unmapped`: the codes that wait for a person, and the answers."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from hub import translations
from hub.runtime import Runtime
from mappings.concepts import Target
from tracker_core import peers, unmapped
from tracker_core.database import transaction


class Answer(BaseModel):
    """What a code of a peer means: a code of a code system."""

    system: str = Field(min_length=1)
    code: str = Field(min_length=1)
    display: str = ""


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the two routes; the router that includes them lets only administrators in."""
    router = APIRouter()

    @router.get("/unmapped")
    def list_unmapped(peer: str = "", answered: bool = False, limit: Annotated[int, Query(ge=1, le=5000)] = 500) -> Any:
        """List codes that no map has, with how often they came, in which messages, and how many wait for an answer."""
        with transaction(runtime.pool) as session:
            only = peers.read(session, peer).id if peer else None
            return [asdict(one) for one in unmapped.listed(session, only, answered, limit)]

    @router.post("/unmapped/{id}")
    def answer(id: int, body: Answer, request: Request) -> Any:
        """Say what a code means, from now on; messages that were parked or rejected with it run again."""
        target = Target(body.system, body.code, body.display)
        with transaction(runtime.pool) as session:
            count = translations.answer(session, id, target, request.state.user.username)
        runtime.wake.set()
        return {"replayed": count}

    return router
