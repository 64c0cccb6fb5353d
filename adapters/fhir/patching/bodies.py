"""Which patch a body is: a JSON array, Parameters, or a Binary that carries one of them (in transactions)."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from adapters.fhir.patching import json_patch, path_patch
from adapters.fhir.patching.places import Mismatch
from tracker_core.errors import Malformed, Unsupported
from tracker_core.issues import Issue
from tracker_core.records import documents

JSON_PATCH = "application/json-patch+json"
_FHIR = ("application/fhir+json", "application/json", "")

Edit = Callable[[bytes], bytes | Issue]


def read_patch(body: bytes, content_type: str) -> Edit:
    """Return the edit that a patch asks for: from the stored document to the new one, or what does not fit.

    Operations are done one after the other, all or none; untouched decimals keep their digits.
    Raises `Malformed` for what is no patch, `Unsupported` for other content types.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON_PATCH:
        operations = json_patch.read_operations(_decoded(body))
        return _edit(lambda document: json_patch.apply(document, operations))
    if kind not in _FHIR:
        raise Unsupported(f"a patch of type {kind} is not offered: send {JSON_PATCH}, or Parameters")
    resource = _decoded(body)
    if isinstance(resource, dict) and resource.get("resourceType") == "Binary":
        return read_patch(_content(resource), str(resource.get("contentType", "")))
    if not isinstance(resource, dict) or resource.get("resourceType") != "Parameters":
        raise Malformed(f"a patch is {JSON_PATCH}, a Parameters resource, or a Binary of one of them")
    changes = path_patch.read_operations(resource)
    return _edit(lambda document: path_patch.apply(document, changes))


def _decoded(body: bytes) -> Any:
    try:
        return documents.open_exactly(body)
    except ValueError as error:
        raise Malformed(f"the patch is no JSON: {error}") from error


def _content(binary: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(binary.get("data", "")), validate=True)
    except binascii.Error as error:
        raise Malformed("the data of the Binary is no base64", where="data") from error


def _edit(change: Callable[[Any], Any]) -> Edit:
    def edit(before: bytes) -> bytes | Issue:
        try:
            document = change(documents.open_exactly(before))
        except Mismatch as mismatch:
            return Issue("patch", str(mismatch), value=mismatch.path)
        return before if document == documents.open_exactly(before) else documents.encode(document)

    return edit
