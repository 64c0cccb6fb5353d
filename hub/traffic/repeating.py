"""Running messages again: as they are, many by a search, or edited, with who did it and why."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, model_validator
from starlette.concurrency import run_in_threadpool

from adapters.contract import Envelope
from hub import work
from hub.runtime import Runtime
from hub.traffic.browsing import Search, as_json
from tracker_core import messages
from tracker_core.database import transaction
from tracker_core.errors import Conflict, Malformed
from tracker_core.messages import Message
from tracker_core.traffic import repeating, searching

MOST = 10_000


class Chosen(BaseModel):
    """The messages an act is for: by id, or all that a search finds (10,000 at most, the oldest first)."""

    ids: list[int] = Field(default_factory=list, max_length=MOST)
    search: Search | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> "Chosen":
        """Refuse neither and both."""
        if bool(self.ids) == (self.search is not None):
            raise ValueError("name either ids or a search")
        return self


class Replay(Chosen):
    """Messages to run again. With `copies`, messages that are done run again too, as messages of their own."""

    copies: bool = False
    note: str = ""


def routes_for(runtime: Runtime) -> APIRouter:
    """Return the routes that run messages again."""
    router = APIRouter()

    @router.post("/messages/replay")
    def replay(body: Replay, request: Request) -> Any:
        """Let parked or rejected messages run again, from the bytes that were kept; `copies` repeats those done."""
        with transaction(runtime.pool) as session:
            ids = searching.ids(session, body.search.wanted(), MOST) if body.search else body.ids
            count = messages.replay(session, ids)
            copies = repeating.copy(session, ids, request.state.user.username, body.note) if body.copies else []
        runtime.wake.set()
        return {"replayed": count, **({"copies": copies} if body.copies else {})}

    @router.post("/messages/{id}/edit")
    async def edit(id: int, request: Request, note: Annotated[str, Query(min_length=3)]) -> Any:
        """Run the bytes of the request in place of those of a message, which is kept as it was.

        The answer is the new message, run to its end: it names the one it replaces, who edited it, and the reason.
        """
        raw = await request.body()
        return await run_in_threadpool(run_edited, runtime, id, raw, request.state.user.username, note)

    return router


def run_edited(runtime: Runtime, id: int, raw: bytes, actor: str, note: str) -> dict[str, Any]:
    """Store edited bytes as a message that replaces `id`, and run it. Raises `Conflict` when that is done or waits."""
    if not raw:
        raise Malformed("the body of the request is the edited message, and it is empty")
    with transaction(runtime.pool) as session:
        old = messages.read(session, id)
        if old.state not in ("parked", "rejected"):
            raise Conflict(f"message {id} is {old.state}: only one that came to nothing can be edited")
        envelope = Envelope(**old.about) if old.direction == "in" else Envelope(old.content_type)
        identity = runtime.adapter(old.format).identify(raw, envelope)
        new = repeating.edit(
            session,
            old,
            raw,
            control_id=identity.control_id or old.control_id,
            type=identity.type or old.type,
            actor=actor,
            note=note,
            leased=True,
        )
        stored = messages.read(session, new)
    _run(runtime, stored)
    with transaction(runtime.pool) as session:
        return as_json(messages.read(session, new)) | {"replayOf": id, "note": note}


def _run(runtime: Runtime, message: Message) -> None:
    if message.direction == "in":
        work.settle(runtime, message)
    else:
        work.send(runtime, message)
    runtime.wake.set()
