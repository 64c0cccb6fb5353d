"""The route of a Binary's content; the resource itself is read as any other."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir import reads
from adapters.fhir.binaries import content
from adapters.fhir.formats import Handler, negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.replies import Conditions
from tracker_core import records
from tracker_core.records.validation import is_id


def routes(access: Access, prefix: str, get: Handler) -> Sequence[BaseRoute]:
    """Return the route; `get` answers with the resource."""

    async def native(request: HttpRequest) -> Response:
        return await run_in_threadpool(_native, access, request)

    async def read(request: HttpRequest) -> Response:
        asked = request.query_params.get("_format", ""), request.headers.get("accept", "")
        if not is_id(request.path_params["id"]) or content.wants_resource(*asked):
            return await negotiated(get)(request)
        return await negotiated(native, any_type=True)(request)

    return [Route(f"{prefix}/Binary/{{id}}", read, methods=["GET"])]


def _native(access: Access, request: HttpRequest) -> Response:
    key = ("Binary", request.path_params["id"])
    with access.reading() as session:
        found = records.read(session, [key]).get(key)
    conditions = Conditions(request.headers.get("if-none-match", ""), request.headers.get("if-modified-since", ""))
    reply, kind = reads.shown_one(*key, found, (), conditions), CONTENT_TYPE
    if reply.status == 200 and found is not None:
        reply, kind = content.unwrap(reply, found)
    request.state.seen = reply.seen
    response = Response(reply.body, reply.status, reply.headers)
    if reply.body:
        response.headers["content-type"] = kind or CONTENT_TYPE
    return response
