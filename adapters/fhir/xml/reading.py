"""From XML to JSON: elements by their definitions, decimals digit for digit, narratives as they stand."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters.fhir.xml.names import FHIR, NUMBERS, XHTML
from adapters.fhir.xml.parsing import parse
from tracker_core.errors import Malformed
from tracker_core.records import definitions, documents
from tracker_core.records.definitions import Element
from tracker_core.records.documents import Digits


def read(raw: bytes) -> bytes:
    """Return the resource as JSON.

    Raises `Malformed` for what is no XML, has a document type or entities, or is no R4 resource; elements that R4 does
    not have are refused too, because nothing says how they look in JSON.
    """
    root = parse(raw)
    try:
        return documents.encode(_resource(root, _local(root)))
    except RecursionError as error:
        raise Malformed("it is nested too deeply") from error


def _local(node: etree._Element) -> str:
    name = etree.QName(node)
    if name.namespace not in (FHIR, XHTML):
        raise Malformed(f"{name.localname} is not in the namespace {FHIR}", where=name.localname)
    return name.localname


def _resource(node: etree._Element, where: str) -> dict[str, Any]:
    type_ = _local(node)
    if type_ not in definitions.resource_types():
        raise Malformed(f"R4 has no resource type {type_}", where=where)
    return {"resourceType": type_, **_members(node, type_, where)}


def _members(node: etree._Element, structure: str, where: str) -> dict[str, Any]:
    """Return the attributes and child elements of a node as JSON members."""
    known = definitions.elements(structure)
    out: dict[str, Any] = {}
    for name, text in node.attrib.items():
        if str(name) in known and known[str(name)].attribute:
            out[str(name)] = str(text)
        elif name != "value" and not str(name).startswith("{"):
            raise Malformed(f"{structure} has no attribute {name!s}", where=where)
    counts: dict[str, int] = {}
    for child in _children(node):
        name = _local(child)
        element = known.get(name)
        if element is None:
            raise Malformed(f"{structure} has no element {name}", where=f"{where}.{name}")
        number = counts[name] = counts.get(name, -1) + 1
        place = f"{where}.{name}[{number}]" if element.many else f"{where}.{name}"
        if number and not element.many:
            raise Malformed(f"{name} is there twice", where=place)
        _add(out, element, child, place)
    return out


def _children(node: etree._Element) -> Iterator[etree._Element]:
    """Return the elements below a node, without comments."""
    return node.iterchildren(tag=etree.Element)


def _add(out: dict[str, Any], element: Element, node: etree._Element, where: str) -> None:
    if element.kind not in definitions.primitive_patterns():
        value = _contained(node, where) if element.kind == "Resource" else _members(node, element.kind, where)
        _put(out, element, element.name, value)
        return
    if element.kind == "xhtml":
        _put(out, element, element.name, node.get("value", ""))
        return
    text = node.get("value")
    sibling = _members(node, "Element", where) or None
    before = len(out.get(element.name, out.get("_" + element.name, ())))
    if text is not None or sibling or element.many:
        _pair(out, element, (None if text is None else _value(element.kind, text), sibling), before)


def _pair(out: dict[str, Any], element: Element, pair: tuple[Any, Any], before: int) -> None:
    """Add a primitive and its extensions: in lists, each has a place in both once one of the items needs it."""
    for name, value in zip((element.name, "_" + element.name), pair, strict=True):
        if not element.many:
            if value is not None:
                out[name] = value
        elif value is not None or name in out:
            out.setdefault(name, [None] * before).append(value)


def _put(out: dict[str, Any], element: Element, name: str, value: Any) -> None:
    if element.many:
        out.setdefault(name, []).append(value)
    else:
        out[name] = value


def _contained(node: etree._Element, where: str) -> dict[str, Any]:
    inner = list(_children(node))
    if len(inner) != 1:
        raise Malformed("one resource is expected here", where=where)
    return _resource(inner[0], where)


def _value(kind: str, text: str) -> Any:
    """Return a primitive as JSON has it; what is no value of its kind stays a text and is refused by the checks."""
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    match = NUMBERS[kind].fullmatch(text) if kind in NUMBERS else None
    if match:
        return Digits(text) if kind == "decimal" and not text.lstrip("-").isdigit() else int(text)
    return text
