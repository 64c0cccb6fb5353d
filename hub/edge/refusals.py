"""What the hub itself answers in a face's place, in that face's own words."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.contract import Face
from tracker_core.errors import HubError, Unavailable, wording

log = structlog.get_logger()

Refuse = Callable[[str, int, str, Mapping[str, str]], Response]

NO_HEADERS: Mapping[str, str] = {}
TRY_AGAIN = {"Retry-After": "5"}


def face_of(faces: Sequence[Face], path: str) -> Face | None:
    """Return the face that serves `path`, or None."""
    for face in faces:
        if path == face.prefix or path.startswith(f"{face.prefix}/"):
            return face
    return None


def refusals(faces: Sequence[Face]) -> Refuse:
    """Return `refuse(path, status, text, headers)`: a response in the words of the path's face, else JSON."""

    def refuse(path: str, status: int, text: str, headers: Mapping[str, str]) -> Response:
        face = face_of(faces, path)
        if face is None:
            return JSONResponse({"status": status, "error": text}, status, headers)
        body, content_type = face.refuse(status, text)
        return Response(body, status, {**headers, "Content-Type": content_type})

    return refuse


def refuse_error(refuse: Refuse, request: HTTPConnection, error: HubError) -> Response:
    """Return the response to one of the six errors."""
    text = f"{error.where}: {error.detail}" if error.where else error.detail
    again = TRY_AGAIN if isinstance(error, Unavailable) else NO_HEADERS
    return refuse(request.url.path, wording(error).http, text, again)


def catch_errors(app: ASGIApp, refuse: Refuse) -> ASGIApp:
    """Answer whatever is raised further in: the six errors by their own status, anything else as 500, logged."""

    async def caught(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await app(scope, receive, watched)
        except Exception as error:
            request = Request(scope)
            if not isinstance(error, HubError):
                log.exception("request failed", method=request.method, path=request.url.path)
            if started:
                raise
            response = (
                refuse_error(refuse, request, error)
                if isinstance(error, HubError)
                else refuse(request.url.path, 500, "an error of this hub; it has been logged", NO_HEADERS)
            )
            await response(scope, receive, send)

    return caught
