"""`/hub`: the hub's own administration API: messages, peers, routes, conversion."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from adapters.contract import Envelope
from hub import answering, bindings, bound, deciding, pulling, reporting, schedule, traffic, trying
from hub.convert import Converted, convert
from hub.guides import http as guides
from hub.quality import http as quality
from hub.runtime import Runtime
from tracker_core import history, peers, persons, routes
from tracker_core.context import Peer
from tracker_core.database import transaction
from tracker_core.errors import Forbidden, Malformed

ADMIN = "ALL"


class PeerBody(BaseModel):
    """A peer as written: what it speaks, where it is, its profile. `secret` is stored and never given back."""

    format: str
    name: str = ""
    address: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    secret: str | None = None
    active: bool = True


class RouteBody(BaseModel):
    """A route as written; `selects` is described in `tracker_core.routes.Route`."""

    peer: str
    type: str
    selects: dict[str, Any]


class SharedBody(BaseModel):
    """An identifier system by which two sources' records are known to be of one person, and the attribute it fills."""

    system: str = Field(min_length=1)
    attribute: str = "NATIONAL_ID"


def require_admin(request: Request) -> str:
    """Return the caller's name. Raises `Forbidden` for users without the authority `ALL`."""
    user = request.state.user
    if ADMIN not in user.authorities:
        raise Forbidden("the administration API needs the authority ALL")
    return str(user.username)


Admin = Annotated[str, Depends(require_admin)]


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the router of `/hub`."""
    router = APIRouter(prefix="/hub", dependencies=[Depends(require_admin)])
    _peer_routes(router, runtime)
    _identity_routes(router, runtime)
    _convert_routes(router, runtime)
    router.include_router(traffic.routes_for(runtime))
    router.include_router(bindings.routes_for(runtime))
    router.include_router(reporting.routes_for(runtime))
    router.include_router(answering.routes_for(runtime))
    router.include_router(guides.routes_for(runtime))
    router.include_router(quality.routes_for(runtime))
    router.include_router(deciding.routes_for(runtime))
    router.include_router(pulling.routes_for(runtime))
    return router


def peer_json(peer: Peer) -> dict[str, Any]:
    """Return a peer as shown: everything but its secret."""
    return {
        "code": peer.code,
        "name": peer.name,
        "format": peer.format,
        "address": peer.address,
        "settings": peer.settings,
        "active": peer.active,
        "paused": peer.paused,
    }


def _peer_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/peers")
    def list_peers() -> Any:
        """List the peers."""
        with transaction(runtime.pool) as session:
            return [peer_json(peer) for peer in peers.all_peers(session)]

    @router.put("/peers/{code}")
    def save_peer(code: str, body: PeerBody, actor: Admin) -> Any:
        """Create a peer or bring it to these values."""
        if body.format not in runtime.adapters:
            raise Malformed(f"{body.format!r} is not a format", "format")
        check = runtime.adapter(body.format).check_settings
        if check is not None:
            check(body.settings)
        with transaction(runtime.pool) as session:
            return peer_json(peers.save(session, code, **body.model_dump(), actor=actor))

    @router.put("/routes/{code}")
    def save_route(code: str, body: RouteBody) -> Any:
        """Create a route or bring it to these values."""
        with transaction(runtime.pool) as session:
            routes.save(session, code, peers.read(session, body.peer).id, body.type, body.selects)
        return {"code": code, **body.model_dump()}


def _identity_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.put("/identifier-systems")
    def share_identifier(body: SharedBody, actor: Admin) -> Any:
        """Let identifiers of this system join the records of several sources to one person."""
        with transaction(runtime.pool) as session:
            context = history.open_change_set(session, actor)
            bound.share_identifier(session, context, body.system, body.attribute)
        return body.model_dump()

    @router.post("/schedule")
    def run_schedule(at: datetime | None = None) -> Any:
        """Queue what has become due by now, or by `at`, instead of waiting for the clock's next round."""
        queued = schedule.tick(runtime, at)
        runtime.wake.set()
        return {"queued": queued}

    @router.get("/counts")
    def count_persons() -> Any:
        """Count persons, enrollments, events and planned visits."""
        with transaction(runtime.pool) as session:
            return persons.counts(session)

    @router.get("/persons/{uid}")
    def read_person(uid: str) -> Any:
        """Return what the hub knows of one person: every source's records, with the message that brought each."""
        with transaction(runtime.pool) as session:
            return persons.overview(session, uid)


def _convert_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.post("/convert")
    async def convert_body(
        request: Request,
        source: Annotated[str, Query(alias="from")],
        target: Annotated[str, Query(alias="to")],
        type: str = "",
    ) -> Any:
        """Convert a body from one format to another; nothing is stored."""
        raw = await request.body()  # as it is, whatever its content type says
        reader = runtime.adapters.get(source)
        fallback = reader.content_types[0] if reader else ""
        sent = request.headers.get("content-type", "")
        generic = sent in {"", "application/octet-stream", "application/x-www-form-urlencoded"}
        envelope = Envelope(content_type=fallback if generic else sent)
        result = await run_in_threadpool(_convert, runtime, raw, source, target, envelope, type)
        return {
            "contentType": result.content_type,
            "result": result.body.decode("utf-8", "replace"),
            "issues": [issue.as_json() for issue in result.issues],
        }


def _convert(runtime: Runtime, raw: bytes, source: str, target: str, envelope: Envelope, type: str) -> Converted:
    if trying.needs_a_hub(source, target):
        with transaction(runtime.pool) as session:
            return trying.convert(session, runtime.adapters, raw, source, target, envelope=envelope, type=type)
    return convert(runtime.adapters, raw, source, target, type=type, envelope=envelope)
