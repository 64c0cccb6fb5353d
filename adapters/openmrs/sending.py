"""Taking the steps: each looked up first when a lost answer may have made it already, then saved or voided."""

from typing import Any

import httpx
import orjson

from adapters.calling import call
from adapters.contract import Interrupted, Outgoing, Receipt
from tracker_core.context import Peer
from tracker_core.errors import Unavailable
from tracker_core.issues import Issue
from tracker_core.records import documents

_TYPES = {"patient": "Patient", "encounter": "Encounter", "obs": "Observation"}
# What may be changed of what is there already; OpenMRS refuses the rest.
_EDITABLE = {"encounter": ("encounterDatetime", "location", "encounterType"), "obs": ("value", "obsDatetime")}


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Take the steps in order. The receipt names what was refused, and what OpenMRS calls what it took.

    Without the patient nothing else is tried. An edited obs has another uuid afterwards: OpenMRS keeps the old one as
    voided. Raises Unavailable when the server is away, with the names of what it has taken until then.
    """
    items: dict[str, str] = {}
    names: dict[str, str] = {}
    for step in documents.decode(outgoing.body)["steps"]:
        try:
            reason, uuid = _take(peer, step)
        except Unavailable as error:
            raise Interrupted(error.detail, names) from error
        items[step["ours"]] = reason
        if uuid:
            names[step["ours"]] = f"{_TYPES[step['resource']]}/{uuid}"
        if reason and step["resource"] == "patient":
            break
    issues = [Issue("refused", reason, where=ours) for ours, reason in items.items() if reason]
    return Receipt(not issues, orjson.dumps(names), issues, items, names)


def _take(peer: Peer, step: dict[str, Any]) -> tuple[str, str]:
    """Take one step; return why it was refused, and the uuid of what is there now."""
    if "reason" in step:
        return str(step["reason"]), ""
    resource, uuid = step["resource"], step["uuid"]
    there = bool(step["known"]) or _is_there(peer, resource, uuid)
    if step["act"] == "void":
        return (_refusal(call(peer, "DELETE", f"ws/rest/v1/{resource}/{uuid}")) if there else ""), ""
    if there and not (step["edits"] and resource in _EDITABLE):
        return "", uuid
    body = {key: value for key, value in step["body"].items() if value is not None}
    if there:
        body = {key: body[key] for key in _EDITABLE[resource] if key in body}
        return _save(peer, f"ws/rest/v1/{resource}/{uuid}", body, uuid)
    if resource == "patient":
        reason = _give_number(peer, body)
        if reason:
            return reason, ""
    return _save(peer, f"ws/rest/v1/{resource}", {**body, "uuid": uuid}, uuid)


def _is_there(peer: Peer, resource: str, uuid: str) -> bool:
    return call(peer, "GET", f"ws/rest/v1/{resource}/{uuid}", parameters={"v": "ref"}).is_success


def _save(peer: Peer, url: str, body: dict[str, Any], uuid: str) -> tuple[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    response = call(peer, "POST", url, body=documents.encode(body), headers=headers)
    reason = _refusal(response)
    if reason:
        return reason, ""
    try:
        return "", str(orjson.loads(response.content).get("uuid") or uuid)
    except (ValueError, AttributeError):
        return "", uuid


def _give_number(peer: Peer, body: dict[str, Any]) -> str:
    """Ask the EMR for a number of its own when none of the patient's fits (module idgen); return why there is none."""
    if body["identifiers"]:
        return ""
    source, kind = peer.settings.get("identifier_source"), peer.settings.get("identifier_type")
    if not source or not kind:
        return "the patient has no identifier that the EMR takes"
    url = f"ws/rest/v1/idgen/identifiersource/{source}/identifier"
    response = call(peer, "POST", url, body=b"{}", headers={"content-type": "application/json"})
    if not response.is_success:
        return f"the EMR gave no identifier: {_refusal(response)}"
    number = orjson.loads(response.content)["identifier"]
    body["identifiers"] = [
        {
            "identifier": number,
            "identifierType": kind,
            "location": peer.settings.get("location"),
            "preferred": True,
        }
    ]
    return ""


def _refusal(response: httpx.Response) -> str:
    """Return why OpenMRS refused, in its own words; empty when it did not."""
    if response.is_success:
        return ""
    try:
        error = orjson.loads(response.content).get("error", {})
        told = [error, *(error.get("globalErrors") or ())]
        told += [one for found in (error.get("fieldErrors") or {}).values() for one in found]
        said = "; ".join(str(one["message"]) for one in told if one.get("message"))
    except (ValueError, AttributeError, TypeError):
        said = ""
    return f"{response.status_code} {said}".strip()
