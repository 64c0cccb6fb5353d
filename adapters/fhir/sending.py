"""Push records to a FHIR server: one transaction of updates under our ids, and its answer read entry by entry."""

from typing import Any

import httpx

from adapters.calling import call
from adapters.contract import Outgoing, Receipt, Sender, View
from adapters.fhir import each
from adapters.fhir.verdicts import document_in, issues_in
from tracker_core.context import Peer
from tracker_core.errors import Unsupported
from tracker_core.issues import Issue
from tracker_core.records import documents

_HEADERS = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}


def write(view: View, sender: Sender, _control_id: str) -> dict[str, Any]:
    """Return a transaction that puts each document of the view under its own id: sending it twice is harmless.

    For a peer with the setting `writes` `each`, what `each` makes of it.
    """
    if view.kind not in ("person", "record"):
        raise Unsupported(f"a {view.kind} is no set of FHIR records")
    if _each(sender.peer):
        return each.write(view, sender)
    base = (sender.peer.address or "").rstrip("/")
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(base, one) for one in view.documents]}


def _each(peer: Peer) -> bool:
    return peer.settings.get("writes") == "each"


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
    if _each(peer):
        return each.send(outgoing, peer)
    return _receipt(call(peer, "POST", peer.address or "", body=outgoing.body, headers=_HEADERS), peer)


def _receipt(response: httpx.Response, peer: Peer) -> Receipt:
    answer = document_in(response.content)
    if not response.is_success:
        issues = issues_in(answer) or [Issue("refused", f"{peer.code} answered {response.status_code}")]
        return Receipt(accepted=False, answer=response.content, issues=issues)
    items = {}
    for number, entry in enumerate(answer.get("entry", ())):
        status = str(entry.get("response", {}).get("status", ""))
        text = "; ".join(issue.text for issue in issues_in(entry.get("response", {}).get("outcome", {})))
        items[f"Bundle.entry[{number}]"] = "" if status.startswith("2") else text or status or "no status"
    refused = [Issue("refused", reason, where=where) for where, reason in items.items() if reason]
    return Receipt(accepted=not refused, answer=response.content, issues=refused, items=items)
