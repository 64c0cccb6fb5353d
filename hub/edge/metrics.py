"""`/metrics` for Prometheus: requests of this process, messages and queues of the whole hub (asked of the database)."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.contract import Face
from hub.edge.refusals import face_of
from tracker_core import messages
from tracker_core.database import Pool, transaction
from tracker_core.errors import Unavailable

log = structlog.get_logger()

COUNT_SECONDS = 15.0


class MessageCounts(Collector):
    """Messages by direction, format and state, and the age of the oldest that waits; counted every 15 s at most."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counted = float("-inf")
        self._metrics: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; while the database is away, none."""
        if time.monotonic() - self._counted > COUNT_SECONDS:
            try:
                self._metrics = self._count()
                self._counted = time.monotonic()
            except Unavailable as error:
                log.warning("messages not counted", reason=error.detail)
                self._metrics = []
        yield from self._metrics

    def _count(self) -> list[Metric]:
        with transaction(self._pool) as session:
            balance = messages.balance(session)
            oldest = messages.oldest_waiting(session)
        counts = GaugeMetricFamily(
            "tracker_hub_messages", "Messages kept, by what became of them", labels=["direction", "format", "state"]
        )
        for direction, format_, state, count in balance:
            counts.add_metric([direction, format_, state], count)
        ages = GaugeMetricFamily(
            "tracker_hub_queue_age_seconds", "Age of the oldest message that is due", labels=["direction"]
        )
        for direction, since in oldest.items():
            ages.add_metric([direction], (datetime.now(UTC) - since).total_seconds())
        return [counts, ages]


def metrics_route(registry: CollectorRegistry) -> Route:
    """Return the route `/metrics` over `registry`."""

    async def metrics(_: Request) -> Response:
        text = await run_in_threadpool(generate_latest, registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", metrics)


def request_histogram(registry: CollectorRegistry) -> Histogram:
    """Return the histogram of request durations in `registry`."""
    return Histogram(
        "tracker_hub_request_seconds", "Duration of HTTP requests", ["face", "method", "status"], registry=registry
    )


def time_requests(app: ASGIApp, faces: Sequence[Face], durations: Histogram) -> ASGIApp:
    """Record the duration of each request by face, method and status."""

    async def timed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        face = face_of(faces, scope["path"])
        try:
            await app(scope, receive, watched)
        finally:
            labels = (face.prefix if face else "other", scope["method"], str(status))
            durations.labels(*labels).observe(time.perf_counter() - began)

    return timed
