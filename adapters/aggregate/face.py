"""HTTP: `/api/dataValueSets` for every format of this folder, and `/api/madx`, a FHIR base for MeasureReports."""

from datetime import UTC, datetime

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.aggregate import adx, answers, measure, value_sets
from adapters.aggregate.outbound import render_cells
from adapters.aggregate.queries import selection
from adapters.aggregate.schemes import schemes
from adapters.contract import Access, Envelope, Face
from tracker_core import metadata
from tracker_core.aggregates.exporting import select
from tracker_core.context import User

PREFIX = "/api/dataValueSets"
_NAME = "aggregate"


def routes(access: Access) -> list[BaseRoute]:
    """Return the routes, with and without an API version."""

    async def take(request: Request) -> Response:
        user: User = request.state.user
        raw = await request.body()
        return await run_in_threadpool(
            _take, access, raw, _envelope(request), user, request.query_params.get("peer", "")
        )

    async def give(request: Request) -> Response:
        return await run_in_threadpool(_give, access, request)

    found: list[BaseRoute] = []
    for base in ("/api", "/api/{version:int}"):
        found += [
            Route(f"{base}/dataValueSets", take, methods=["POST"]),
            Route(f"{base}/dataValueSets", give, methods=["GET"]),
            Route(f"{base}/dataValueSets.json", give, methods=["GET"]),
            Route(f"{base}/madx", take, methods=["POST"]),
            Route(f"{base}/madx/MeasureReport", take, methods=["POST"]),
            Route(f"{base}/madx/MeasureReport/{{id}}", take, methods=["PUT"]),
        ]
    return found


def _envelope(request: Request) -> Envelope:
    content_type = request.headers.get("content-type", "")
    if "/madx" in request.url.path:
        content_type = measure.CONTENT_TYPE
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Envelope(content_type, request.method, target, dict(request.query_params))


def _take(access: Access, raw: bytes, envelope: Envelope, user: User, peer: str) -> Response:
    accepted = access.accept(_NAME, raw, envelope, user, peer)
    status = answers.status_of(accepted.answer, accepted.error)
    fhir = envelope.content_type.startswith(measure.CONTENT_TYPE)
    return Response(accepted.answer, status, media_type=measure.CONTENT_TYPE if fhir else "application/json")


def _give(access: Access, request: Request) -> Response:
    parameters = request.query_params
    wanted = _wanted(request)
    with access.session() as session:
        asked = selection(session, parameters)
        cells = select(session, asked)
        known = metadata.load(session)
    owner = known.get("dataSets", asked.data_sets[0]) if len(asked.data_sets) == 1 else None
    data_set = {"uid": owner.uid, "code": owner.code, "name": owner.name} if owner else None
    if not cells:
        return Response(_nothing(wanted), media_type=wanted)
    default = "UID" if wanted == value_sets.CONTENT_TYPE else "CODE"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = render_cells(cells, data_set, wanted, schemes(parameters, default), now)
    return Response(body, media_type=wanted)


def _wanted(request: Request) -> str:
    accept = request.headers.get("accept", "")
    return next((kind for kind in (adx.CONTENT_TYPE, measure.CONTENT_TYPE) if kind in accept), value_sets.CONTENT_TYPE)


def _nothing(wanted: str) -> bytes:
    """An empty export: ADX has no document without values, so it is an empty element there."""
    if wanted == adx.CONTENT_TYPE:
        return f'<adx xmlns="{adx.NAMESPACE}"/>'.encode()
    if wanted == measure.CONTENT_TYPE:
        return orjson.dumps({"resourceType": "Bundle", "type": "collection"})
    return orjson.dumps({"dataValues": []})


FACE = Face(
    prefix=PREFIX,
    about="aggregate values in and out: ADX, DHIS2 data value sets, MeasureReport",
    routes=routes,
    refuse=answers.refuse,
    files_at=(PREFIX,),
)
