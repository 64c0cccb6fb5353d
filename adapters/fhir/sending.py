"""Push records to a FHIR server: one transaction of updates under our ids, and its answer read entry by entry."""

import base64
from functools import lru_cache
from typing import Any

import httpx
import orjson

from adapters.contract import Outgoing, Receipt, Sender, View
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue
from tracker_core.records import documents

_AGAIN = (408, 425, 429)
_TIMEOUT = httpx.Timeout(30, connect=10)


def write(view: View, sender: Sender, _control_id: str) -> dict[str, Any]:
    """Return a transaction that puts each document of the view under its own id: sending it twice is harmless."""
    if view.kind not in ("person", "record"):
        raise Unsupported(f"a {view.kind} is no set of FHIR records")
    base = (sender.peer.address or "").rstrip("/")
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(base, one) for one in view.documents]}


def _entry(base: str, document: dict[str, Any]) -> dict[str, Any]:
    reference = f"{document['resourceType']}/{document['id']}"
    meta = {key: value for key, value in document.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    body = {**document, "meta": meta}
    if not meta:
        del body["meta"]
    return {"fullUrl": f"{base}/{reference}", "resource": body, "request": {"method": "PUT", "url": reference}}


def render(document: dict[str, Any], _sender: Sender) -> bytes:
    """Return the transaction as JSON, decimals digit for digit."""
    return documents.encode(document)


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Post the transaction to the peer's base URL; `secret` is `user:password`, or else a bearer token.

    The receipt names each entry that was refused. Raises Unavailable when the server is away, too busy or broken
    (5xx, 408, 425, 429), and says how long it asked to be left alone.
    """
    headers = {"content-type": "application/fhir+json", "accept": "application/fhir+json", **_authorization(peer)}
    try:
        response = _client().post(peer.address or "", content=outgoing.body, headers=headers)
    except httpx.InvalidURL as error:
        raise Unsupported(f"the address of {peer.code} is no URL") from error
    except httpx.UnsupportedProtocol as error:
        raise Unsupported(f"the address of {peer.code} is no http URL") from error
    except httpx.TransportError as error:
        raise Unavailable(f"{peer.code} cannot be reached: {type(error).__name__}") from error
    if response.status_code >= 500 or response.status_code in _AGAIN:
        after = response.headers.get("retry-after", "")
        text = f"{peer.code} answered {response.status_code}" + (f", retry after {after} s" if after.isdigit() else "")
        raise Unavailable(text)
    return _receipt(response, peer)


@lru_cache(maxsize=1)
def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=False)


def _authorization(peer: Peer) -> dict[str, str]:
    if not peer.secret:
        return {}
    if ":" in peer.secret:
        return {"authorization": "Basic " + base64.b64encode(peer.secret.encode()).decode()}
    return {"authorization": f"Bearer {peer.secret}"}


def _receipt(response: httpx.Response, peer: Peer) -> Receipt:
    try:
        answer = orjson.loads(response.content) if response.content else {}
    except orjson.JSONDecodeError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if not response.is_success:
        issues = _issues(answer) or [Issue("refused", f"{peer.code} answered {response.status_code}")]
        return Receipt(accepted=False, answer=response.content, issues=issues)
    items = {}
    for number, entry in enumerate(answer.get("entry", ())):
        status = str(entry.get("response", {}).get("status", ""))
        text = "; ".join(issue.text for issue in _issues(entry.get("response", {}).get("outcome", {})))
        items[f"Bundle.entry[{number}]"] = "" if status.startswith("2") else text or status or "no status"
    refused = [Issue("refused", reason, where=where) for where, reason in items.items() if reason]
    return Receipt(accepted=not refused, answer=response.content, issues=refused, items=items)


def _issues(outcome: dict[str, Any]) -> list[Issue]:
    """Read the errors of an OperationOutcome."""
    found = []
    for one in outcome.get("issue", ()):
        if one.get("severity") in ("error", "fatal"):
            text = one.get("diagnostics") or one.get("details", {}).get("text") or one.get("code", "refused")
            found.append(Issue("refused", str(text), where=", ".join(one.get("expression", ()))))
    return found
