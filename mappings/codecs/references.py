"""`TYPE>RecordType`: a value that is a record of its own.

Reading makes the record and leaves a reference; writing follows it.
"""

from typing import Any

from mappings.codecs.codec import MISSING, Codec
from mappings.places import Doc
from mappings.scope import Scope


def reference(inner: Codec, record_type: str) -> Codec:
    """Return the codec of a Reference to the record that `inner` reads; nothing for one of another type."""

    def decode(text: str, scope: Scope, _old: Any) -> Any:
        record = inner.decode(text, scope, None)
        if record is MISSING:
            return MISSING
        return scope.refer(record_type, record) or MISSING

    def encode(value: Any, scope: Scope, old: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        record = scope.follow(value) or stand_in(value, record_type)
        if record is None or record.get("resourceType") != record_type:
            return None
        text = inner.encode(record, scope, old)
        return str(text) if text else None

    return Codec(f"{inner.name}>{record_type}", decode, encode, "raw", targets=inner.targets)


def stand_in(value: Doc, record_type: str) -> Doc | None:
    """Return what a reference says itself of a record that is not at hand, None when it says nothing."""
    kind = value.get("type") or value.get("reference", "").rpartition("/")[0].rpartition("/")[2]
    if kind != record_type or not (value.get("identifier") or value.get("display")):
        return None
    made: Doc = {"resourceType": record_type}
    if value.get("identifier"):
        made["identifier"] = [value["identifier"]]
    if value.get("display"):
        person = record_type in ("Practitioner", "RelatedPerson", "Patient")
        made["name"] = [{"family": value["display"]}] if person else value["display"]
    return made
