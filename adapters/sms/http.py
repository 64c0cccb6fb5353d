"""The HTTP face of text messages: where a gateway posts what people answer, and its delivery receipts."""

import asyncio
from collections.abc import Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.contract import Access, Envelope, Face
from tracker_core.errors import wording


def routes(access: Access) -> Sequence[Route]:
    """Return the route of `/hub/sms`."""

    async def receive(request: Request) -> Response:
        raw = await request.body()
        envelope = Envelope(request.headers.get("content-type", ""), request.method, request.url.path)
        peer, user = request.path_params["peer"], request.state.user
        accepted = await asyncio.to_thread(access.accept, "sms", raw, envelope, user, peer)
        status = wording(accepted.error).http if accepted.error else 422 if accepted.report.rejected else 200
        return Response(accepted.answer, status, media_type="application/json")

    return (Route("/hub/sms/{peer}", receive, methods=["POST"]),)


def refuse(_status: int, text: str) -> tuple[bytes, str]:
    """Return a refusal as the short JSON object that a gateway gets for everything."""
    return orjson.dumps({"accepted": False, "reason": text}), "application/json"


FACE = Face("/hub/sms", "what SMS gateways post back: texts and delivery receipts", routes, refuse)
