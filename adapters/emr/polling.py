"""Rows from the HTTP API of an EMR that nobody wrote an adapter for: declared by the peer's setting `pull`.

    {"path": "/api/visits", "parameters": {"closed": "1"}, "items": "data.rows",
     "page": {"by": "page", "parameter": "page", "first": 1, "size_parameter": "limit", "size": 100},
     "since": {"parameter": "updated_after", "field": "updated_at", "overlap": 300, "form": "iso"},
     "every": 60}

`page.by`: `page` counts, `offset` counts rows, `cursor` and `link` go on with what stands at `page.next` of the body (a
link may also stand in the header Link); none for an API that gives all at once. `since` is the newest value of `field`
that was seen, less `overlap` seconds: the EMR's own time, so that its clock need not agree with ours, and what it
committed late is seen again. `form` is how the API writes it: `iso`, `epoch` or `epoch-ms`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json import dumps, loads
from typing import Any

from adapters.calling import call
from adapters.contract import Envelope, Pulled
from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unsupported

_SIZE = 100
_FORMS = ("iso", "epoch", "epoch-ms")
_WAYS = ("", "page", "offset", "cursor", "link")


@dataclass(frozen=True, slots=True)
class Plan:
    """The declaration, checked."""

    path: str
    parameters: dict[str, Any]
    items: str
    by: str
    page: dict[str, Any]
    since: dict[str, Any]


def plan_of(peer: Peer) -> Plan:
    """Return a peer's declaration. Raises Unsupported when it cannot be followed."""
    told = peer.settings.get("pull")
    told = told if isinstance(told, dict) else {}
    page, since = dict(told.get("page", {})), dict(told.get("since", {}))
    by = str(page.get("by", ""))
    if by not in _WAYS or (by and by != "link" and not page.get("parameter")):
        raise Unsupported(f"pull.page of {peer.code}: `by` is page, offset, cursor (with a `parameter`) or link")
    if by == "cursor" and not page.get("next"):
        raise Unsupported(f"pull.page of {peer.code}: `next` says where the cursor stands")
    if since and (not since.get("parameter") or not since.get("field") or since.get("form", "iso") not in _FORMS):
        raise Unsupported(f"pull.since of {peer.code}: needs `parameter` and `field`; `form` is one of {_FORMS}")
    return Plan(
        str(told.get("path", "")), dict(told.get("parameters", {})), str(told.get("items", "")), by, page, since
    )


def poll(peer: Peer, cursor: dict[str, Any]) -> Iterator[Pulled]:
    """Yield page after page of the rows that are new since `cursor`, each as NDJSON; numbers keep their digits.

    The cursor is `{"since": …, "newest": …, "at": …}`; a sweep that is broken off goes on at the page it had reached.
    """
    plan = plan_of(peer)
    at = cursor.get("at")
    newest = cursor.get("newest", cursor.get("since"))
    while True:
        body, links = _page(peer, plan, cursor.get("since"), at)
        rows = _rows(peer, plan, body)
        newest = max([one for one in (newest, *_times(plan, rows)) if one is not None], default=None)
        at = _next(plan, body, links, rows, at)
        if at is None:
            yield Pulled(_ndjson(rows), {"since": newest} if newest else {}, _ENVELOPE)
            return
        yield Pulled(_ndjson(rows), {"since": cursor.get("since"), "newest": newest, "at": at}, _ENVELOPE)


_ENVELOPE = Envelope("application/x-ndjson", parameters={"result": "csv"})


def _page(peer: Peer, plan: Plan, since: str | None, at: Any) -> tuple[Any, dict[str, str]]:
    if plan.by == "link" and at is not None:
        response = call(peer, "GET", str(at), headers={"accept": "application/json"})
    else:
        parameters = {**plan.parameters, **_window(plan, since), **_place(plan, at)}
        response = call(peer, "GET", plan.path, parameters=parameters, headers={"accept": "application/json"})
    if not response.is_success:
        raise Unsupported(f"{peer.code} answered {response.status_code}: {response.text[:200]}")
    try:
        body = loads(response.content, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{peer.code} answered no JSON: {error}") from error
    return body, {name: str(link.get("url", "")) for name, link in response.links.items() if name}


def _window(plan: Plan, since: str | None) -> dict[str, str]:
    if not plan.since or since is None:
        return {}
    moment = datetime.fromisoformat(since) - timedelta(seconds=float(plan.since.get("overlap", 0)))
    form = plan.since.get("form", "iso")
    seconds = moment.timestamp()
    text = {"iso": moment.isoformat(), "epoch": str(int(seconds)), "epoch-ms": str(int(seconds * 1000))}[form]
    return {plan.since["parameter"]: text}


def _place(plan: Plan, at: Any) -> dict[str, Any]:
    if not plan.by:
        return {}
    size = plan.page.get("size_parameter")
    sized = {size: plan.page.get("size", _SIZE)} if size else {}
    if plan.by == "link":
        return sized
    first = plan.page.get("first", {"page": 1, "offset": 0}.get(plan.by))
    where = first if at is None else at
    return sized if where is None else {plan.page["parameter"]: where, **sized}


def _next(plan: Plan, body: Any, links: dict[str, str], rows: list[dict[str, Any]], at: Any) -> Any:
    """Return where the next page is, None at the end."""
    if plan.by in ("cursor", "link"):
        found = _inside(body, plan.page["next"]) if plan.page.get("next") else links.get("next")
        return found if found and found != at else None
    if not plan.by or len(rows) < int(plan.page.get("size", _SIZE)):
        return None
    first = plan.page.get("first", 1 if plan.by == "page" else 0)
    return int(first if at is None else at) + (1 if plan.by == "page" else len(rows))


def _rows(peer: Peer, plan: Plan, body: Any) -> list[dict[str, Any]]:
    found = _inside(body, plan.items)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Malformed(f"{peer.code} answered no list of objects at {plan.items or 'the top'}")
    return [dict(_flat(row)) for row in found]


def _inside(body: Any, path: str) -> Any:
    for step in path.split(".") if path else ():
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _flat(row: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the members of an object, those of inner ones by both names: `{"patient": {"id": 1}}` is `patient_id`."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}_")
        else:
            yield before + name, value


def _times(plan: Plan, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the times of the rows as ISO texts in UTC; what is no time counts for nothing."""
    if not plan.since:
        return
    form, name = plan.since.get("form", "iso"), str(plan.since["field"]).replace(".", "_")
    for row in rows:
        text = str(row.get(name) or "")
        try:
            if form == "iso":
                moment = datetime.fromisoformat(text)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            else:
                moment = datetime.fromtimestamp(float(text) / (1000 if form == "epoch-ms" else 1), UTC)
        except (ValueError, OverflowError, OSError):
            continue
        yield moment.astimezone(UTC).isoformat()


def _ndjson(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
