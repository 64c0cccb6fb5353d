"""HL7v2 over HTTP: `POST /hl7v2` with the semantics of the wire, batches included."""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access, Envelope, Face
from adapters.hl7v2 import acks, batches
from adapters.hl7v2.header import sender_code
from tracker_core.context import User
from tracker_core.errors import HubError, wording
from tracker_core.issues import Report

PREFIX = "/hl7v2"
CONTENT_TYPE = "application/hl7-v2"
CONTENT_TYPES = (CONTENT_TYPE, "x-application/hl7-v2+er7", "application/hl7-v2+er7", "text/plain")


def routes(access: Access) -> Sequence[BaseRoute]:
    """Return the route that takes messages in; each is stored before it is answered."""

    async def post(request: Request) -> Response:
        content_type = request.headers.get("content-type", CONTENT_TYPE)
        if content_type.split(";")[0].strip().lower() not in CONTENT_TYPES:
            return respond(415, *refuse(415, f"{content_type} is not HL7 v2; send {CONTENT_TYPE}"))
        raw = await request.body()
        envelope = Envelope(content_type, "POST", request.url.path, dict(request.query_params))
        status, answer = await run_in_threadpool(take_all, access, raw, envelope, request.state.user)
        return respond(status, answer, CONTENT_TYPE)

    return [Route(PREFIX, post, methods=["POST"]), Route(f"{PREFIX}/", post, methods=["POST"])]


def take_all(access: Access, raw: bytes, envelope: Envelope, user: User) -> tuple[int, bytes]:
    """Return the HTTP status and the acknowledgements of everything in a body; the worst status of a batch counts."""
    statuses = [200]

    def take(message: bytes) -> bytes:
        # A caller with a peer of its own cannot speak for another one.
        peer = sender_code(message) if user.peer is None else ""
        try:
            accepted = access.accept("hl7v2", message, envelope, user, peer)
        except HubError as error:
            statuses.append(wording(error).http)
            return acks.answer(message, Report(), error)
        if accepted.error is not None:
            statuses.append(wording(accepted.error).http)
        elif accepted.report.rejected:
            statuses.append(422)
        return accepted.answer

    answer = batches.answer_all(raw, take)
    return max(statuses), answer


def respond(status: int, body: bytes, content_type: str) -> Response:
    """Return the response; one without bytes says so (the sender asked for no acknowledgement)."""
    return Response(body, 204 if status == 200 and not body else status, media_type=content_type)


def refuse(status: int, text: str) -> tuple[bytes, str]:
    """Return the acknowledgement of a request that was refused before its message was looked at."""
    return acks.refuse(b"", "AE" if status >= 500 else "AR", "207", text), CONTENT_TYPE


FACE = Face(
    PREFIX, "HL7 v2 over HTTP: messages and batches in, acknowledgements out", routes, refuse, files_at=(PREFIX,)
)
