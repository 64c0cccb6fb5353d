"""The routes of messaging: a message in, its answer at once or asked for later."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access, Envelope
from adapters.fhir import answers, xml
from adapters.fhir.formats import negotiated
from adapters.fhir.messaging import PROCESS
from adapters.fhir.messaging.reading import open_message
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.requests import kind_of
from tracker_core import jobs
from tracker_core.errors import NotFound, Unsupported

OFFERED = {"process-message": "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"}


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes."""

    async def process(request: HttpRequest) -> Response:
        return await run_in_threadpool(_process, access, prefix, request, await request.body())

    async def ended(request: HttpRequest) -> Response:
        return await run_in_threadpool(_ended, access, request)

    return [
        Route(f"{prefix}/{PROCESS}", negotiated(process), methods=["POST"]),
        Route(f"{prefix}/{PROCESS}/{{id}}", negotiated(ended), methods=["GET"]),
    ]


def _process(access: Access, prefix: str, request: HttpRequest, raw: bytes) -> Response:
    """Take a message.

    With `async=true` it is kept and the answer is fetched from `Content-Location` later. A `response-url` is refused:
    whoever may send a message must not make the hub call an address of their choice.
    """
    if request.query_params.get("response-url"):
        raise Unsupported("response-url is not followed: with async=true the answer is at Content-Location")
    content_type = request.headers.get("content-type", "")
    query = request.url.query
    target = f"{prefix}/{PROCESS}" + (f"?{query}" if query else "")
    envelope = Envelope(content_type, "POST", target)
    if request.query_params.get("async") == "true":
        id = open_message(xml.read(raw) if kind_of(content_type).endswith("xml") else raw).id
        access.queue("fhir", raw, envelope, request.state.user, id)
        base = f"{request.url.scheme}://{request.url.netloc}{prefix}"
        return Response(status_code=202, headers={"content-location": f"{base}/{PROCESS}/{id}"})
    accepted = access.accept("fhir", raw, envelope, request.state.user)
    return Response(accepted.answer, answers.failure(accepted) or 200, media_type=CONTENT_TYPE)


def _ended(access: Access, request: HttpRequest) -> Response:
    """Answer with the answer of a message that this user sent, 202 as long as there is none."""
    id = request.path_params["id"]
    with access.reading() as session:
        job = jobs.find(session, "fhir", id)
    if job is None or job.actor != request.state.user.username or not job.type.startswith(PROCESS):
        raise NotFound(f"there is no message {id}")
    if job.answer is None:
        return Response(status_code=202, headers={"retry-after": "1"})
    return Response(job.answer, 200, media_type=CONTENT_TYPE)
