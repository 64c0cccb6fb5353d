"""Custom attributes: that their values fit, where they must be given, and that they are nobody else's."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import orjson

from tracker_core.issues import Issue
from tracker_core.metadata.compiling import reference
from tracker_core.metadata.importing.incoming import Incoming, Prospect
from tracker_core.metadata.schema import Type

Document = Mapping[str, Any]
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
_PHONE = re.compile(r"[0-9+ \-.()]{6,50}\Z")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+\Z")
_USERNAME = re.compile(r"[A-Za-z0-9._@-]{4,255}\Z")
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")


def check(prospect: Prospect) -> Iterator[Issue]:
    """Yield E6004 … E6021 (values), E6012 (not for this type), E4011 (missing), E4009 (taken)."""
    attributes = _attributes(prospect)
    for item in prospect.items:
        if item.implied or "attributeValues" not in item.type.properties:
            continue
        given = _given(item.doc)
        for uid, value in given.items():
            if uid in attributes:
                yield from _wrong(prospect, item, uid, attributes[uid], value)
        yield from _missing(item, attributes, given)
    yield from _taken(prospect, attributes)


def _attributes(prospect: Prospect) -> dict[str, Document]:
    stored = {uid: found.doc for uid, found in prospect.known.objects.get("attributes", {}).items()}
    return {**stored, **{item.uid: item.doc for item in prospect.of("attributes")}}


def _given(doc: Document) -> dict[str, str]:
    listed = doc.get("attributeValues")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return {uid: str(e.get("value", "")) for e in entries if (uid := reference(e.get("attribute")))}


def _is_for(attribute: Document, type: Type) -> bool:
    named = attribute.get("objectTypes")
    listed = isinstance(named, list) and type.singular.upper() in {str(n).upper().replace("_", "") for n in named}
    return bool(attribute.get(f"{type.singular}Attribute")) or listed


def _is_restricted(attribute: Document) -> bool:
    """Tell whether an attribute says which types it is for; one that says nothing may stand on any."""
    return bool(attribute.get("objectTypes")) or any(v is True for k, v in attribute.items() if k.endswith("Attribute"))


def _missing(item: Incoming, attributes: Mapping[str, Document], given: Mapping[str, str]) -> Iterator[Issue]:
    for uid, attribute in attributes.items():
        if attribute.get("mandatory") is True and not given.get(uid) and _is_for(attribute, item.type):
            yield item.fault("E4011", uid)


def _taken(prospect: Prospect, attributes: Mapping[str, Document]) -> Iterator[Issue]:
    unique = {uid for uid, attribute in attributes.items() if attribute.get("unique") is True}
    if not unique:
        return
    owners: dict[tuple[str, str, str], str] = {}
    moving = {item.key for item in prospect.items}
    for collection in {item.type.collection for item in prospect.items}:
        for found in prospect.known.objects.get(collection, {}).values():
            if (collection, found.uid) not in moving:
                owners.update({(collection, a, v): found.uid for a, v in _given(found.doc).items() if a in unique})
    for item in prospect.items:
        for uid, value in _given(item.doc).items():
            owner = owners.setdefault((item.type.collection, uid, value), item.uid) if uid in unique else item.uid
            if owner != item.uid:
                yield item.fault("E4009", uid, value, value=value)


def _wrong(prospect: Prospect, item: Incoming, uid: str, attribute: Document, value: str) -> Iterator[Issue]:
    if not _is_for(attribute, item.type) and _is_restricted(attribute):
        yield item.fault("E6012", uid, item.type.name)
    value_type = str(attribute.get("valueType"))
    if value_type == "GEOJSON":
        yield from _geometry(item, uid, value)
    elif value_type in _OBJECTS:
        if not prospect.has(_OBJECTS[value_type], value):
            yield item.fault("E6019", value, value_type, value=value)
    elif value_type in _VALUES:
        code, accepts = _VALUES[value_type]
        if not accepts(value):
            yield item.fault(code, value, value=value)


def _geometry(item: Incoming, uid: str, value: str) -> Iterator[Issue]:
    try:
        found = orjson.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "type" not in found:
        yield item.fault("E6004", uid, value=value)
    elif found["type"] not in _GEOMETRIES or not isinstance(found.get("coordinates"), list):
        yield item.fault("E6005", uid, value=value)


def _is_integer(value: str) -> bool:
    return _INTEGER.match(value) is not None


def _between(low: float, high: float) -> Callable[[str], bool]:
    return lambda value: _NUMBER.match(value) is not None and low <= float(value) <= high


def _is_date(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_moment(value: str) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except ValueError:
        return False


_OBJECTS = {"ORGANISATION_UNIT": "organisationUnits"}
_VALUES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "INTEGER": ("E6006", _is_integer),
    "INTEGER_POSITIVE": ("E6007", lambda v: _is_integer(v) and int(v) > 0),
    "NUMBER": ("E6008", lambda v: _NUMBER.match(v) is not None),
    "INTEGER_ZERO_OR_POSITIVE": ("E6009", lambda v: _is_integer(v) and int(v) >= 0),
    "PERCENTAGE": ("E6010", _between(0, 100)),
    "UNIT_INTERVAL": ("E6011", _between(0, 1)),
    "INTEGER_NEGATIVE": ("E6013", lambda v: _is_integer(v) and int(v) < 0),
    "DATE": ("E6014", _is_date),
    "DATETIME": ("E6015", _is_moment),
    "BOOLEAN": ("E6016", lambda v: v in ("true", "false")),
    "TRUE_ONLY": ("E6017", lambda v: v == "true"),
    "EMAIL": ("E6018", lambda v: _EMAIL.match(v) is not None),
    "USERNAME": ("E6020", lambda v: _USERNAME.match(v) is not None),
    "PHONE_NUMBER": ("E6021", lambda v: _PHONE.match(v) is not None),
}
