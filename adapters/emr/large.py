"""Large files over HTTP: taken as a stream, worked off by workers, asked for later; and sets of files given out."""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.contract import Access, Envelope
from adapters.emr.disguise import Disguise
from adapters.emr.exporting import Wanted
from adapters.emr.importing import result_file
from adapters.emr.releasing import export_files
from adapters.emr.words import report
from tracker_core import imports, peers
from tracker_core.context import Peer, User
from tracker_core.database import Session
from tracker_core.errors import Forbidden, Malformed, NotFound
from tracker_core.imports import Import

_ADMIN = "ALL"
SECRET = "x-project-secret"  # noqa: S105 - the name of a header


def routes(access: Access) -> Sequence[Route]:
    """Return the routes of imports and of exports as sets."""

    async def take(request: Request) -> Response:
        return await _take(access, request)

    async def progress(request: Request) -> Response:
        return await asyncio.to_thread(_progress, access, request)

    async def result(request: Request) -> Response:
        await asyncio.to_thread(_progress, access, request)  # whether it may be read is said before it begins
        return StreamingResponse(_result(access, request), media_type="text/csv; charset=utf-8")

    async def release(request: Request) -> Response:
        return await asyncio.to_thread(_release, access, request)

    return (
        Route("/hub/emr/{peer}/imports", take, methods=["POST"]),
        Route("/hub/emr/{peer}/imports/{id:int}", progress, methods=["GET"]),
        Route("/hub/emr/{peer}/imports/{id:int}/result", result, methods=["GET"]),
        Route("/hub/emr/{peer}/sets/{table}", release, methods=["GET"]),
    )


async def _take(access: Access, request: Request) -> Response:
    """Keep a file as it comes, cut it into messages, and say where its progress is: 202."""
    parameters = dict(request.query_params)
    name = Path(parameters.get("file", "")).name or "upload"
    peer, user = (await asyncio.to_thread(_known, access, request)).code, request.state.user
    with TemporaryDirectory(prefix="tracker-hub-") as folder:
        path = Path(folder) / name
        with path.open("wb") as file:
            async for block in request.stream():
                file.write(block)
        envelope = Envelope(request.headers.get("content-type", ""), parameters=parameters)
        id = await asyncio.to_thread(access.import_files, [path], envelope, user, peer)
    where = f"/hub/emr/{peer}/imports/{id}"
    return JSONResponse({"import": id, "location": where}, 202, {"location": where})


def _known(access: Access, request: Request) -> Peer:
    with access.session() as session:
        return _peer(session, request)


def _peer(session: Session, request: Request) -> Peer:
    """Return the peer that a request names. Raises NotFound, or Forbidden for those who are not its own users."""
    peer = peers.read(session, request.path_params["peer"])
    if request.state.user.peer != peer.id and _ADMIN not in request.state.user.authorities:
        raise Forbidden("only the peer's own user or an administrator may handle its files")
    return peer


def _found(session: Session, request: Request) -> Import:
    """Return the import that a request names. Raises NotFound, or Forbidden for another peer's."""
    peer = _peer(session, request)
    found = imports.read(session, request.path_params["id"])
    if found.peer != peer.id:
        raise NotFound(f"there is no import {found.id} of {peer.code}")
    return found


def _progress(access: Access, request: Request) -> Response:
    with access.session() as session:
        found = _found(session, request)
        return JSONResponse({"files": found.name.split("\n"), **asdict(imports.progress(session, found.id))})


def _result(access: Access, request: Request) -> Iterator[bytes]:
    with access.session() as session:
        yield from result_file(session, _found(session, request))


def _release(access: Access, request: Request) -> Response:
    """Return the files of a layout as a zip; parameters as the options of `tracker-hub emr export`.

    A peer's own user may have what that peer sent, as it is; all else is for administrators. Disguised exports that
    persons can be told in are refused (409), unless `suppress=true` leaves those persons out.
    """
    user = request.state.user
    wanted = _wanted(request.path_params["table"], request.query_params, request.headers.get(SECRET, ""))
    body = BytesIO()
    with access.session() as session, TemporaryDirectory(prefix="tracker-hub-") as folder:
        _check(user, peers.read(session, request.path_params["peer"]).id, wanted)
        address = request.client.host if request.client else ""
        done = export_files(session, request.path_params["peer"], wanted, Path(folder), user.username, address)
        if done.anonymity and done.anonymity.failing and not wanted.suppress:
            return Response("\n".join(done.anonymity.report()) + "\n", 409, media_type="text/plain; charset=utf-8")
        with ZipFile(body, "w", ZIP_DEFLATED) as archive:
            if done.untold:
                archive.writestr("warnings.txt", "".join(f"{line}\n" for line in report(done.untold)))
            for path in sorted(Path(folder).iterdir()):
                archive.write(path, path.name)
    headers = {"content-disposition": f'attachment; filename="{wanted.table}.zip"'}
    return Response(body.getvalue(), media_type="application/zip", headers=headers)


def _check(user: User, peer: int, wanted: Wanted) -> None:
    if _ADMIN in user.authorities:
        return
    if user.peer != peer or wanted.everyone or wanted.disguise:
        raise Forbidden("only an administrator may export for research, or the records of other senders")


def moment_in(query: QueryParams) -> datetime | None:
    """Return the moment from which changes are asked for (`since`). Raises Malformed for one without an offset."""
    text = query.get("since", "")
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Malformed(str(error)) from error
    if moment and moment.tzinfo is None:
        raise Malformed("since is a moment with an offset: 2026-03-05T00:00:00Z")
    return moment


def _wanted(table: str, query: QueryParams, secret: str) -> Wanted:
    """Return what a query asks for: `disguise=anonymous`, or `pseudonymous` with the project's secret, or neither.

    Raises Malformed for anything else.
    """
    since = moment_in(query)
    try:
        shift, band, k = (int(query.get(name, default)) for name, default in (("shift", 180), ("band", 5), ("k", 5)))
    except ValueError as error:
        raise Malformed(str(error)) from error
    disguise = query.get("disguise", "")
    if min(shift, band, k) < 1 or disguise not in ("", "anonymous", "pseudonymous"):
        raise Malformed("shift, band and k are positive, disguise is anonymous or pseudonymous")
    if disguise == "pseudonymous" and not secret:
        raise Malformed(f"pseudonyms need the secret of the project, in the header {SECRET}")
    key = secrets.token_bytes(32) if disguise == "anonymous" else secret.encode()
    how = Disguise(key, shift, band, query.get("geography", "state")) if disguise else None
    quasi = tuple(word for word in query.get("quasi", "").split(",") if word)
    return Wanted(table, since, query.get("of") == "all", how, quasi, k, query.get("suppress") == "true")
