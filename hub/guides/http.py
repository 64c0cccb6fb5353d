"""`/hub/guides`: implementation guides loaded over HTTP."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from hub.guides.loading import Brought, load_guide
from hub.runtime import Runtime
from tracker_core.database import transaction
from tracker_core.profiles import guides


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes; the router that includes them lets only administrators in."""
    router = APIRouter()

    @router.get("/guides")
    def list_guides() -> Any:
        """List the packages that were loaded, with what each brought."""
        with transaction(runtime.pool) as session:
            return [asdict(one) for one in guides.listed(session)]

    @router.post("/guides")
    async def load(request: Request) -> Any:
        """Load a package (`.tgz` as the body); what it defines counts from the next request on."""
        raw = await request.body()
        brought = await run_in_threadpool(_loaded, runtime, raw, str(request.state.user.username))
        left = [{"place": place, "reason": reason} for place, reason in brought.left]
        return {**asdict(brought), "left": left}

    return router


def _loaded(runtime: Runtime, raw: bytes, actor: str) -> Brought:
    with transaction(runtime.pool) as session:
        return load_guide(session, raw, actor)
