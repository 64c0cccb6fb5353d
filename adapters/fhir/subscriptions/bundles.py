"""Notices as bundles: a SubscriptionStatus (in R4 a Parameters), then the records it is about (Backport IG 1.1, R4)."""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from tracker_core.records.terms import instant

_PROFILES = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
_STATUS = f"{_PROFILES}-status-r4"
_NOTIFICATION = f"{_PROFILES}-notification-r4"
_METHODS = {"delete": ("DELETE", "204"), "create": ("POST", "201"), "update": ("PUT", "200")}


def notice(values: dict[str, Any], base: str) -> bytes:
    """Return what `tracker_core.subscriptions.notices.load` gave as a bundle; records are in it to the byte.

    The same events give the same bytes, whenever they are asked for under the same state.
    """
    own = f"{base}/Subscription/{values['id']}"
    first = {
        "fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, _named(own, values))}",
        "resource": status(values, base),
        "request": {"method": "GET", "url": f"{own}/$status"},
        "response": {"status": "200"},
    }
    entries = [orjson.dumps(first)]
    if values["content"] in ("id-only", "full-resource"):
        entries += [_entry(one, base, values["content"]) for one in values["events"]]
    head = {"resourceType": "Bundle", "meta": {"profile": [_NOTIFICATION]}, "type": "history"}
    return orjson.dumps(head)[:-1] + b',"entry":[%b]}' % b",".join(entries)


def _named(own: str, values: dict[str, Any]) -> str:
    numbers = [str(one["number"]) for one in values["events"]]
    return " ".join([own, values["kind"], str(values["latest"]) if not numbers else "", *numbers])


def status(values: dict[str, Any], base: str) -> dict[str, Any]:
    """Return the SubscriptionStatus of R4: how the subscription is, and which events this is about."""
    told: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{values['id']}"}},
        *([{"name": "topic", "valueCanonical": values["topic"]}] if values["topic"] else []),
        {"name": "status", "valueCode": values["state"]},
        {"name": "type", "valueCode": values["kind"]},
        {"name": "events-since-subscription-start", "valueString": str(_latest(values))},
        *(_event(one, base, values["content"]) for one in values["events"]),
    ]
    if values["error"]:
        told.append({"name": "error", "valueCodeableConcept": {"text": values["error"]}})
    return {"resourceType": "Parameters", "meta": {"profile": [_STATUS]}, "parameter": told}


def _latest(values: dict[str, Any]) -> int:
    """A notification counts up to its own last event, though there may be newer ones by the time it is sent."""
    events: Sequence[dict[str, Any]] = values["events"]
    return int(events[-1]["number"] if events and values["kind"] == "event-notification" else values["latest"])


def _event(one: dict[str, Any], base: str, content: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(one["number"])},
        {"name": "timestamp", "valueInstant": instant(one["at"])},
    ]
    if content != "empty":
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{one['type']}/{one['id']}"}})
    return {"name": "notification-event", "part": parts}


def _entry(one: dict[str, Any], base: str, content: str) -> bytes:
    reference = f"{one['type']}/{one['id']}"
    method, done = _METHODS["delete" if one["deleted"] else "create" if one["created"] else "update"]
    url = one["type"] if method == "POST" else reference
    tail = orjson.dumps({"request": {"method": method, "url": url}, "response": {"status": done}})
    shown = content == "full-resource" and not one["deleted"]
    resource = b'"resource":' + one["doc"] + b"," if shown else b""
    return b'{"fullUrl":"%b",%b%b' % (f"{base}/{reference}".encode(), resource, tail[1:])
