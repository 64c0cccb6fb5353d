"""`/health/live`: the process answers. `/health/ready`: everything that this process should offer is up."""

from collections.abc import Callable, Mapping

import psycopg
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tracker_core.database import Pool

Checks = Mapping[str, Callable[[], bool]]


def health_routes(checks: Checks) -> list[Route]:
    """Return the routes; `checks` names each part and tells whether it is up. Ready is 200 when all are, else 503."""
    limiter: CapacityLimiter | None = None

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        nonlocal limiter
        limiter = limiter or CapacityLimiter(2)  # of its own: requests that wait for the database cannot use it up
        parts = {"http": "up"}
        for name, check in checks.items():
            parts[name] = "up" if await run_sync(check, limiter=limiter) else "down"
        down = "down" in parts.values()
        return JSONResponse({"status": "not ready" if down else "ready", **parts}, 503 if down else 200)

    return [Route("/health/live", live), Route("/health/ready", ready)]


def database_answers(pool: Pool) -> bool:
    """Tell whether the database answers a query within two seconds."""
    try:
        with pool.connection(timeout=2) as session:
            session.execute("select 1")
    except psycopg.Error:
        return False
    return True
