"""`/hub/messages`: every message in and out, found, shown, traced, run again, given up, counted."""

from fastapi import APIRouter

from hub.runtime import Runtime
from hub.traffic import browsing, conformance, dead, figures, repeating


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes; the router that includes them lets only administrators in."""
    router = APIRouter()
    for part in (browsing, repeating, dead, figures, conformance):
        router.include_router(part.routes_for(runtime))
    return router
