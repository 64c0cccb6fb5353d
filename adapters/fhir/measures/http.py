"""The routes of the measure operation."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir.formats import negotiated
from adapters.fhir.measures.evaluating import evaluate_measure
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.parameters import read
from adapters.fhir.replies import Reply

OFFERED = {"evaluate-measure": "http://hl7.org/fhir/OperationDefinition/Measure-evaluate-measure"}


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes."""

    async def evaluated(request: HttpRequest) -> Response:
        given = read(request.url.query, await request.body(), request.headers.get("content-type", ""))

        def run() -> Reply:
            with access.session() as session:
                return evaluate_measure(session, request.state.user.username, request.path_params.get("id", ""), given)

        reply = await run_in_threadpool(run)
        request.state.seen = reply.seen
        return Response(reply.body, reply.status, media_type=CONTENT_TYPE)

    paths = ("/Measure/$evaluate-measure", "/Measure/{id}/$evaluate-measure")
    return [Route(prefix + path, negotiated(evaluated), methods=["GET", "POST"]) for path in paths]
