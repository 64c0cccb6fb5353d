"""The routes of searches that `GET` of a path does not cover: posted ones, and operations with Parameters."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.fhir import xml
from adapters.fhir.formats import negotiated
from adapters.fhir.replies import Pairs, query_pairs
from adapters.fhir.requests import kind_of
from adapters.fhir.searching.operations import OPERATIONS, Operation
from tracker_core.errors import Malformed

_FORM = "application/x-www-form-urlencoded"
Run = Callable[[HttpRequest, Pairs], Awaitable[Response]]
Operate = Callable[[Operation, HttpRequest, Pairs], Awaitable[Response]]


def routes(prefix: str, run: Run, operate: Operate) -> Sequence[BaseRoute]:
    """Return the routes.

    `run(request, parameters)` answers the path of the request as a GET of it would be; `operate` does an operation.
    """

    async def posted(request: HttpRequest) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        return await run(request, [*query_pairs(request.url.query), *query_pairs(body)])

    def operation(one: Operation) -> BaseRoute:
        async def operated(request: HttpRequest) -> Response:
            given = await parameters(request) if request.method == "POST" else []
            return await operate(one, request, [*query_pairs(request.url.query), *given])

        return Route(f"{prefix}/{one.path}", negotiated(operated), methods=list(one.methods))

    paths = ["/_search", "/{type}/_search", "/{type}/{id}/{member}/_search"]
    return [
        *(Route(prefix + path, negotiated(posted), methods=["POST"]) for path in paths),
        *map(operation, OPERATIONS),
    ]


async def parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what a posted form or Parameters says, as a query would. Raises `Malformed`."""
    raw = await request.body()
    kind = kind_of(request.headers.get("content-type", ""))
    if kind == _FORM or not raw.strip():
        return query_pairs(raw.decode("utf-8", "replace"))
    try:
        document = orjson.loads(xml.read(raw) if kind.endswith("xml") else raw)
    except ValueError as error:
        raise Malformed(f"the body is no Parameters: {error}") from error
    if not isinstance(document, dict) or document.get("resourceType") != "Parameters":
        raise Malformed("a Parameters resource is expected", where="Parameters")
    return [(str(one.get("name", "")), _text(one)) for one in document.get("parameter", ()) if isinstance(one, dict)]


def _text(parameter: dict[str, Any]) -> str:
    """Return the value of a parameter as a query would have it."""
    value = next((value for key, value in parameter.items() if key.startswith("value")), "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("reference") or "|".join(str(value[key]) for key in ("system", "code") if key in value))
    return str(value)
