"""The routes of the patient operations."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access, Envelope
from adapters.fhir import answers, outcomes
from adapters.fhir.formats import negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.parameters import read
from adapters.fhir.patients import deciding
from adapters.fhir.patients.crossing import cross_reference
from adapters.fhir.patients.matching import match
from adapters.fhir.replies import Reply
from tracker_core.errors import Forbidden

_HL7 = "http://hl7.org/fhir/OperationDefinition/"
_OURS = "urn:tracker-hub:operation:"
# name -> definition, for the CapabilityStatement
OFFERED = {
    "match": f"{_HL7}Patient-match",
    "merge": f"{_HL7}Patient-merge",
    "unmerge": f"{_OURS}unmerge",
    "ihe-pix": "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
}
MAY_MERGE = "F_TRACKED_ENTITY_MERGE"


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes; what writes is stored as a message first, as every write is."""

    async def matched(request: HttpRequest) -> Response:
        given = read(request.url.query, await request.body(), request.headers.get("content-type", ""), "Patient")

        def run() -> Reply:
            with access.session() as session:
                return match(session, base(request, prefix), given)

        return _shown(request, await run_in_threadpool(run))

    async def crossed(request: HttpRequest) -> Response:
        given = read(request.url.query, await request.body(), request.headers.get("content-type", ""))

        def run() -> Reply:
            with access.session() as session:
                return cross_reference(session, base(request, prefix), given)

        return _shown(request, await run_in_threadpool(run))

    async def decided(request: HttpRequest) -> Response:
        return await run_in_threadpool(_decide, access, request, await request.body())

    return [
        Route(f"{prefix}/Patient/$match", negotiated(matched), methods=["POST"]),
        Route(f"{prefix}/Patient/$ihe-pix", negotiated(crossed), methods=["GET", "POST"]),
        Route(f"{prefix}/Patient/$merge", negotiated(decided), methods=["POST"]),
        Route(f"{prefix}/Patient/$unmerge", negotiated(decided), methods=["POST"]),
    ]


def _shown(request: HttpRequest, reply: Reply) -> Response:
    request.state.seen = reply.seen
    return Response(reply.body, reply.status, media_type=CONTENT_TYPE)


def base(request: HttpRequest, prefix: str) -> str:
    """Return the address of the face as the caller sees it."""
    return f"{request.url.scheme}://{request.url.netloc}{prefix}"


def _decide(access: Access, request: HttpRequest, raw: bytes) -> Response:
    user = request.state.user
    if not user.authorities & {"ALL", MAY_MERGE}:
        raise Forbidden(f"merging patients needs the authority {MAY_MERGE}")
    content_type = request.headers.get("content-type", "")
    query = request.url.query
    target = request.url.path + (f"?{query}" if query else "")
    accepted = access.accept("fhir", raw, Envelope(content_type, "POST", target), user)
    status = answers.failure(accepted)
    if status:
        return Response(accepted.answer, status, media_type=CONTENT_TYPE)
    result = str(accepted.report.extra.get("result", ""))
    outcome = outcomes.outcome(accepted.report.issues)
    return Response(deciding.answer(query, raw, content_type, outcome, result), media_type=CONTENT_TYPE)
