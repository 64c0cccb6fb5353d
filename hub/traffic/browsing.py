"""Finding messages and looking at one: as bytes, as a person reads it, and what it did."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from hub.runtime import Runtime
from hub.traffic.showing import show
from tracker_core import messages
from tracker_core.database import transaction
from tracker_core.errors import NotFound
from tracker_core.messages import Message
from tracker_core.traffic import searching, tracing
from tracker_core.traffic.searching import Wanted


class Search(BaseModel):
    """What is searched for, as query parameters; see `tracker_core.traffic.searching.Wanted`."""

    peer: str = ""
    direction: str = Field("", pattern="^(in|out)?$")
    state: str = Field("", pattern="^(waiting|done|rejected|parked)?$")
    format: str = ""
    type: str = ""
    control_id: str = ""
    patient: str = ""
    person: str = ""
    lane: str = ""
    text: str = Field("", max_length=200)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    def wanted(self) -> Wanted:
        """Return the search in the core's words."""
        return Wanted(**{name: getattr(self, name) for name in Search.model_fields})


class PagedSearch(Search):
    """A search and the page of it that is wanted: what is older than the message `before`."""

    before: int | None = None
    limit: int = Field(50, ge=1, le=500)


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes that list and show messages."""
    router = APIRouter()

    @router.get("/messages")
    def list_messages(search: Annotated[PagedSearch, Query()]) -> Any:
        """List messages, newest first, without their bodies; `next` is the `before` of the next page."""
        with transaction(runtime.pool) as session:
            page = searching.search(session, search.wanted(), search.before, search.limit)
        return {"messages": page.messages, "next": page.next}

    @router.get("/messages/{id}")
    def read_message(id: int) -> Any:
        """Return one message with its report and envelope, without its bytes."""
        with transaction(runtime.pool) as session:
            return as_json(messages.read(session, id))

    @router.get("/messages/{id}/body")
    def read_body(id: int, download: bool = False) -> Response:
        """Return the very bytes that came in or went out."""
        with transaction(runtime.pool) as session:
            found = messages.read(session, id)
        headers = {"content-disposition": f'attachment; filename="message-{id}"'} if download else {}
        return Response(body_of(found), headers=headers, media_type=found.content_type or "application/octet-stream")

    @router.get("/messages/{id}/answer")
    def read_answer(id: int) -> Response:
        """Return the answer that was given to, or received for, this message."""
        with transaction(runtime.pool) as session:
            found = messages.read(session, id)
        if found.answer is None:
            raise NotFound(f"message {id} has no answer, or no longer")
        return Response(found.answer, media_type="application/octet-stream")

    @router.get("/messages/{id}/parsed")
    def read_parsed(id: int) -> Any:
        """Return the body as a person reads it: segments and fields with their names, or JSON, or text."""
        with transaction(runtime.pool) as session:
            found = messages.read(session, id)
        return show(runtime.adapter(found.format), body_of(found), found)

    @router.get("/messages/{id}/trace")
    def read_trace(id: int) -> Any:
        """Return what the message changed, what went out because of it, and where it came from."""
        with transaction(runtime.pool) as session:
            messages.read(session, id)
            return tracing.trace(session, id)

    @router.get("/balance")
    def balance() -> Any:
        """Count messages by direction, format and state: nothing received is ever missing from the sum."""
        with transaction(runtime.pool) as session:
            rows = messages.balance(session)
        return [dict(zip(("direction", "format", "state", "count"), row, strict=True)) for row in rows]

    return router


def body_of(message: Message) -> bytes:
    """Return the bytes of a message. Raises `NotFound` when it has none (yet, or no longer)."""
    if message.body is None:
        why = "has not been rendered yet" if message.state == "waiting" else "has no bytes any more"
        raise NotFound(f"message {message.id} {why}")
    return message.body


def as_json(message: Message) -> dict[str, Any]:
    """Return a message as shown, without its bytes."""
    return {
        "id": message.id,
        "direction": message.direction,
        "format": message.format,
        "type": message.type,
        "state": message.state,
        "controlId": message.control_id,
        "attempts": message.attempts,
        "created": message.created,
        "actor": message.actor,
        "about": message.about,
        "report": message.report,
        "error": message.error,
    }
