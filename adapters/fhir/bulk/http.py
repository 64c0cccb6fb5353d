"""The routes of `$export` and `$import`: kick-off, status, cancellation, files (Bulk Data Access IG 2.0)."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir import outcomes
from adapters.fhir.bulk import asking, exporting, importing, inputs, manifest
from adapters.fhir.formats import negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.replies import Pairs, query_pairs
from adapters.fhir.requests import kind_of
from adapters.fhir.searching.http import parameters
from tracker_core import records
from tracker_core.bulk import Order, orders
from tracker_core.bulk.orders import Kind
from tracker_core.context import User
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound, Unsupported

MOST_OPEN = 5
FOLDER = "bulk"
NDJSON = "application/fhir+ndjson"
KINDS: tuple[Kind, ...] = ("export", "import")


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes."""

    async def export(request: HttpRequest) -> Response:
        given = query_pairs(request.url.query)
        if request.method == "POST":
            given += await parameters(request)
        return await run_in_threadpool(_export, access, request, given)

    async def import_(request: HttpRequest) -> Response:
        return await run_in_threadpool(_import, access, request, await request.body())

    def status(kind: Kind) -> Callable[[HttpRequest], Any]:
        async def answered(request: HttpRequest) -> Response:
            answer = _cancel if request.method == "DELETE" else _status
            return await run_in_threadpool(answer, access, request, kind)

        return negotiated(answered)

    def file(kind: Kind) -> Callable[[HttpRequest], Any]:
        async def answered(request: HttpRequest) -> Response:
            return await run_in_threadpool(_file, access, request, kind)

        return answered

    levels = ("/$export", "/Patient/$export", "/Group/{id}/$export")
    return [
        *(Route(prefix + path, negotiated(export), methods=["GET", "POST"]) for path in levels),
        Route(f"{prefix}/$import", negotiated(import_), methods=["POST"]),
        *(Route(f"{prefix}/${kind}/{{uid}}", status(kind), methods=["GET", "DELETE"]) for kind in KINDS),
        *(Route(f"{prefix}/${kind}/{{uid}}/{{name}}", file(kind), methods=["GET", "HEAD"]) for kind in KINDS),
    ]


def _export(access: Access, request: HttpRequest, pairs: Pairs) -> Response:
    """Put an export in line and say where to ask for it."""
    lenient = _prepared(access, request)
    id = request.path_params.get("id", "")
    level = "group" if id else "patient" if "/Patient/" in request.url.path else "system"
    asked = asking.read(level, id, pairs, lenient=lenient)
    if asked.patients is not None and request.method == "GET":
        raise Malformed("patients are named in the Parameters of a POST", where="patient")
    with access.session() as session:
        if id:
            _require_group(session, id)
        exporting.check(session, asked)
        return _placed(session, request, "export", asked.stored())[1]


def _import(access: Access, request: HttpRequest, raw: bytes) -> Response:
    """Put an import in line: of the files that a manifest names, or of the lines that were sent."""
    lenient = _prepared(access, request)
    kind = kind_of(request.headers.get("content-type", ""))
    sent = kind in asking.FORMATS
    named = [] if sent else inputs.read_manifest(raw, lenient=lenient)
    with access.session() as session:
        uid, response = _placed(session, request, "import", {"inputs": named or [{"type": "", "url": ""}]})
    if uid and sent and access.files is not None:
        importing.keep(access.files / FOLDER / uid, raw)
    return response


def _prepared(access: Access, request: HttpRequest) -> bool:
    """Check that the caller waits and that there is room; tell whether they are lenient."""
    prefer = request.headers.get("prefer", "")
    if "respond-async" not in prefer:
        raise Malformed("this takes its time: ask with the header Prefer: respond-async", where="Prefer")
    if access.files is None:
        raise Unsupported("this process has no folder for files; bulk data needs one")
    return "handling=lenient" in prefer


def _placed(session: Session, request: HttpRequest, kind: Kind, asked: dict[str, Any]) -> tuple[str, Response]:
    user: User = request.state.user
    if orders.count_open(session, user.username) >= MOST_OPEN:
        body = outcomes.refuse(429, f"{MOST_OPEN} of your exports and imports have not ended: wait, or cancel one")[0]
        return "", Response(body, 429, {"Retry-After": "60"}, CONTENT_TYPE)
    uid = orders.place(session, kind, user.username, str(request.url), asked)
    return uid, Response(status_code=202, headers={"Content-Location": f"{_base(request, kind)}/{uid}"})


def _require_group(session: Session, id: str) -> None:
    found = records.read(session, [("Group", id)]).get(("Group", id))
    if found is None or found.deleted:
        raise NotFound(f"there is no Group/{id}")


def _base(request: HttpRequest, kind: Kind) -> str:
    root = request.url.path.partition("/")[2].partition("/")[0]
    return f"{request.url.scheme}://{request.url.netloc}/{root}/${kind}"


def _status(access: Access, request: HttpRequest, kind: Kind) -> Response:
    with access.session() as session:
        order = _order(session, request, kind)
        files = orders.files(session, order.uid)
    if not order.ended:
        return Response(status_code=202, headers=manifest.progress(order))
    if order.state == "failed":
        return Response(outcomes.refuse(500, order.error)[0], 500, media_type=CONTENT_TYPE)
    told = manifest.manifest if kind == "export" else manifest.result
    body = told(order, files, f"{_base(request, kind)}/{order.uid}")
    return Response(body, headers=manifest.expiry(order), media_type="application/json")


def _cancel(access: Access, request: HttpRequest, kind: Kind) -> Response:
    with access.session() as session:
        orders.cancel(session, _order(session, request, kind).uid)
    return Response(status_code=202)


def _file(access: Access, request: HttpRequest, kind: Kind) -> Response:
    """Serve one file, or the range of it that is asked for."""
    with access.session() as session:
        order = _order(session, request, kind)
        names = {one.name for one in orders.files(session, order.uid)} if order.state == "done" else set()
    name = request.path_params["name"]
    if name not in names or access.files is None:
        raise NotFound(f"the {kind} has no file {name}")
    path = access.files / FOLDER / order.uid / name
    if not path.is_file():
        raise NotFound(f"the file {name} is not on this machine")
    return FileResponse(path, media_type=NDJSON)


def _order(session: Session, request: HttpRequest, kind: Kind) -> Order:
    """Return the order in the path. Raises `NotFound` for others' orders too: nobody is told that there are any."""
    uid = request.path_params["uid"]
    found = orders.find(session, kind, uid)
    user: User = request.state.user
    if found is None or (found.owner != user.username and "ALL" not in user.authorities):
        raise NotFound(f"there is no {kind} {uid}")
    return found
