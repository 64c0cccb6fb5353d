"""The routes of `$export`: kick-off, status, cancellation, files (Bulk Data Access IG 2.0)."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir import outcomes
from adapters.fhir.bulk import asking, exporting, manifest
from adapters.fhir.formats import negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.replies import Pairs, query_pairs
from adapters.fhir.searching.http import parameters
from tracker_core import records
from tracker_core.bulk import Order, orders
from tracker_core.context import User
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound, Unsupported

MOST_OPEN = 5
FOLDER = "bulk"
NDJSON = "application/fhir+ndjson"


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes."""

    async def kick_off(request: HttpRequest) -> Response:
        given = query_pairs(request.url.query)
        if request.method == "POST":
            given += await parameters(request)
        return await run_in_threadpool(_place, access, request, given)

    async def status(request: HttpRequest) -> Response:
        answer = _cancel if request.method == "DELETE" else _status
        return await run_in_threadpool(answer, access, request)

    async def file(request: HttpRequest) -> Response:
        return await run_in_threadpool(_file, access, request)

    levels = ("/$export", "/Patient/$export", "/Group/{id}/$export")
    return [
        *(Route(prefix + path, negotiated(kick_off), methods=["GET", "POST"]) for path in levels),
        Route(f"{prefix}/$export/{{uid}}", negotiated(status), methods=["GET", "DELETE"]),
        Route(f"{prefix}/$export/{{uid}}/{{name}}", file, methods=["GET", "HEAD"]),
    ]


def _place(access: Access, request: HttpRequest, pairs: Pairs) -> Response:
    """Put an export in line and say where to ask for it."""
    prefer = request.headers.get("prefer", "")
    if "respond-async" not in prefer:
        raise Malformed("an export takes its time: ask with the header Prefer: respond-async", where="Prefer")
    if access.files is None:
        raise Unsupported("this process has no folder for files; exports need one")
    id = request.path_params.get("id", "")
    level = "group" if id else "patient" if "/Patient/" in request.url.path else "system"
    asked = asking.read(level, id, pairs, lenient="handling=lenient" in prefer)
    if asked.patients is not None and request.method == "GET":
        raise Malformed("patients are named in the Parameters of a POST", where="patient")
    user: User = request.state.user
    with access.session() as session:
        if id:
            _require_group(session, id)
        exporting.check(session, asked)
        if orders.count_open(session, user.username) >= MOST_OPEN:
            body = outcomes.refuse(429, f"{MOST_OPEN} of your exports have not ended: wait, or cancel one")[0]
            return Response(body, 429, {"Retry-After": "60"}, CONTENT_TYPE)
        uid = orders.place(session, "export", user.username, str(request.url), asked.stored())
    return Response(status_code=202, headers={"Content-Location": f"{_base(request)}/{uid}"})


def _require_group(session: Session, id: str) -> None:
    found = records.read(session, [("Group", id)]).get(("Group", id))
    if found is None or found.deleted:
        raise NotFound(f"there is no Group/{id}")


def _base(request: HttpRequest) -> str:
    root = request.url.path.partition("/")[2].partition("/")[0]
    return f"{request.url.scheme}://{request.url.netloc}/{root}/$export"


def _status(access: Access, request: HttpRequest) -> Response:
    with access.session() as session:
        order = _order(session, request)
        files = orders.files(session, order.uid)
    if not order.ended:
        return Response(status_code=202, headers=manifest.progress(order))
    if order.state == "failed":
        return Response(outcomes.refuse(500, order.error)[0], 500, media_type=CONTENT_TYPE)
    body = manifest.manifest(order, files, f"{_base(request)}/{order.uid}")
    return Response(body, headers=manifest.expiry(order), media_type="application/json")


def _cancel(access: Access, request: HttpRequest) -> Response:
    with access.session() as session:
        orders.cancel(session, _order(session, request).uid)
    return Response(status_code=202)


def _file(access: Access, request: HttpRequest) -> Response:
    """Serve one file, or the range of it that is asked for."""
    with access.session() as session:
        order = _order(session, request)
        names = {one.name: one for one in orders.files(session, order.uid)} if order.state == "done" else {}
    name = request.path_params["name"]
    if name not in names or access.files is None:
        raise NotFound(f"the export has no file {name}")
    path = access.files / FOLDER / order.uid / name
    if not path.is_file():
        raise NotFound(f"the file {name} is not on this machine")
    return FileResponse(path, media_type=NDJSON)


def _order(session: Session, request: HttpRequest) -> Order:
    """Return the order in the path. Raises `NotFound` for others' orders too: nobody is told that there are any."""
    uid = request.path_params["uid"]
    found = orders.find(session, "export", uid)
    user: User = request.state.user
    if found is None or (found.owner != user.username and "ALL" not in user.authorities):
        raise NotFound(f"there is no export {uid}")
    return found
