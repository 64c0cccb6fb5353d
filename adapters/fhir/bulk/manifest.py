"""What is told of an order: how far it is, and when it has ended, where its files are (Bulk Data Access IG 2.0)."""

from collections.abc import Sequence
from datetime import UTC
from email.utils import format_datetime

import orjson

from tracker_core.bulk import File, Order
from tracker_core.records.terms import instant

AGAIN = "5"  # seconds until it is worth asking again


def progress(order: Order) -> dict[str, str]:
    """Return the headers that say how far an open order is."""
    if order.state == "waiting":
        told = "waiting"
    elif order.kind == "import":
        told = f"file {order.position.get('input', 0) + 1} of {order.total:,}, {order.done:,} lines"
    else:
        share = min(99, 100 * order.done // order.total) if order.total else 0
        told = f"{share} % ({order.done:,} of {order.total:,})"
    return {"X-Progress": told, "Retry-After": AGAIN, "Cache-Control": "no-store"}


def manifest(order: Order, files: Sequence[File], base: str) -> bytes:
    """Return the manifest of an export that is done; its files are below `base`."""
    assert order.as_of is not None
    listed: dict[str, list[dict[str, object]]] = {"output": [], "deleted": [], "error": []}
    for one in files:
        listed[one.kind].append({"type": one.type, "url": f"{base}/{one.name}", "count": one.lines})
    told = {"transactionTime": instant(order.as_of), "request": order.request, "requiresAccessToken": True}
    return orjson.dumps({**told, **listed})


def result(order: Order, files: Sequence[File], base: str) -> bytes:
    """Return what came of an import that is done: resources written, by input, and files that say what was wrong."""
    assert order.finished is not None
    output = [
        {"type": one["type"] or "Resource", "inputUrl": one["url"], "count": one["done"]}
        for one in order.position["inputs"]
    ]
    error = [{"type": one.type, "url": f"{base}/{one.name}", "count": one.lines} for one in files if one.lines]
    told = {"transactionTime": instant(order.finished), "request": order.request, "requiresAccessToken": True}
    return orjson.dumps({**told, "output": output, "error": error})


def expiry(order: Order) -> dict[str, str]:
    """Return the headers that say how long the files can be had."""
    assert order.expires is not None
    return {"Expires": format_datetime(order.expires.astimezone(UTC), usegmt=True), "Cache-Control": "no-store"}
