"""FHIR write requests as they arrive: bundles of transaction and batch, and single interactions."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw

from adapters.contract import Envelope
from adapters.fhir import xml
from adapters.fhir.binaries import content
from tracker_core.errors import Malformed, Unsupported
from tracker_core.records.definitions import resource_types

Interaction = Literal["transaction", "batch", "single"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction. `target` is the path below the base (`Patient/1`, `Patient`), `query` what follows `?`.

    `where` names the resource for reports: `Bundle.entry[3].resource`, or the type of a single one.
    """

    method: str
    target: str
    query: str = ""
    resource: bytes = b""
    full_url: str = ""
    if_match: str = ""
    if_none_match: str = ""
    if_none_exist: str = ""
    if_modified_since: str = ""
    where: str = ""
    content_type: str = ""

    @property
    def type(self) -> str:
        """The resource type that the interaction is on."""
        return self.target.partition("/")[0]

    @property
    def id(self) -> str:
        """The id in the target, or empty."""
        return self.target.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: one interaction, or all entries of a bundle."""

    interaction: Interaction
    entries: tuple[Entry, ...]


class _EntryRequest(msgspec.Struct, rename="camel"):
    method: str
    url: str
    if_match: str = ""
    if_none_match: str = ""
    if_none_exist: str = ""
    if_modified_since: str = ""


class _BundleEntry(msgspec.Struct, rename="camel"):
    full_url: str = ""
    resource: Raw = Raw()
    request: _EntryRequest | None = None


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    type: str = ""
    entry: list[_BundleEntry] = msgspec.field(default_factory=list)


class _Kind(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    type: str = ""


# Curl says that any body is a form unless told otherwise.
KINDS = ("", "application/fhir+json", "application/json", "text/json", "application/octet-stream",
    "application/fhir+xml", "application/xml", "text/xml", "application/json-patch+json",
    "application/x-www-form-urlencoded", "text/plain")  # fmt: skip
_bundle = msgspec.json.Decoder(_Bundle)
_kind = msgspec.json.Decoder(_Kind)


def parse(raw: bytes, envelope: Envelope) -> Request:
    """Return the interactions asked for, resources that came in XML as JSON.

    Raises `Malformed` for what is no bundle, `Unsupported` for bundles of other types and for other content types.
    """
    kind = kind_of(envelope.content_type)
    path, query = below_base(envelope.target)
    if envelope.method in ("POST", "PUT") and content.is_raw(path, kind, raw):
        raw = content.wrap(path, envelope.content_type, envelope.headers.get(content.CONTEXT, ""), raw)
        envelope = replace(envelope, content_type="application/fhir+json")
    elif kind not in KINDS:
        raise Unsupported(f"{kind} is not taken: send application/fhir+json or application/fhir+xml")
    elif kind.endswith("xml") and raw.strip():
        raw = xml.read(raw)
    if path:
        return Request("single", (_single(raw, envelope, path, query),))
    try:
        bundle = _bundle.decode(raw)
    except msgspec.ValidationError as error:
        raise Malformed(f"this is no Bundle: {error}", where="Bundle") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"this is not JSON: {error}", where="Bundle") from error
    if bundle.resource_type != "Bundle":
        raise Malformed(f"a Bundle is expected here, not {bundle.resource_type or 'this'}", where="resourceType")
    if bundle.type not in ("transaction", "batch"):
        raise Unsupported(f"a Bundle of type {bundle.type or '(none)'} is not processed here", where="Bundle.type")
    entries = tuple(_entry(number, one) for number, one in enumerate(bundle.entry))
    return Request("transaction" if bundle.type == "transaction" else "batch", entries)


def kind_of(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


@lru_cache(maxsize=4096)
def below_base(target: str) -> tuple[str, str]:
    """Return path and query of a request line or an entry's url below the FHIR base; a type begins the path."""
    parts = urlsplit(target)
    steps = [step for step in parts.path.split("/") if step]
    first = next((n for n, step in enumerate(steps) if step in resource_types()), None)
    if first is None:
        steps = steps[1:] if steps[:1] == ["fhir"] else steps
        first = 0
    return "/".join(steps[first:]), parts.query


def _entry(number: int, one: _BundleEntry) -> Entry:
    where = f"Bundle.entry[{number}]"
    if one.request is None:
        raise Malformed("every entry of a transaction or batch has a request", where=where)
    path, query = below_base(one.request.url)
    return Entry(
        one.request.method.upper(),
        path,
        query,
        bytes(one.resource),
        one.full_url,
        one.request.if_match,
        one.request.if_none_match,
        one.request.if_none_exist,
        one.request.if_modified_since,
        f"{where}.resource",
    )


def _single(raw: bytes, envelope: Envelope, path: str, query: str) -> Entry:
    headers = envelope.headers
    return Entry(
        envelope.method.upper(),
        path,
        query,
        raw,
        "",
        headers.get("if-match", ""),
        headers.get("if-none-match", ""),
        headers.get("if-none-exist", ""),
        "",
        path.partition("/")[0],
        envelope.content_type,
    )


def resource_type(document: bytes) -> str:
    """Return the resourceType of a document, empty when it has none that can be read."""
    try:
        return _kind.decode(document).resource_type
    except (msgspec.MsgspecError, ValueError):
        return ""


def bundle_type(raw: bytes) -> str:
    """Return the type of a Bundle, empty when it has none that can be read."""
    try:
        return _kind.decode(raw).type
    except (msgspec.MsgspecError, ValueError):
        return ""
