"""The smallest record of every type: nothing but what R4 requires."""

from typing import Any

from tracker_core.records import definitions
from tracker_core.records.definitions import Element

VALUES: dict[str, Any] = {
    "boolean": True,
    "integer": 1,
    "positiveInt": 1,
    "unsignedInt": 1,
    "decimal": 1,
    "date": "2024-01-01",
    "dateTime": "2024-01-01",
    "instant": "2024-01-01T00:00:00Z",
    "time": "10:00:00",
    "base64Binary": "YQ==",
    "uri": "urn:a",
    "url": "http://a.example",
    "canonical": "http://a.example/c",
    "oid": "urn:oid:1.2.3",
    "uuid": "urn:uuid:11111111-1111-4111-8111-111111111111",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>',
}


def minimal(type_: str, id: str = "") -> dict[str, Any]:
    """A valid record with the required elements alone."""
    made = {"resourceType": type_, **_members(type_)}
    if type_ == "SearchParameter":
        made["status"] = "draft"  # an active one is compiled, and this one finds nothing
    if type_ == "Subscription":
        made["status"] = "off"  # another one is followed, and this one names nobody
    return made | {"id": id} if id else made


def _members(structure: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, element in definitions.elements(structure).items():
        if element.required:
            out[name] = [_value(element)] if element.many else _value(element)
    for needed, names in definitions.choices(structure).values():
        if needed:
            first = min(names)
            out[first] = _value(definitions.elements(structure)[first])
    return out


def _value(element: Element) -> Any:
    if element.codes:
        return min(element.codes)
    if element.kind == "Resource":
        return minimal("Basic")
    if element.kind in definitions.primitive_patterns():
        return VALUES.get(element.kind, "a")
    return _members(element.kind)
