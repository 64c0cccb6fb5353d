"""The body of a message as a person reads it."""

from typing import Any

import orjson

from adapters.contract import Adapter, Envelope
from tracker_core.errors import HubError
from tracker_core.messages import Message

# A body of another format than JSON is shown up to here; the whole of it can be downloaded.
MOST = 200_000


def show(adapter: Adapter, body: bytes, message: Message) -> dict[str, Any]:
    """Return `{"as": …, …}`: what the format makes of the body, else its JSON, else its text; never raises.

    `problem` says why the format could not read it.
    """
    problem = ""
    if adapter.show is not None:
        envelope = Envelope(**message.about) if message.direction == "in" else Envelope(message.content_type)
        try:
            return {"as": adapter.name, "view": adapter.show(body, envelope)}
        except HubError as error:
            problem = error.detail
    try:
        view: dict[str, Any] = {"as": "json", "view": orjson.loads(body)}
    except ValueError:
        view = {"as": "text", "view": body[:MOST].decode("utf-8", "replace"), "cut": len(body) > MOST}
    return {**view, "problem": problem} if problem else view
