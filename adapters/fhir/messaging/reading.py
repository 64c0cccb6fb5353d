"""A message Bundle as record changes, and what it says of itself (FHIR R4 2.4.3)."""

from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from msgspec import Raw

from adapters.contract import Identity, Reading
from adapters.fhir.messaging import PROCESS
from adapters.fhir.requests import Entry
from tracker_core.changes import RecordChange
from tracker_core.errors import Malformed
from tracker_core.issues import Issue
from tracker_core.records import token, validation

Json = dict[str, Any]


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str = ""
    resource: Raw = Raw()


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    type: str = ""
    entry: list[_Entry] = msgspec.field(default_factory=list)


_bundle = msgspec.json.Decoder(_Bundle)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message: its header, and each resource with its `fullUrl`, the header among them."""

    header: Json
    resources: list[tuple[str, bytes]]

    @property
    def id(self) -> str:
        """The id under which the sender knows the message."""
        return str(self.header.get("id", ""))

    @property
    def event(self) -> str:
        """What it is about: the code or the uri of the event."""
        coding = self.header.get("eventCoding")
        return str(coding.get("code", "") if isinstance(coding, dict) else self.header.get("eventUri", ""))


def open_message(raw: bytes) -> Sent:
    """Return a message. Raises `Malformed` for what is no Bundle of type message with its MessageHeader first."""
    try:
        bundle = _bundle.decode(raw)
        first = orjson.loads(bytes(bundle.entry[0].resource)) if bundle.entry else {}
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed(f"this is no Bundle: {error}", where="Bundle") from error
    if bundle.resource_type != "Bundle" or bundle.type != "message":
        raise Malformed("a Bundle of type message is expected here", where="Bundle.type")
    if first.get("resourceType") != "MessageHeader":
        raise Malformed("the first entry of a message is its MessageHeader", where="Bundle.entry[0]")
    if not validation.is_id(str(first.get("id", ""))):
        raise Malformed("a MessageHeader has an id, by which a repeat is known", where="Bundle.entry[0].resource.id")
    return Sent(first, [(one.full_url, bytes(one.resource)) for one in bundle.entry])


def identify_message(raw: bytes) -> Identity:
    """Return a message's identity: its header's id makes it unique per sender."""
    try:
        sent = open_message(raw)
    except Malformed:
        return Identity(PROCESS)
    return Identity(f"{PROCESS} {sent.event}", sent.id, f"message:{sent.id}")


def read_message(entry: Entry, reading: Reading) -> None:
    """Read a message: every resource of it becomes, or updates, a record.

    A resource with identifiers is the record that has the first of them, another one that of its id; the header is
    always a new one. References by `fullUrl` or by the sender's ids become ours.
    """
    try:
        sent = open_message(entry.resource)
    except Malformed as error:
        reading.issues.append(Issue("structure", error.detail, where=error.where))
        return
    for number, (url, resource) in enumerate(sent.resources):
        reading.changes.records.append(_change(number, url, resource))


def _change(number: int, url: str, resource: bytes) -> RecordChange:
    where = f"Bundle.entry[{number}].resource"
    document: Json = orjson.loads(resource)
    type_, id = str(document.get("resourceType", "")), str(document.get("id", ""))
    name = url or (f"{type_}/{id}" if id else "")
    match = _match(document) if number else ()
    method, id = ("put", "" if match else id) if number and (match or id) else ("create", "")
    return RecordChange(type_, resource, "put" if method == "put" else "create", id, name, match, where=where)


def _match(document: Json) -> tuple[str, ...]:
    identifiers = document.get("identifier")
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    found = [one for one in listed if isinstance(one, dict) and one.get("system") and one.get("value")]
    return tuple(f"identifier={token(str(one['system']), str(one['value']))}" for one in found[:1])
