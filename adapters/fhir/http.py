"""The HTTP face of FHIR: writes go through the hub as stored messages, reads are answered from the store."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Accepted, Access, Envelope
from adapters.fhir import answers, capability, outcomes, reads
from adapters.fhir.binaries import http as binaries
from adapters.fhir.binaries.content import CONTEXT
from adapters.fhir.bulk import http as bulk
from adapters.fhir.formats import Handler, negotiated
from adapters.fhir.forms import routes as forms_routes
from adapters.fhir.measures import http as measures
from adapters.fhir.messaging import http as messaging
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.patients import http as patients
from adapters.fhir.reading import READS
from adapters.fhir.replies import Conditions, Pairs, Reply, headers_of, query_pairs
from adapters.fhir.requests import KINDS, Entry, Request, kind_of, parse
from adapters.fhir.searching import http as searching
from adapters.fhir.searching.operations import Operation
from adapters.fhir.subscriptions import http as subscriptions
from adapters.fhir.terminology import http as terminology
from adapters.fhir.terminology.capability import statement as terminology_statement
from adapters.fhir.validating import http as validating
from tracker_core import records
from tracker_core.database import AsyncPool, Session, async_reading
from tracker_core.errors import HubError, NotFound, wording
from tracker_core.issues import Outcome
from tracker_core.records.definitions import resource_types

PREFIX = "/fhir"
_KEPT_HEADERS = ("if-match", "if-none-match", "if-none-exist", "prefer", CONTEXT)
_READ_METHODS = (b'"GET"', b'"HEAD"')
_STATUS = {"created": 201, "updated": 200, "unchanged": 200, "ignored": 200, "deleted": 204}


def routes(access: Access) -> Sequence[BaseRoute]:
    """Return the routes of the face."""

    async def metadata(request: HttpRequest) -> Response:
        terms = request.query_params.get("mode") == "terminology"
        made = terminology_statement(_base(request)) if terms else capability.statement(_base(request))
        return Response(made, media_type=CONTENT_TYPE)

    async def bundle(request: HttpRequest) -> Response:
        raw = await _body(request)
        return await run_in_threadpool(_bundle, access, request, raw)

    async def get(request: HttpRequest) -> Response:
        one = reads.names_one(_below_base(request)) if access.direct else None
        if access.direct and one:
            return await _get_one(access.direct, request, *one)
        return await run_in_threadpool(_get, access, request, query_pairs(request.url.query))

    async def search(request: HttpRequest, pairs: Pairs) -> Response:
        return await run_in_threadpool(_get, access, request, pairs)

    async def operate(one: Operation, request: HttpRequest, pairs: Pairs) -> Response:
        return await run_in_threadpool(_operate, access, one, request, pairs)

    async def write(request: HttpRequest) -> Response:
        raw = await _body(request)
        return await run_in_threadpool(_write, access, request, raw)

    def route(path: str, handler: Handler, *methods: str) -> Route:
        return Route(PREFIX + path, negotiated(handler), methods=methods)

    return [
        route("", bundle, "POST"),
        route("/", bundle, "POST"),
        route("/metadata", metadata, "GET"),
        *terminology.routes(access, PREFIX),
        *validating.routes(access, PREFIX),
        *bulk.routes(access, PREFIX),
        *patients.routes(access, PREFIX),
        *measures.routes(access, PREFIX),
        *forms_routes(access, PREFIX),
        *subscriptions.routes(access, PREFIX),
        *messaging.routes(access, PREFIX),
        *binaries.routes(access, PREFIX, get),
        *searching.routes(PREFIX, search, operate),
        route("", get, "GET"),
        route("/", get, "GET"),
        route("/{type}", get, "GET"),
        route("/{type}", write, "POST", "PUT", "PATCH", "DELETE"),
        route("/{type}/{id}", write, "PUT", "PATCH", "DELETE"),
        route("/{path:path}", get, "GET"),
    ]


async def _body(request: HttpRequest) -> bytes:
    kind = kind_of(request.headers.get("content-type", ""))
    if kind not in KINDS and request.path_params.get("type") != "Binary":
        raise HTTPException(415, f"{kind} is not taken: send application/fhir+json or application/fhir+xml")
    return await request.body()


def _base(request: HttpRequest) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}"


def _envelope(request: HttpRequest) -> Envelope:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    return Envelope(request.headers.get("content-type", ""), request.method, target, {}, headers)


async def _get_one(pool: AsyncPool, request: HttpRequest, type_: str, id: str) -> Response:
    """Read one record in the event loop: a change of thread would cost more than the read."""
    async with async_reading(pool) as session:
        found = await records.read_one(session, type_, id)
    pairs = query_pairs(request.url.query)
    return _response(request, reads.shown_one(type_, id, found, pairs, _conditions(request)))


def _get(access: Access, request: HttpRequest, pairs: Pairs) -> Response:
    with access.reading() as session:
        reply = reads.read(session, _base(request), _below_base(request), pairs, _conditions(request))
    return _response(request, reply)


def _operate(access: Access, one: Operation, request: HttpRequest, pairs: Pairs) -> Response:
    steps = _below_base(request).split("/")
    with access.session() as session:
        reply = one.answer(session, _base(request), steps, pairs, _conditions(request))
    return _response(request, reply)


def _below_base(request: HttpRequest) -> str:
    return request.url.path.removeprefix(PREFIX).strip("/").removesuffix("_search").rstrip("/")


def _conditions(request: HttpRequest) -> Conditions:
    return Conditions(
        request.headers.get("if-none-match", ""),
        request.headers.get("if-modified-since", ""),
        strict="handling=strict" in request.headers.get("prefer", ""),
        administrator=_is_administrator(request),
    )


def _is_administrator(request: HttpRequest) -> bool:
    return "ALL" in request.state.user.authorities


def _response(request: HttpRequest, reply: Reply) -> Response:
    if reply.seen:
        request.state.seen = reply.seen
    return Response(reply.body, reply.status, reply.headers, CONTENT_TYPE if reply.body else None)


def _bundle(access: Access, request: HttpRequest, raw: bytes) -> Response:
    accepted = access.accept("fhir", raw, _envelope(request), request.state.user)
    status = answers.failure(accepted)
    represent = "return=representation" in request.headers.get("prefer", "")
    # Most bundles write only: they are not parsed again to find that out.
    needed = status or represent or any(method in raw for method in _READ_METHODS)
    asked = _parsed(raw, request) if needed else None
    if accepted.error is not None or (status and (asked is None or asked.interaction != "batch")):
        return Response(accepted.answer, status, media_type=CONTENT_TYPE)
    # A batch answers each entry for itself, whatever became of the others.
    if asked is not None and (represent or any(entry.method in READS for entry in asked.entries)):
        return Response(_with_resources(access, request, accepted, asked, represent), media_type=CONTENT_TYPE)
    return Response(accepted.answer, media_type=CONTENT_TYPE)


def _parsed(raw: bytes, request: HttpRequest) -> Request | None:
    try:
        return parse(raw, _envelope(request))
    except HubError:
        return None


def _with_resources(access: Access, request: HttpRequest, accepted: Accepted, asked: Request, represent: bool) -> bytes:
    """Answer the reads of a bundle after its writes, as the specification orders them (R4 3.1.0.11.2)."""
    with access.reading() as session:
        seen: list[int | None] = []
        done = {
            number: _read_entry(session, request, entry, seen)
            for number, entry in enumerate(asked.entries)
            if entry.method in READS
        }
        request.state.seen = seen
        written = accepted.report.outcomes if represent else []
        found = {id(one): records.read_version(session, one.kind, one.id, one.version) for one in written}
    docs = {one.where: stored.doc for one in written if (stored := found[id(one)]) and not stored.deleted}
    return answers.bundle(asked, accepted.report, done, docs)


def _read_entry(session: Session, request: HttpRequest, entry: Entry, seen: list[int | None]) -> bytes:
    try:
        conditions = Conditions(entry.if_none_match, entry.if_modified_since, administrator=_is_administrator(request))
        reply = reads.read(session, _base(request), entry.target, query_pairs(entry.query), conditions)
    except HubError as error:
        return answers.response(str(wording(error).http), outcomes.of_error(error))
    seen += reply.seen
    headers = {name: reply.headers.get(name, "") for name in ("etag", "last-modified")}
    if reply.status >= 400:
        return answers.response(str(reply.status), reply.body, etag=headers["etag"])
    resource = b"" if entry.method == "HEAD" else reply.body
    return answers.response(str(reply.status), etag=headers["etag"], resource=resource)


def _write(access: Access, request: HttpRequest, raw: bytes) -> Response:
    if request.path_params["type"] not in resource_types():
        raise NotFound(f"R4 has no resource type {request.path_params['type']!r}")
    accepted = access.accept("fhir", raw, _envelope(request), request.state.user)
    status = answers.failure(accepted)
    if status:
        return Response(accepted.answer, status, media_type=CONTENT_TYPE)
    done = next(iter(accepted.report.outcomes), None)
    if request.method == "DELETE" or done is None:
        headers = {"etag": f'W/"{done.version}"'} if done and done.version else {}
        if "return=OperationOutcome" in request.headers.get("prefer", ""):
            return Response(accepted.answer, 200, headers, CONTENT_TYPE)
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
    extra = headers_of(stored) if stored else {}
    return Response(body, _STATUS[done.action], headers | extra, CONTENT_TYPE)
