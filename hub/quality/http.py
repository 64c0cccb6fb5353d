"""`/hub/quality`: what validation found, by peer."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from hub.runtime import Runtime
from tracker_core import peers, quality
from tracker_core.database import transaction


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes; the router that includes them lets only administrators in."""
    router = APIRouter()

    @router.get("/quality")
    def report(
        peer: str = "",
        since: date | None = None,
        type: str = "",
        limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    ) -> Any:
        """Return what was found, most frequent first, and how many documents came and were not valid, by day."""
        with transaction(runtime.pool) as session:
            only = peers.read(session, peer).id if peer else None
            found = quality.findings(session, only, since, type, limit)
            counted = quality.totals(session, only, since)
        return {
            "findings": [asdict(one) for one in found],
            "totals": [asdict(one) for one in counted if type in ("", one.type)],
        }

    return router
