"""Sending a person to a DHIS2 instance: `POST /api/tracker?async=false`, and what its report says of each object.

The peer's address is the instance's base (`https://hmis.example.org`). Its secret is `user:password`, or with the
setting `auth` = `token` a personal access token. The setting `uids` maps our uids to theirs where metadata differs.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from adapters.contract import Outgoing, Receipt, Sender, View
from adapters.dhis2.webmessage import encode
from tracker_core.context import Peer
from tracker_core.errors import Unavailable, Unsupported
from tracker_core.issues import Issue

_AGAIN = frozenset({408, 425, 429})
# One wrong value must not hold up the rest of the person: the report tells per object what was refused.
_PARAMETERS = {"async": "false", "importStrategy": "CREATE_AND_UPDATE", "atomicMode": "OBJECT"}
_ENTITY = (
    "trackedEntity",
    "trackedEntityType",
    "orgUnit",
    "inactive",
    "geometry",
    "createdAtClient",
    "updatedAtClient",
)
_ENROLLMENT = (
    "enrollment",
    "trackedEntity",
    "program",
    "orgUnit",
    "status",
    "enrolledAt",
    "occurredAt",
    "completedAt",
    "followUp",
    "geometry",
    "createdAtClient",
    "updatedAtClient",
)
_EVENT = (
    "event",
    "enrollment",
    "program",
    "programStage",
    "orgUnit",
    "status",
    "occurredAt",
    "scheduledAt",
    "completedAt",
    "geometry",
    "createdAtClient",
    "updatedAtClient",
)
_MAPPED = ("trackedEntityType", "orgUnit", "program", "programStage", "attribute", "dataElement")


def write(view: View, sender: Sender, _control_id: str) -> dict[str, Any]:
    """Return the tracker payload of a person: entity, enrollments, events. Raises `Unsupported` for other views.

    Relationships stay out: the other side may not be known to the receiver, which would refuse the whole.
    """
    person = view.values.get("trackedEntity")
    if view.kind != "person" or not person:
        raise Unsupported(f"a DHIS2 tracker takes persons, not a {view.kind}")
    uids = sender.peer.settings.get("uids", {})
    return {"trackedEntities": [_entity(person, uids)]}


def _entity(doc: Mapping[str, Any], uids: Mapping[str, str]) -> dict[str, Any]:
    enrolled = [_enrollment(item, uids) for item in doc.get("enrollments", ())]
    return {**_kept(doc, _ENTITY, uids), "attributes": _attributes(doc, uids), "enrollments": enrolled}


def _enrollment(doc: Mapping[str, Any], uids: Mapping[str, str]) -> dict[str, Any]:
    happened = [_event(item, uids) for item in doc.get("events", ())]
    return {**_kept(doc, _ENROLLMENT, uids), "attributes": _attributes(doc, uids), "events": happened}


def _event(doc: Mapping[str, Any], uids: Mapping[str, str]) -> dict[str, Any]:
    values = [_kept(value, ("dataElement", "value", "providedElsewhere"), uids) for value in doc.get("dataValues", ())]
    return {**_kept(doc, _EVENT, uids), "dataValues": values}


def _attributes(doc: Mapping[str, Any], uids: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_kept(value, ("attribute", "value"), uids) for value in doc.get("attributes", ())]


def _kept(doc: Mapping[str, Any], names: tuple[str, ...], uids: Mapping[str, str]) -> dict[str, Any]:
    kept = {name: doc[name] for name in names if doc.get(name) is not None}
    return {name: uids.get(value, value) if name in _MAPPED else value for name, value in kept.items()}


def render(document: dict[str, Any], _sender: Sender) -> bytes:
    """Return the payload as JSON."""
    return encode(document)


def send(outgoing: Outgoing, peer: Peer) -> Receipt:
    """Post a payload and read the report. Raises `Unavailable` when the instance is away, busy or failing."""
    if not peer.address:
        raise Unsupported(f"the peer {peer.code} has no address")
    headers = {"content-type": "application/json", "accept": "application/json"}
    auth = None
    if peer.settings.get("auth") == "token":
        headers["authorization"] = f"ApiToken {peer.secret}"
    elif peer.secret:
        user, _, password = peer.secret.partition(":")
        auth = (user, password)
    try:
        with httpx.Client(timeout=float(peer.settings.get("timeout", 60)), auth=auth) as client:
            url = f"{peer.address.rstrip('/')}/api/tracker"
            response = client.post(url, params=_PARAMETERS, content=outgoing.body, headers=headers)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Unsupported(f"the address of {peer.code} is no HTTP address: {error}") from error
    except httpx.TransportError as error:
        raise Unavailable(f"{peer.code} cannot be reached: {type(error).__name__}") from error
    if response.status_code >= 500 or response.status_code in _AGAIN:
        raise Unavailable(f"{peer.code} answered {response.status_code}")
    return read_answer(response.status_code, response.content)


def read_answer(status: int, body: bytes) -> Receipt:
    """Return the receipt for an answer: refused objects by uid, each with the receiver's code and reason.

    A report with errors is final for the refused objects (asking again would not help); what was right is stored.
    """
    try:
        report = orjson.loads(body)
    except ValueError:
        report = None
    if not isinstance(report, dict):
        return Receipt(accepted=False, answer=body, issues=[Issue("refused", f"the answer {status} is not a report")])
    validation = report.get("validationReport")
    if not isinstance(validation, dict):
        text = str(report.get("message") or f"the payload was refused with {status}")
        return Receipt(accepted=False, answer=body, issues=[Issue("refused", text)])
    refused = [item for item in validation.get("errorReports") or () if isinstance(item, dict)]
    issues = [Issue(str(i.get("errorCode")), str(i.get("message")), where=str(i.get("uid"))) for i in refused]
    items = dict.fromkeys(_stored_uids(report), "")
    items |= {issue.where: f"{issue.code} {issue.text}" for issue in issues}
    return Receipt(accepted=status < 300 and report.get("status") != "ERROR", answer=body, issues=issues, items=items)


def _stored_uids(report: Mapping[str, Any]) -> list[str]:
    types = (report.get("bundleReport") or {}).get("typeReportMap") or {}
    return [str(item.get("uid")) for type in types.values() for item in type.get("objectReports") or ()]
