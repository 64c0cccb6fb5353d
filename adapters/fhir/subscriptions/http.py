"""The operations of Subscription: how it is, which events there were, and a token for a socket (Backport IG 1.1)."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.contract import Access
from adapters.fhir.formats import Handler, negotiated
from adapters.fhir.outcomes import CONTENT_TYPE
from adapters.fhir.replies import Pairs, query_pairs
from adapters.fhir.searching.http import parameters
from adapters.fhir.subscriptions import sockets
from adapters.fhir.subscriptions.bundles import notice, status
from tracker_core.context import User
from tracker_core.database import Session
from tracker_core.errors import Forbidden, Malformed, NotFound
from tracker_core.records.terms import instant
from tracker_core.subscriptions import notices, tokens

_LAST = 2**62
_CONTENTS = ("empty", "id-only", "full-resource")


def routes(access: Access, prefix: str) -> Sequence[BaseRoute]:
    """Return the routes of the operations, and of the socket."""

    def handler(answer: Any) -> Handler:
        async def answered(request: HttpRequest) -> Response:
            given = query_pairs(request.url.query)
            if request.method == "POST":
                given += await parameters(request)
            return await run_in_threadpool(_answered, access, answer, request, prefix, given)

        return negotiated(answered)

    return [
        *(
            Route(f"{prefix}/Subscription{path}", handler(answer), methods=["GET", "POST"])
            for path, answer in (
                ("/$status", _status),
                ("/{id}/$status", _status),
                ("/{id}/$events", _events),
                ("/$get-ws-binding-token", _token),
                ("/{id}/$get-ws-binding-token", _token),
            )
        ),
        sockets.route(access, prefix),
    ]


def _answered(access: Access, answer: Any, request: HttpRequest, prefix: str, pairs: Pairs) -> Response:
    base = f"{request.url.scheme}://{request.url.netloc}{prefix}"
    ids = [request.path_params["id"]] if "id" in request.path_params else []
    ids += [one for key, value in pairs if key == "id" for one in value.split(",")]
    with access.session() as session:
        body = answer(session, request.state.user, base, ids, dict(pairs))
    return Response(body, media_type=CONTENT_TYPE)


def _status(session: Session, _user: User, base: str, ids: Sequence[str], given: dict[str, str]) -> bytes:
    """Tell of the subscriptions named, or of all: status, number of events, what is wrong."""
    wanted = [one for one in given.get("status", "").split(",") if one]
    found = [values for values in notices.statuses(session, ids) if not wanted or values["state"] in wanted]
    if ids and not found and not wanted:
        raise NotFound(f"there is no Subscription/{ids[0]}")
    entries = [
        {
            "fullUrl": f"{base}/Subscription/{values['id']}/$status",
            "resource": status(values, base),
            "search": {"mode": "match"},
        }
        for values in found
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})


def _events(session: Session, user: User, base: str, ids: Sequence[str], given: dict[str, str]) -> bytes:
    """Tell of the events `eventsSinceNumber` to `eventsUntilNumber` again: what a subscriber missed."""
    record, values = _own(session, user, ids[0])
    content = given.get("content") or values["content"] or "full-resource"
    if content not in _CONTENTS:
        raise Malformed(f"content is one of {', '.join(_CONTENTS)}", where="content")
    first, last = _number(given, "eventsSinceNumber", 1), _number(given, "eventsUntilNumber", _LAST)
    events = notices.events(session, record, first, last)
    return notice({**values, "content": content, "events": events, "kind": "query-event"}, base)


def _number(given: dict[str, str], name: str, usual: int) -> int:
    text = given.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed(f"{name} is the number of an event, not {text!r}", where=name)
    return int(text) if text else usual


def _token(session: Session, user: User, base: str, ids: Sequence[str], _given: dict[str, str]) -> bytes:
    """Give a token by which a socket is bound to these subscriptions, once and soon."""
    if not ids:
        raise Malformed("name a subscription", where="id")
    records = []
    for id in ids:
        record, values = _own(session, user, id)
        if values["channel"] != "websocket":
            raise Malformed(f"Subscription/{id} has no channel of the type websocket", where="id")
        records.append(record)
    token, until = tokens.give(session, records)
    told = [
        {"name": "token", "valueString": token},
        {"name": "expiration", "valueDateTime": instant(until)},
        *({"name": "subscription", "valueString": id} for id in ids),
        {"name": "websocket-url", "valueUrl": f"{base.replace('http', 'ws', 1)}/{sockets.PATH}"},
    ]
    return orjson.dumps({"resourceType": "Parameters", "parameter": told})


def _own(session: Session, user: User, id: str) -> tuple[int, dict[str, Any]]:
    """Return a subscription of the caller's, or any to an administrator. Raises `NotFound`, `Forbidden`."""
    found = notices.statuses(session, [id])
    if not found:
        raise NotFound(f"there is no Subscription/{id}")
    if found[0]["owner"] != user.username and "ALL" not in user.authorities:
        raise Forbidden(f"Subscription/{id} is another user's")
    return found[0]["record"], found[0]
