"""Documents as bytes: what is not edited is copied, so digits, escapes and unknown elements survive.

A stored document begins with `resourceType`, `id` and `meta`; the other elements follow as received.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from msgspec import Raw

from tracker_core.records.terms import instant

_members: Callable[[bytes | Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode
_items: Callable[[Raw], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_encode: Callable[[Any], bytes] = msgspec.json.Encoder(decimal_format="number").encode
_decode: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=Decimal).decode
# A key cannot be mistaken for a text that quotes one: in a text the quotes around it are escaped.
_REFERENCE = re.compile(rb'("(?:reference|url)"\s*:\s*)"((?:[^"\\]|\\.)*)"')
_SERVER_META = ("versionId", "lastUpdated")
_UNITED = {"identifier": ("system", "value"), "extension": ("url",)}


def encode(document: bytes | dict[str, Any]) -> bytes:
    """Return a document as JSON bytes: bytes stay as they are, `Decimal` keeps its digits (`72.50`)."""
    return document if isinstance(document, bytes) else _encode(document)


def decode(document: bytes) -> dict[str, Any]:
    """Return a document as a parsed object whose decimals are `Decimal`, digit for digit."""
    decoded: dict[str, Any] = _decode(document)
    return decoded


def references(document: bytes) -> set[str]:
    """Return the text of every `reference` and `url` in the document."""
    return {_text(match[2]) for match in _REFERENCE.finditer(document)}


def rewrite(document: bytes, targets: Mapping[str, str]) -> bytes:
    """Return the document with the references named in `targets` replaced, every other byte untouched."""
    if not targets:
        return document

    def replace(match: re.Match[bytes]) -> bytes:
        target = targets.get(_text(match[2]))
        return match[0] if target is None else match[1] + _encode(target)

    return _REFERENCE.sub(replace, document)


def _text(escaped: bytes) -> str:
    if b"\\" not in escaped:
        return escaped.decode()
    text: str = orjson.loads(b'"' + escaped + b'"')
    return text


def stamp(document: bytes, type_: str, id: str, version: int, updated: datetime) -> bytes:
    """Return the document under an id and a version: `id`, `meta.versionId` and `meta.lastUpdated` are ours."""
    members = _members(document)
    meta = _members(members.pop("meta")) if "meta" in members else {}
    kept = [_member(key, raw) for key, raw in meta.items() if key not in _SERVER_META]
    stamped = [b'"versionId":"%d"' % version, b'"lastUpdated":"%b"' % instant(updated).encode(), *kept]
    head = b'{"resourceType":"%b","id":"%b","meta":{%b}' % (type_.encode(), id.encode(), b",".join(stamped))
    rest = [_member(key, raw) for key, raw in members.items() if key not in ("resourceType", "id")]
    return b",".join([head, *rest]) + b"}"


def _member(key: str, raw: bytes | Raw) -> bytes:
    return b"%b:%b" % (_encode(key), bytes(raw))


def merge(current: bytes, incoming: bytes) -> bytes:
    """Return `current` with the elements of `incoming` in their place.

    `null` removes an element; identifiers are united by system and value, extensions by url, the incoming one winning;
    `meta` keeps its elements unless named; setting one type of a choice (`valueString`) is for the caller to pair with
    `null` for the other.
    """
    members = _members(current)
    for key, raw in _members(incoming).items():
        if bytes(raw) == b"null":
            members.pop(key, None)
        elif key in _UNITED and key in members:
            members[key] = _unite(members[key], raw, _UNITED[key])
        elif key == "meta" and key in members:
            members[key] = Raw(_join({**_members(members[key]), **_members(raw)}))
        else:
            members[key] = raw
    return _join(members)


def _unite(current: Raw, incoming: Raw, keys: tuple[str, ...]) -> Raw:
    out: dict[Any, Raw] = {}
    for raw in [*_items(current), *_items(incoming)]:
        item = orjson.loads(bytes(raw))
        out[tuple(item.get(key) for key in keys)] = raw
    return Raw(b"[" + b",".join(map(bytes, out.values())) + b"]")


def _join(members: Mapping[str, bytes | Raw]) -> bytes:
    return b"{" + b",".join(_member(key, raw) for key, raw in members.items()) + b"}"


def prune(value: Any) -> Any:
    """Return a parsed value without the `None`s and empty objects that a mapping left below its top level."""
    if isinstance(value, dict):
        pruned = {key: prune(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [prune(item) for item in value]
    return value


def set_member(document: bytes, key: str, value: Any) -> bytes:
    """Return the document with one top-level element set, every other element's bytes untouched."""
    return _join({**_members(document), key: _encode(value)})


def keep(document: bytes, names: set[str]) -> bytes:
    """Return the document with these top-level elements alone, and those every resource has; marked as incomplete."""
    wanted = names | {"resourceType", "id", "meta"}
    members = {key: raw for key, raw in _members(document).items() if key.removeprefix("_") in wanted}
    return _subsetted(members)


def drop(document: bytes, names: tuple[str, ...]) -> bytes:
    """Return the document without these top-level elements, marked as incomplete."""
    return _subsetted({key: raw for key, raw in _members(document).items() if key not in names})


def _subsetted(members: dict[str, Raw]) -> bytes:
    """Mark a document as incomplete, so that nobody puts it back (FHIR R4 3.1.1.5.8)."""
    meta = _members(members["meta"]) if "meta" in members else {}
    tags = [bytes(raw) for raw in _items(meta["tag"])] if "tag" in meta else []
    meta["tag"] = Raw(b"[" + b",".join([*tags, _SUBSETTED]) + b"]")
    return _join({**members, "meta": _join(meta)})


_SUBSETTED = b'{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}'
