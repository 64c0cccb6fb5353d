"""Figures per peer, rules for how long bytes are kept, and peers on pause."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from hub.runtime import Runtime
from tracker_core import peers
from tracker_core.database import transaction
from tracker_core.errors import NotFound
from tracker_core.traffic import retention
from tracker_core.traffic.retention import Rule
from tracker_core.traffic.statistics import Span, statistics


class RuleBody(BaseModel):
    """A rule as written; see `tracker_core.traffic.retention.Rule`."""

    days: int = Field(ge=1, le=36_500)
    peer: str = ""
    direction: str = Field("", pattern="^(in|out)?$")
    type: str = ""


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes of figures, retention and pauses."""
    router = APIRouter()
    _figure_routes(router, runtime)
    _retention_routes(router, runtime)
    _pause_routes(router, runtime)
    return router


def _figure_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/statistics")
    def read_statistics(
        peer: str = "",
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        bucket: Annotated[int, Query(ge=1)] = 3600,
    ) -> Any:
        """Return counts, throughput, latency, what waits and what failed; of the last day unless a span is given."""
        end = until or datetime.now(UTC)
        with transaction(runtime.pool) as session:
            return statistics(session, Span(since or end - timedelta(days=1), end, bucket, peer))


def _retention_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/retention")
    def list_rules() -> Any:
        """List the rules, each with how many messages it would empty now."""
        with transaction(runtime.pool) as session:
            return [{**asdict(rule), "due": retention.count(session, rule)} for rule in retention.rules(session)]

    @router.put("/retention/{code}")
    def save_rule(code: str, body: RuleBody, request: Request) -> Any:
        """Create a rule or bring it to these values; it runs within the hour."""
        rule = Rule(code, **body.model_dump())
        with transaction(runtime.pool) as session:
            if rule.peer:
                peers.read(session, rule.peer)
            retention.save(session, rule, request.state.user.username)
            return {**asdict(rule), "due": retention.count(session, rule)}

    @router.delete("/retention/{code}")
    def remove_rule(code: str) -> Any:
        """Delete a rule; what it emptied stays empty."""
        with transaction(runtime.pool) as session:
            if not retention.remove(session, code):
                raise NotFound(f"there is no rule {code!r}")
        return {"removed": code}


def _pause_routes(router: APIRouter, runtime: Runtime) -> None:
    @router.post("/peers/{code}/pause")
    def pause(code: str, request: Request) -> Any:
        """Send nothing to a peer until it is resumed; what is queued waits, what it sends is taken."""
        with transaction(runtime.pool) as session:
            return {"code": code, "paused": peers.pause(session, code, request.state.user.username, paused=True).paused}

    @router.post("/peers/{code}/resume")
    def resume(code: str, request: Request) -> Any:
        """Send again to a peer that was paused."""
        with transaction(runtime.pool) as session:
            peers.pause(session, code, request.state.user.username, paused=False)
        runtime.wake.set()
        return {"code": code, "paused": None}
