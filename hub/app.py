"""The HTTP application: every face behind one edge, one after the other timed, caught, logged in, read, answered."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response

from adapters.contract import Access, Face
from hub import VERSION
from hub.auditing import Trail
from hub.edge import addresses, audited, bodies, health, login, metrics, page, paths, refusals
from hub.runtime import Runtime
from hub.settings import MEBIBYTE, Settings
from tracker_core.database import AsyncPool
from tracker_core.errors import HubError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Handlers = dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]

PACKED_FROM = 2048  # bytes of an answer; below that, packing costs more than it saves
OPEN = {"/", "/metrics", "/health/live", "/health/ready"}
LINES = (
    page.Line("/hub", "the administration API: messages, peers, routes, conversion", "/hub/openapi.json"),
    page.Line("/health/ready", "whether everything is up", "/health/ready"),
    page.Line("/metrics", "figures for Prometheus", "/metrics"),
)


def build(
    settings: Settings, runtime: Runtime, access: Access, checks: health.Checks, administration: APIRouter
) -> FastAPI:
    """Return the application that serves every face of the runtime's formats, `/hub` and the open pages."""
    faces = [adapter.face for adapter in runtime.adapters.values() if adapter.face]
    routes = [route for face in faces for route in face.routes(access)]
    trail = Trail(runtime.pool, settings.audit)
    app = _edge(settings, runtime, faces, checks, trail, _lifespan(access.direct, trail))
    # The faces come first: they are asked most, and routes are tried in order.
    app.router.routes.extend(routes)
    app.include_router(administration)
    app.router.routes.append(page.page_route([*(page.Line(f.prefix, f.about, f.opens) for f in faces), *LINES]))
    return app


def build_health(checks: health.Checks) -> FastAPI:
    """Return the application of a process without HTTP faces: its health alone."""
    app = FastAPI(openapi_url=None)
    app.router.routes.extend(health.health_routes(checks))
    return app


def _lifespan(pool: AsyncPool | None, trail: Trail) -> Lifespan:
    """Return what keeps the sessions of the event loop open for as long as the application runs in it.

    When it ends, the audit trail is written to its end.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if pool is not None:
            await pool.open()
        try:
            yield
        finally:
            await run_in_threadpool(trail.stop)
            if pool is not None:
                await pool.close()

    return lifespan


def _edge(
    settings: Settings,
    runtime: Runtime,
    faces: Sequence[Face],
    checks: health.Checks,
    trail: Trail,
    lifespan: Lifespan,
) -> FastAPI:
    refuse = refusals.refusals(faces)
    registry = CollectorRegistry()
    registry.register(metrics.MessageCounts(runtime.pool))
    app = FastAPI(
        title="Tracker Hub administration",
        version=VERSION,
        openapi_url="/hub/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=_handlers(refuse),
        middleware=[
            Middleware(addresses.at_public_url, settings.public_url or ""),
            Middleware(paths.collapse_slashes),
            Middleware(metrics.time_requests, faces, metrics.request_histogram(registry)),
            Middleware(refusals.catch_errors, refuse),
            Middleware(audited.audit_requests, trail, audited.selection(faces)),
            Middleware(login.require_login, refuse, runtime.pool, _is_public(faces)),
            Middleware(bodies.limit_bodies, refuse, _limit_of(settings, faces)),
            # Level 4 packs bundles to a fifteenth in a third of the time of level 9.
            Middleware(GZipMiddleware, minimum_size=PACKED_FROM, compresslevel=4),
        ],
    )
    app.router.routes.extend([*health.health_routes(checks), metrics.metrics_route(registry)])
    return app


def _is_public(faces: Sequence[Face]) -> Callable[[str], bool]:
    public = OPEN.union(*(face.public for face in faces))
    return public.__contains__


def _limit_of(settings: Settings, faces: Sequence[Face]) -> Callable[[str], int]:
    def limit_of(path: str) -> int:
        face = refusals.face_of(faces, path)
        large = face is not None and path.startswith(face.files_at)
        mebibytes = settings.upload_limit if large else settings.body_limit
        return mebibytes * MEBIBYTE

    return limit_of


def _handlers(refuse: refusals.Refuse) -> Handlers:
    """Answer in the face's words what routing and request models refuse, and the six errors."""

    async def refused(request: Request, error: HTTPException) -> Response:
        text = str(error.detail)
        if error.status_code == 404:
            text = f"there is nothing at {request.url.path}"
        return refuse(request.url.path, error.status_code, text, error.headers or {})

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        parts = [f"{'.'.join(str(step) for step in part['loc'])}: {part['msg']}" for part in error.errors()]
        return refuse(request.url.path, 400, "; ".join(parts), {})

    async def known(request: Request, error: HubError) -> Response:
        return refusals.refuse_error(refuse, request, error)

    return {HTTPException: refused, RequestValidationError: invalid, HubError: known}
