"""From JSON to XML: elements in the order of their definitions, decimals digit for digit, narratives as they stand."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from adapters.fhir.xml.names import FHIR, XHTML
from adapters.fhir.xml.parsing import parser
from tracker_core.records import definitions, documents
from tracker_core.records.definitions import Element
from tracker_core.records.documents import Digits

# What XML 1.0 cannot hold is replaced.
_UNSPEAKABLE = dict.fromkeys([*(n for n in range(32) if n not in (9, 10, 13)), 0xFFFE, 0xFFFF], "\ufffd")
_QUOTES = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def write(document: bytes, *, pretty: bool = False) -> bytes:
    """Return a stored resource as XML. What R4 does not define has no form in XML and is left out."""
    resource = documents.open_exactly(document)
    type_ = str(resource["resourceType"])
    text = "".join(_resource(type_, resource, f' xmlns="{FHIR}"'))
    text = text.translate(_UNSPEAKABLE)
    if pretty:
        return etree.tostring(_indented(text), encoding="UTF-8", xml_declaration=True)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode("utf-8", "replace")


def _indented(text: str) -> etree._Element:
    root = etree.fromstring(text.encode("utf-8", "replace"), parser())
    etree.indent(root)
    return root


def _resource(type_: str, resource: dict[str, Any], namespace: str = "") -> Iterator[str]:
    yield f"<{type_}{namespace}>"
    yield from _members(type_, resource)
    yield f"</{type_}>"


def _members(structure: str, value: dict[str, Any]) -> Iterator[str]:
    for name, element in definitions.elements(structure).items():
        if element.attribute:
            continue
        held, siblings = value.get(name), value.get("_" + name)
        if held is None and siblings is None:
            continue
        if not element.many:
            yield from _one(element, held, siblings)
            continue
        for item, sibling in zip_longest(_listed(held), _listed(siblings)):
            yield from _one(element, item, sibling)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _one(element: Element, value: Any, sibling: Any) -> Iterator[str]:
    name, kind = element.name, element.kind
    if kind == "xhtml":
        yield _narrative(str(value))
    elif kind in definitions.primitive_patterns():
        yield from _primitive(name, value, sibling if isinstance(sibling, dict) else {})
    elif kind == "Resource" and isinstance(value, dict):
        yield f"<{name}>"
        yield from _resource(str(value.get("resourceType", "Basic")), value)
        yield f"</{name}>"
    elif isinstance(value, dict):
        inner = "".join(_members(kind, value))
        head = name + _attributes(kind, value)
        yield f"<{head}>{inner}</{name}>" if inner else f"<{head}/>"


def _narrative(text: str) -> str:
    """Return a narrative as it stands; what is no `div` of XHTML, which it should be, is shown as text."""
    try:
        node = etree.fromstring(text.translate(_UNSPEAKABLE).encode(), parser())
    except (etree.XMLSyntaxError, ValueError):
        node = None
    if node is not None and node.tag == f"{{{XHTML}}}div" and text.startswith("<div") and text.endswith(">"):
        return text
    return f'<div xmlns="{XHTML}">{escape(text)}</div>'


def _attributes(kind: str, value: dict[str, Any]) -> str:
    known = definitions.elements(kind)
    found = [(name, value[name]) for name, element in known.items() if element.attribute and name in value]
    return "".join(f' {name}="{escape(str(text), _QUOTES)}"' for name, text in found)


def _primitive(name: str, value: Any, sibling: dict[str, Any]) -> Iterator[str]:
    head = name + _attributes("Element", sibling)
    if value is not None:
        head += f' value="{escape(_text(value), _QUOTES)}"'
    inner = "".join(_members("Element", sibling))
    yield f"<{head}>{inner}</{name}>" if inner else f"<{head}/>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Digits) else str(value)
