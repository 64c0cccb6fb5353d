"""Binary in its own form: raw bytes in and out, by content negotiation (FHIR R4 Binary, "Serving Binary Resources")."""

import base64
import binascii

import orjson

from adapters.fhir.replies import Reply, headers_of
from tracker_core.records import Stored

_FHIR = ("application/fhir+json", "application/fhir+xml", "application/json", "application/xml", "text/json", "json",
    "xml", "text/xml")  # fmt: skip
# Types of a body that may be a resource or content, and that are always one of ours
_EITHER = ("", "application/json", "application/octet-stream", "text/json", "text/plain")
_RESOURCE = ("application/fhir+json", "application/fhir+xml", "application/json-patch+json", "application/xml",
    "application/x-www-form-urlencoded", "text/xml")  # fmt: skip
CONTEXT = "x-security-context"


def is_raw(path: str, kind: str, raw: bytes) -> bool:
    """Tell whether a body that is put or posted to `path` is the content of a Binary and not the resource."""
    if path.partition("/")[0] != "Binary" or not raw or "_history" in path:
        return False
    if kind in _EITHER:
        return b'"resourceType"' not in raw[:200]
    return kind not in _RESOURCE


def wrap(path: str, content_type: str, context: str, raw: bytes) -> bytes:
    """Return the Binary that holds raw content; `context` is what `X-Security-Context` refers to."""
    id = path.partition("/")[2]
    return orjson.dumps(
        {
            "resourceType": "Binary",
            **({"id": id} if id else {}),
            "contentType": content_type or "application/octet-stream",
            **({"securityContext": {"reference": context}} if context else {}),
            "data": base64.b64encode(raw).decode(),
        }
    )


def wants_resource(format_: str, accept: str) -> bool:
    """Tell whether the caller asks for the resource: by `_format`, or by an Accept that names a format of FHIR."""
    if format_:
        return True
    return any(part.partition(";")[0].strip().lower() in _FHIR for part in accept.split(","))


def unwrap(reply: Reply, found: Stored) -> tuple[Reply, str]:
    """Return the content of a Binary and its type; `reply` itself, and no type, when its data is no base64.

    Browsers are told not to run it nor to guess what it is.
    """
    document = orjson.loads(found.doc)
    try:
        content = base64.b64decode("".join(document.get("data", "").split()), validate=True)
    except binascii.Error:
        return reply, ""
    context = (document.get("securityContext") or {}).get("reference")
    headers = {
        **headers_of(found),
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        **({CONTEXT: context} if context and context.isascii() and context.isprintable() else {}),
    }
    return Reply(200, content, headers, reply.seen), str(document.get("contentType") or "application/octet-stream")
