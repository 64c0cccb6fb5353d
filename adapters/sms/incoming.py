"""What a gateway posts back: texts of people and delivery receipts, as JSON or a form."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adapters.contract import Envelope, Identity, Reading, Sender
from adapters.sms.phones import normal_phone
from mappings.library import edition
from tracker_core.changes import ChangeSet, RecordChange
from tracker_core.errors import HubError, Malformed
from tracker_core.issues import Issue, Report

OPT_OUT = re.compile(r"\s*(stop|stopall|unsubscribe|arret|parar|acha)\b", re.IGNORECASE)
CATEGORY = "urn:tracker-hub:text-message"
NAMES = {"from": ("from", "msisdn", "sender"), "text": ("text", "message", "body"), "id": ("id", "message_id")}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call of a gateway. Without `text` it is a delivery receipt for `id`, saying `status`."""

    id: str
    phone: str
    text: str
    status: str


def identify(raw: bytes, envelope: Envelope) -> Identity:
    """Return the gateway's own id as the key that makes a repeated call harmless. Never raises."""
    try:
        incoming = parse(raw, envelope)
    except HubError:
        return Identity("text")
    kind = "text" if incoming.text else "receipt"
    dedup = f"{kind}:{incoming.id}:{incoming.status}" if incoming.id else ""
    return Identity(kind, incoming.id, dedup, incoming.phone)


def parse(raw: bytes, envelope: Envelope) -> Incoming:
    """Read a call. Raises Malformed when it is neither a text nor a receipt."""
    try:
        form = "form" in envelope.content_type
        fields: Any = dict(parse_qsl(raw.decode())) if form else orjson.loads(raw)
    except ValueError as error:
        raise Malformed(f"neither JSON nor a form: {error}") from error
    if not isinstance(fields, dict):
        raise Malformed("not a JSON object")
    found = {key: next((str(fields[n]) for n in names if fields.get(n)), "") for key, names in NAMES.items()}
    incoming = Incoming(found["id"], found["from"], found["text"], str(fields.get("status", "")))
    if not (incoming.phone and incoming.text) and not (incoming.id and incoming.status):
        raise Malformed("neither a text (from, text) nor a delivery receipt (id, status)")
    return incoming


def read(incoming: Incoming, sender: Sender) -> Reading:
    """Keep a text as a Communication record, one that asks to stop with the category `opt-out`; note a receipt."""
    if not incoming.text:
        return Reading(issues=[Issue("receipt", f"message {incoming.id}: {incoming.status}", "information")])
    phone = normal_phone(incoming.phone, str(sender.peer.settings.get("region", ""))) or incoming.phone
    kind = "opt-out" if OPT_OUT.match(incoming.text) else "text"
    identifier = {"system": f"urn:tracker-hub:peer:{sender.peer.code}:text", "value": incoming.id}
    document = {
        "resourceType": "Communication",
        **({"identifier": [identifier]} if incoming.id else {}),
        "status": "completed",
        "category": [{"coding": [{"system": CATEGORY, "code": kind}]}],
        "received": sender.received.isoformat(),
        "sender": {"identifier": {"system": "urn:ietf:rfc:3966", "value": f"tel:{phone}"}},
        "payload": [{"contentString": incoming.text}],
    }
    match = (f"identifier={identifier['system']}|{incoming.id}",) if incoming.id else ()
    change = RecordChange("Communication", document, "merge" if match else "create", match=match, where="text")
    return Reading(ChangeSet(records=[change]), mapping=edition())


def answer(raw: bytes, envelope: Envelope, report: Report, error: BaseException | None) -> bytes:  # noqa: ARG001
    """Return a short JSON object: gateways look at the status only."""
    if isinstance(error, HubError):
        return orjson.dumps({"accepted": False, "reason": error.detail})
    problems = [issue.as_json() for issue in report.errors]
    return orjson.dumps({"accepted": error is None and not report.rejected, "issues": problems})
