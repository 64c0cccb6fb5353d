"""The routes of the terminology operations: parameters in the query or in a Parameters resource."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir import xml
from adapters.fhir.formats import negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.requests import kind_of
from adapters.fhir.terminology.operations import OPERATIONS, QUICK, Operation, on_instance
from adapters.fhir.terminology.shelf import NotAtHandError, Reader, reader, remembered
from terminology.errors import Refused
from terminology.problems import Issue, Problem
from terminology.requests import Request, read_request
from tracker_core.database import AsyncPool, async_reading
from tracker_core.errors import Malformed

# What is longer is read in a thread: the event loop serves everyone.
_SMALL = 65_536


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return a route per operation, on the type and on one of its records."""

    async def operate(request: HttpRequest) -> Response:
        raw = await request.body()
        quick = await _at_once(access.direct, request, raw) if access.direct else None
        return quick if quick is not None else await run_in_threadpool(_operate, access, request, raw)

    answered = negotiated(operate)
    found: list[BaseRoute] = []
    for type_, name in OPERATIONS:
        # A closure table is written to: no link may do that.
        methods = ["POST"] if name == "$closure" else ["GET", "POST"]
        found.append(Route(f"{prefix}/{type_}/{name}", answered, methods=methods))
        if name == "$closure":
            found.append(Route(f"{prefix}/{name}", answered, methods=methods))
        elif name != "$batch-validate-code":
            found.append(Route(f"{prefix}/{type_}/{{id}}/{name}", answered, methods=["GET", "POST"]))
    return found


async def _at_once(pool: AsyncPool, request: HttpRequest, raw: bytes) -> Response | None:
    """Answer in the event loop what needs nothing but memory; None when it is not one of those."""
    operation = _named(request)[1]
    if operation not in QUICK or "id" in request.path_params or len(raw) > _SMALL:
        return None
    asked = read_request(_parameters(request, raw))
    if asked.resources or "valueSet" in asked.single:
        return None
    async with async_reading(pool) as session:
        shelf = await remembered(session)
    try:
        return _answered(operation, shelf, asked, request)
    except NotAtHandError:
        return None


def _operate(access: Access, request: HttpRequest, raw: bytes) -> Response:
    type_, operation = _named(request)
    asked = read_request(_parameters(request, raw))
    with access.session() as session:
        if "id" in request.path_params:
            on_instance(session, type_, request.path_params["id"], asked)
        return _answered(operation, reader(session), asked, request)


def _named(request: HttpRequest) -> tuple[str, Operation]:
    parts = request.url.path.strip("/").split("/")
    type_ = parts[1] if len(parts) > 2 else "ConceptMap"
    return type_, OPERATIONS[type_, parts[-1]]


def _answered(operation: Operation, shelf: Reader, asked: Request, request: HttpRequest) -> Response:
    accepted = request.headers.get("accept-language", "")
    try:
        return _response(operation(shelf, asked, "" if accepted == "*" else accepted), 200)
    except Problem as problem:
        return _response(_outcome(problem.issue), problem.status)
    except Refused as refused:
        return _response(_outcome(Issue("error", "invalid", "", "", refused.detail, refused.where)), 422)


def _parameters(request: HttpRequest, raw: bytes) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = [{"name": k, "valueString": v} for k, v in request.query_params.multi_items()]
    if request.method == "GET" or not raw.strip():
        return given
    if kind_of(request.headers.get("content-type", "")).endswith("xml"):
        raw = xml.read(raw)
    try:
        doc = orjson.loads(raw)
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(doc, dict) or doc.get("resourceType") != "Parameters":
        raise Malformed("a Parameters resource is expected")
    parts = doc.get("parameter", [])
    if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts):
        raise Malformed("Parameters.parameter is a list of objects")
    return [*given, *parts]


def _outcome(issue: Issue) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [issue.document()]}


def _response(doc: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(doc), status, media_type=CONTENT_TYPE)
