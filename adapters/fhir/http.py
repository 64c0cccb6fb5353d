"""The HTTP face of FHIR: writes go through the hub as stored messages, reads are answered from the store."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Accepted, Access, Envelope
from adapters.fhir import answers, capability, outcomes, reads
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.reading import READS
from adapters.fhir.reads import Conditions, Reply
from adapters.fhir.requests import Request, parse
from adapters.fhir.terminology import http as terminology
from tracker_core import records
from tracker_core.database import AsyncPool, async_reading
from tracker_core.errors import HubError, NotFound, wording
from tracker_core.issues import Outcome
from tracker_core.records.definitions import resource_types

PREFIX = "/fhir"
_KEPT_HEADERS = ("if-match", "if-none-match", "if-none-exist", "prefer")
_JSON = ("application/fhir+json", "application/json", "application/*", "*/*", "text/json", "json")
_READ_METHODS = (b'"GET"', b'"HEAD"')
_STATUS = {"created": 201, "updated": 200, "unchanged": 200, "ignored": 200, "deleted": 204}


def routes(access: Access) -> Sequence[BaseRoute]:
    """Return the routes of the face."""

    async def metadata(request: HttpRequest) -> Response:
        _negotiate(request)
        return Response(capability.statement(_base(request)), media_type=CONTENT_TYPE)

    async def bundle(request: HttpRequest) -> Response:
        _negotiate(request)
        raw = await request.body()
        return await run_in_threadpool(_bundle, access, request, raw)

    async def get(request: HttpRequest) -> Response:
        _negotiate(request)
        one = reads.names_one(_below_base(request)) if access.direct else None
        if access.direct and one:
            return await _get_one(access.direct, request, *one)
        return await run_in_threadpool(_get, access, request, request.url.query)

    async def search(request: HttpRequest) -> Response:
        _negotiate(request)
        body = (await request.body()).decode("utf-8", "replace")
        query = "&".join(part for part in (request.url.query, body) if part)
        return await run_in_threadpool(_get, access, request, query)

    async def write(request: HttpRequest) -> Response:
        _negotiate(request)
        raw = await request.body()
        return await run_in_threadpool(_write, access, request, raw)

    return [
        Route(PREFIX, bundle, methods=["POST"]),
        Route(f"{PREFIX}/", bundle, methods=["POST"]),
        Route(f"{PREFIX}/metadata", metadata, methods=["GET"]),
        *terminology.routes(access, PREFIX),
        Route(f"{PREFIX}/{{type}}/_search", search, methods=["POST"]),
        Route(f"{PREFIX}/{{type}}", get, methods=["GET"]),
        Route(f"{PREFIX}/{{type}}", write, methods=["POST", "PUT", "DELETE"]),
        Route(f"{PREFIX}/{{type}}/{{id}}", write, methods=["PUT", "DELETE"]),
        Route(f"{PREFIX}/{{path:path}}", get, methods=["GET"]),
    ]


def _base(request: HttpRequest) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}"


def _negotiate(request: HttpRequest) -> None:
    """Refuse what sends XML or asks for nothing but it: JSON is what is stored."""
    wanted = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    kinds = [kind.partition(";")[0].strip() for kind in wanted.replace(" ", "+").split(",")]
    if not any(kind in _JSON for kind in kinds):
        raise HTTPException(406, f"{wanted} is not offered: ask for application/fhir+json")
    if "xml" in request.headers.get("content-type", ""):
        raise HTTPException(415, "XML is not offered: send application/fhir+json")


def _envelope(request: HttpRequest) -> Envelope:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    return Envelope(request.headers.get("content-type", ""), request.method, target, {}, headers)


async def _get_one(pool: AsyncPool, request: HttpRequest, type_: str, id: str) -> Response:
    """Read one record in the event loop: a change of thread would cost more than the read."""
    async with async_reading(pool) as session:
        found = await records.read_one(session, type_, id)
    pairs = reads.query_pairs(request.url.query)
    return _response(reads.shown_one(type_, id, found, pairs, _conditions(request)))


def _get(access: Access, request: HttpRequest, query: str) -> Response:
    pairs = reads.query_pairs(query)
    with access.reading() as session:
        reply = reads.read(session, _base(request), _below_base(request), pairs, _conditions(request))
    return _response(reply)


def _below_base(request: HttpRequest) -> str:
    return request.url.path.removeprefix(PREFIX).strip("/").removesuffix("/_search")


def _conditions(request: HttpRequest) -> Conditions:
    return Conditions(
        request.headers.get("if-none-match", ""),
        request.headers.get("if-modified-since", ""),
        strict="handling=strict" in request.headers.get("prefer", ""),
    )


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, reply.headers, CONTENT_TYPE if reply.body else None)


def _bundle(access: Access, request: HttpRequest, raw: bytes) -> Response:
    accepted = access.accept("fhir", raw, _envelope(request), request.state.user)
    status = _failure(accepted)
    # Most bundles write only: they are not parsed again to find that out.
    asked = _parsed(raw, request) if status or any(method in raw for method in _READ_METHODS) else None
    if accepted.error is not None or (status and (asked is None or asked.interaction != "batch")):
        return Response(accepted.answer, status, media_type=CONTENT_TYPE)
    # A batch answers each entry for itself, whatever became of the others.
    if asked is not None and any(entry.method in READS for entry in asked.entries):
        return Response(_with_reads(access, request, accepted, asked), media_type=CONTENT_TYPE)
    return Response(accepted.answer, media_type=CONTENT_TYPE)


def _parsed(raw: bytes, request: HttpRequest) -> Request | None:
    try:
        return parse(raw, _envelope(request))
    except HubError:
        return None


def _with_reads(access: Access, request: HttpRequest, accepted: Accepted, asked: Request) -> bytes:
    """Answer the reads of a bundle after its writes, as the specification orders them (R4 3.1.0.11.2)."""
    done: dict[int, bytes] = {}
    with access.reading() as session:
        for number, entry in enumerate(asked.entries):
            if entry.method not in READS:
                continue
            try:
                pairs = reads.query_pairs(entry.query)
                reply = reads.read(session, _base(request), entry.target, pairs, Conditions(entry.if_none_match))
                etag = reply.headers.get("etag", "")
                done[number] = answers.response(str(reply.status), etag=etag, resource=reply.body)
            except HubError as error:
                done[number] = answers.response(str(wording(error).http), outcomes.of_error(error))
    return answers.bundle(asked, accepted.report, done)


def _failure(accepted: Accepted) -> int:
    """Return the status of a refusal, or 0."""
    if accepted.error is not None:
        return wording(accepted.error).http
    status = outcomes.status(accepted.report.issues)
    return status if status >= 400 else 0


def _write(access: Access, request: HttpRequest, raw: bytes) -> Response:
    if request.path_params["type"] not in resource_types():
        raise NotFound(f"R4 has no resource type {request.path_params['type']!r}")
    accepted = access.accept("fhir", raw, _envelope(request), request.state.user)
    status = _failure(accepted)
    if status:
        return Response(accepted.answer, status, media_type=CONTENT_TYPE)
    done = next(iter(accepted.report.outcomes), None)
    if request.method == "DELETE" or done is None:
        headers = {"etag": f'W/"{done.version}"'} if done and done.version else {}
        return Response(status_code=204, headers=headers)
    return _written(access, request, accepted, done)


def _written(access: Access, request: HttpRequest, accepted: Accepted, done: Outcome) -> Response:
    headers = {"location": f"{_base(request)}/{answers.location(done)}", "etag": f'W/"{done.version}"'}
    prefer = request.headers.get("prefer", "")
    if "return=minimal" in prefer:
        return Response(status_code=_STATUS[done.action], headers=headers)
    if "return=OperationOutcome" in prefer:
        return Response(accepted.answer, _STATUS[done.action], headers, CONTENT_TYPE)
    with access.reading() as session:
        stored = records.read_version(session, done.kind, done.id, done.version)
    body = stored.doc if stored else accepted.answer
    extra = reads.headers_of(stored) if stored else {}
    return Response(body, _STATUS[done.action], headers | extra, CONTENT_TYPE)
