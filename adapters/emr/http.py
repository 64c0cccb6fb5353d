"""The HTTP face of flat files: upload, the result of an upload, and export in the same shape."""

import asyncio
from collections.abc import Sequence

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.contract import Accepted, Access, Envelope, Face
from adapters.emr import large
from adapters.emr.period import Period, export_visits
from adapters.emr.words import report
from tracker_core import messages, peers
from tracker_core.context import User
from tracker_core.errors import Forbidden, Malformed, NotFound, wording

CSV, NDJSON, TSV = "text/csv; charset=utf-8", "application/x-ndjson", "text/tab-separated-values"
_ADMIN = "ALL"
_TOLD = 20


def routes(access: Access) -> Sequence[Route]:
    """Return the routes of `/hub/emr`."""

    async def upload(request: Request) -> Response:
        peer, user = request.path_params["peer"], request.state.user
        await asyncio.to_thread(_let_send, access, user, peer)
        raw, envelope = await _read_upload(request)
        return _answer(await asyncio.to_thread(access.accept, "emr", raw, envelope, user, peer), envelope, peer)

    async def result(request: Request) -> Response:
        return await asyncio.to_thread(_result, access, request)

    async def export(request: Request) -> Response:
        return await asyncio.to_thread(_export, access, request)

    return (
        Route("/hub/emr/{peer}", upload, methods=["POST"]),
        Route("/hub/emr/{peer}/results/{message:int}", result, methods=["GET"]),
        Route("/hub/emr/{peer}/export", export, methods=["GET"]),
        *large.routes(access),
    )


def refuse(status: int, text: str) -> tuple[bytes, str]:  # noqa: ARG001
    """Return a refusal in plain text."""
    return f"{text}\n".encode(), "text/plain; charset=utf-8"


FACE = Face("/hub/emr", "flat files of visits: upload, results, export", routes, refuse, files_at=("/hub/emr",))


async def _read_upload(request: Request) -> tuple[bytes, Envelope]:
    """Return the file of a request, sent as the body or as the one file of a form. Raises Malformed without one."""
    content_type = request.headers.get("content-type", "")
    parameters = dict(request.query_params)
    if content_type.startswith("multipart/form-data"):
        async with request.form(max_files=1) as form:
            files = [part for part in form.values() if isinstance(part, UploadFile)]
            if not files:
                raise Malformed("the form holds no file")
            raw, content_type = await files[0].read(), files[0].content_type or ""
            parameters.setdefault("file", files[0].filename or "")
    else:
        raw = await request.body()
    return raw, Envelope(content_type, request.method, request.url.path, parameters)


def _answer(accepted: Accepted, envelope: Envelope, peer: str) -> Response:
    """Return the result file: 200, or the status of what refused the whole file."""
    status = wording(accepted.error).http if accepted.error else 422 if accepted.report.rejected else 200
    headers = {
        "location": f"/hub/emr/{peer}/results/{accepted.message}",
        "x-message": str(accepted.message),
    }
    return Response(accepted.answer, status, headers, _type_of(accepted.answer, envelope.parameters.get("result")))


def _result(access: Access, request: Request) -> Response:
    with access.session() as session:
        peer = peers.read(session, request.path_params["peer"])
        _check(request.state.user, peer.id)
        message = messages.read(session, request.path_params["message"])
    if message.peer != peer.id or message.direction != "in":
        raise NotFound(f"there is no upload {message.id} of {peer.code}")
    if message.answer is None:
        return Response(f"{message.state}\n", 202, media_type="text/plain")
    return Response(message.answer, media_type=_type_of(message.answer, None))


def _export(access: Access, request: Request) -> Response:
    """Return visits as a file: `from` and `to` are dates, both included, `as` is the layout, `of=all` all senders.

    `since` (a moment with offset) asks for the visits of which something changed from then on. Codes that the EMR has
    no word for are told in the header `warning`, the most frequent first.
    """
    query = request.query_params
    with access.session() as session:
        peer = peers.read(session, request.path_params["peer"])
        _check(request.state.user, peer.id)
        everyone = query.get("of") == "all"
        if everyone and _ADMIN not in request.state.user.authorities:
            raise Forbidden("only an administrator may read the visits of other senders")
        layout = query.get("as") or str(peer.settings.get("layout", "csv"))
        since = large.moment_in(query)
        period = Period(query.get("from", ""), query.get("to", ""), since, everyone)
        body, untold = export_visits(session, peer, period, layout)
    told = "; ".join(report(untold)[:_TOLD]).encode("ascii", "replace").decode()
    headers = {"warning": f'199 - "{told}"'} if untold else {}
    return Response(body, headers=headers, media_type={"ndjson": NDJSON, "tsv": TSV}.get(layout, CSV))


def _let_send(access: Access, user: User, peer: str) -> None:
    """Let only the peer's own user and administrators send as a peer."""
    if _ADMIN in user.authorities:
        return
    with access.session() as session:
        own = peers.by_ids(session, [user.peer])[user.peer].code if user.peer is not None else ""
    if own != peer:
        raise Forbidden("only the peer's own user or an administrator may send its files")


def _check(user: User, peer: int) -> None:
    """Let only the peer's own user and administrators see a peer's files."""
    if user.peer != peer and _ADMIN not in user.authorities:
        raise Forbidden("only the peer's own user or an administrator may read its files")


def _type_of(body: bytes, wanted: str | None) -> str:
    return NDJSON if wanted == "ndjson" or body.startswith(b"{") else CSV
