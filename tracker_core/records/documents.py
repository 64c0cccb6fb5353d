"""Documents as bytes: what is not edited is copied, so digits, escapes and unknown elements survive.

A stored document begins with `resourceType`, `id` and `meta`; the other elements follow as received.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from msgspec import Raw

from tracker_core.records.definitions import Element, elements
from tracker_core.records.terms import instant

_members: Callable[[bytes | Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode
_items: Callable[[Raw], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode


class Digits(Decimal):
    """A number as it was written: `1.50`, `1e2`."""

    text: str

    def __new__(cls, text: str) -> "Digits":
        """Read a JSON number."""
        made = super().__new__(cls, text)
        made.text = text
        return made


def _verbatim(value: Any) -> Raw:
    if isinstance(value, Digits):
        return Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} is no part of a document")


_encode: Callable[[Any], bytes] = msgspec.json.Encoder(decimal_format="number", enc_hook=_verbatim).encode
_exactly: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=Digits).decode
_decode: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=Decimal).decode
# A key cannot be mistaken for a text that quotes one: in a text the quotes around it are escaped.
# Two expressions, because one that begins with a fixed text is searched for several times faster.
_REFERENCE = re.compile(rb'"reference"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")')
_URL = re.compile(rb'"url"\s*:\s*("urn:[^"\\]*")')
_OPENING = re.compile(
    rb'\s*\{\s*"resourceType"\s*:\s*"\w+"\s*(?:,\s*"id"\s*:\s*"[^"\\]*"\s*)?(?:,\s*"meta"\s*:\s*(\{[^{}]*\})\s*)?,'
)
_OURS = (b'"id"', b'"meta"', b'"resourceType"', b"\\u")
_SERVER_META = ("versionId", "lastUpdated")
_UNITED = {"identifier": ("system", "value"), "extension": ("url",), "contained": ("id",)}


def encode(document: bytes | dict[str, Any]) -> bytes:
    """Return a document as JSON bytes: bytes stay as they are, `Decimal` keeps its digits (`72.50`)."""
    return document if isinstance(document, bytes) else _encode(document)


def decode(document: bytes) -> dict[str, Any]:
    """Return a document as a parsed object whose decimals are `Decimal`, digit for digit."""
    decoded: dict[str, Any] = _decode(document)
    return decoded


def open_exactly(document: bytes) -> Any:
    """Return any JSON parsed so that `encode` gives back every number as it was written, exponents included."""
    return _exactly(document)


def references(document: bytes) -> list[tuple[int, int, str]]:
    """Return the text of every `reference`, and of every `url` that is a urn, with the bytes where it stands."""
    spans = [match.span(1) for match in _REFERENCE.finditer(document)]
    if b'"urn:' in document:
        spans += [match.span(1) for match in _URL.finditer(document)]
    return [(start, end, _text(document[start:end])) for start, end in spans]


def _text(quoted: bytes) -> str:
    text: str = orjson.loads(quoted) if b"\\" in quoted else quoted[1:-1].decode()
    return text


def rewrite(document: bytes, spans: Sequence[tuple[int, int, str]], targets: Mapping[str, str]) -> bytes:
    """Return the document with the texts at `spans` replaced that `targets` names, every other byte untouched."""
    parts = []
    last = 0
    for start, end, text in sorted(spans):
        target = targets.get(text)
        if target is not None:
            parts += [document[last:start], _encode(target)]
            last = end
    return b"".join((*parts, document[last:])) if parts else document


def stamp(document: bytes, type_: str, id: str, version: int, updated: datetime) -> bytes:
    """Return the document under an id and a version: `id`, `meta.versionId` and `meta.lastUpdated` are ours."""
    opening = _OPENING.match(document)
    # Most documents begin with what is ours and have it nowhere else: the rest need not be taken apart.
    if opening and all(document.find(word, opening.end()) < 0 for word in _OURS):
        head = _head(type_, id, version, updated, _members(opening[1]) if opening[1] else {})
        return b"%b,%b" % (head, document[opening.end() :].rstrip())
    members = _members(document)
    meta = _members(members.pop("meta")) if "meta" in members else {}
    rest = [_member(key, raw) for key, raw in members.items() if key not in ("resourceType", "id")]
    return b",".join([_head(type_, id, version, updated, meta), *rest]) + b"}"


def _head(type_: str, id: str, version: int, updated: datetime, meta: Mapping[str, Raw]) -> bytes:
    kept = [_member(key, raw) for key, raw in meta.items() if key not in _SERVER_META]
    stamped = [b'"versionId":"%d"' % version, b'"lastUpdated":"%b"' % instant(updated).encode(), *kept]
    return b'{"resourceType":"%b","id":"%b","meta":{%b}' % (type_.encode(), id.encode(), b",".join(stamped))


def _member(key: str, raw: bytes | Raw) -> bytes:
    return b"%b:%b" % (_encode(key), bytes(raw))


def merge(current: bytes | Raw, incoming: bytes | Raw, structure: str = "") -> bytes:
    """Return `current` with the elements of `incoming` in their place.

    `null` removes an element; identifiers are united by system and value, extensions by url, contained records by id,
    the incoming ones winning, but for one that is `use=old` and comes without a use; `meta` keeps its elements unless
    named. With `structure`, the type of the document, inner objects (`hospitalization`) and periods are merged the same
    way, and one type of a choice removes the others.
    """
    members = _members(current)
    known = elements(structure) if structure else {}
    for key, raw in _members(incoming).items():
        element = known.get(key)
        if bytes(raw) == b"null":
            members.pop(key, None)
        elif key in _UNITED and key in members and (element is None or element.many):
            members[key] = _unite(members[key], raw, _UNITED[key])
        elif key == "meta" and key in members:
            members[key] = Raw(_join({**_members(members[key]), **_members(raw)}))
        elif element is not None and has_parts(element):
            members[key] = Raw(merge(members.get(key, b"{}"), raw, element.kind))
            members = _without(members, key) if bytes(members[key]) == b"{}" else members
        else:
            if element is not None and element.choice:
                members = {
                    k: v for k, v in members.items() if k == key or k not in known or known[k].choice != element.choice
                }
            members[key] = raw
    return _join(_referenced(members))


def has_parts(element: Element) -> bool:
    """Tell whether an element is one object whose own elements are merged: an inner structure or a period."""
    return not element.many and ("." in element.kind or element.kind == "Period")


def partial(document: dict[str, Any], type_: str) -> dict[str, Any]:
    """Return the document of a merge without the `None`s that clear nothing: those inside what is replaced whole."""
    known = elements(type_)
    kept: dict[str, Any] = {}
    for key, value in document.items():
        element = known.get(key)
        if isinstance(value, dict) and element is not None and has_parts(element):
            kept[key] = partial(value, element.kind)
        else:
            kept[key] = prune(value)
    return kept


def clear(document: bytes, clears: Sequence[tuple[str, Mapping[str, Any]]]) -> bytes:
    """Return the document without the items of a list that hold all of an example: `("telecom", {"use": "home"})`."""
    members = _members(document)
    for key, example in clears:
        if key in members:
            left = [raw for raw in _items(members[key]) if not _holds(orjson.loads(bytes(raw)), example)]
            members[key] = Raw(b"[" + b",".join(map(bytes, left)) + b"]")
    return _join({key: raw for key, raw in members.items() if bytes(raw) != b"[]"})


def _holds(value: Any, example: Any) -> bool:
    """Tell whether a value has everything that an example has."""
    if isinstance(example, Mapping):
        return isinstance(value, dict) and all(_holds(value.get(key), part) for key, part in example.items())
    if isinstance(example, list):
        return isinstance(value, list) and all(any(_holds(item, part) for item in value) for part in example)
    return bool(value == example)


def _unite(current: Raw, incoming: Raw, keys: tuple[str, ...]) -> Raw:
    held = _by_keys(current, keys)
    out = {**held, **{k: items for k, items in _by_keys(incoming, keys).items() if not _retired(held.get(k), items)}}
    return Raw(b"[" + b",".join(item for items in out.values() for item in items) + b"]")


def _retired(held: list[bytes] | None, incoming: list[bytes]) -> bool:
    """Tell whether the item that is there is marked as old and the incoming one does not say anything about that."""
    if not held or b'"old"' not in held[0] or b'"use"' in incoming[0]:
        return False
    return bool(orjson.loads(held[0]).get("use") == "old")


def _by_keys(raw: Raw, keys: tuple[str, ...]) -> dict[tuple[Any, ...], list[bytes]]:
    found: dict[tuple[Any, ...], list[bytes]] = {}
    for item in map(bytes, _items(raw)):
        parsed = orjson.loads(item)
        found.setdefault(tuple(parsed.get(key) for key in keys), []).append(item)
    return found


def _referenced(members: dict[str, Any]) -> dict[str, Any]:
    """Drop contained records that nothing in the document refers to any more (FHIR R4 dom-3)."""
    if "contained" not in members:
        return members
    whole = b"".join(bytes(raw) for raw in members.values())
    ids = {item: str(orjson.loads(item).get("id", "")) for item in map(bytes, _items(members["contained"]))}
    kept = [item for item, id_ in ids.items() if b'"#' + id_.encode() + b'"' in whole]
    return {**members, "contained": Raw(b"[" + b",".join(kept) + b"]")} if kept else _without(members, "contained")


def _without(members: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: raw for name, raw in members.items() if name != key}


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


def tagged(document: bytes, system: str, code: str, wanted: bool) -> bytes:
    """Return the document with a tag in its `meta`, or without it; as it is when that is so already."""
    members = _members(document)
    meta = _members(members["meta"]) if "meta" in members else {}
    tags = list(map(bytes, _items(meta["tag"]))) if "tag" in meta else []
    tag = {"system": system, "code": code}
    kept = [raw for raw in tags if not _holds(orjson.loads(raw), tag)]
    if (len(kept) < len(tags)) is wanted:
        return document
    kept += [_encode(tag)] if wanted else []
    meta = {**meta, "tag": Raw(b"[" + b",".join(kept) + b"]")} if kept else _without(meta, "tag")
    return _join({**members, "meta": _join(meta)} if meta else _without(members, "meta"))


def keep(document: bytes, names: set[str]) -> bytes:
    """Return the document with these top-level elements alone, and those every resource has; marked as incomplete."""
    wanted = names | {"resourceType", "id", "meta"}
    members = {key: raw for key, raw in _members(document).items() if key.removeprefix("_") in wanted}
    return _subsetted(members)


def summary(document: bytes, type_: str) -> bytes:
    """Return the document with what a summary shows (FHIR R4 3.1.1.5.9), marked as incomplete."""
    return _subsetted(_summarised(document, type_))


def _summarised(document: bytes | Raw, structure: str) -> dict[str, Raw]:
    """Keep what is marked for summaries or needed, also inside inner structures."""
    known = elements(structure)
    kept: dict[str, Raw] = {}
    for key, raw in _members(document).items():
        element = known.get(key.removeprefix("_"))
        if element is None or not (element.summary or element.required or element.modifier):
            if key == "resourceType":
                kept[key] = raw
        elif "." not in element.kind or key.startswith("_"):
            kept[key] = raw
        elif element.many:
            kept[key] = Raw(b"[%b]" % b",".join(_join(_summarised(one, element.kind)) for one in _items(raw)))
        else:
            kept[key] = Raw(_join(_summarised(raw, element.kind)))
    return kept


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
