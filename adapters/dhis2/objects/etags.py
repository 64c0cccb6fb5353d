"""`ETag` and 304 on metadata reads: an answer stays the same as long as the metadata, the caller and the request do."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from adapters.dhis2.calls import Call, Reply
from adapters.dhis2.objects.view import USERS, View
from adapters.dhis2.webmessage import encode

_FRESH = "no-cache, private"


def answer(view: View, call: Call, body: Callable[[], Any]) -> Reply:
    """Return what `body` makes, or 304 without making it when the caller has it already.

    Users have no tag: an account changes without the metadata.
    """
    if call.captured.get("type") == USERS:
        return Reply(encode(body()), headers={"Cache-Control": _FRESH})
    tag = _tag(view, call)
    headers = {"ETag": tag, "Cache-Control": _FRESH}
    asked = [part.strip().removeprefix("W/") for part in call.headers.get("if-none-match", "").split(",")]
    if tag.removeprefix("W/") in asked or "*" in asked:
        return Reply(b"", 304, headers=headers)
    return Reply(encode(body()), headers=headers)


def _tag(view: View, call: Call) -> str:
    actor = view.actor
    who = (actor.username, sorted(actor.authorities), sorted(actor.groups), actor.capture, actor.search, view.locale)
    seen = f"{view.known.version} {view.known.places.version} {who} {call.url} {call.pairs}"
    return f'W/"{blake2b(seen.encode(), digest_size=12).hexdigest()}"'
