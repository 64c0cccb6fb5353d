"""Bytes to an element tree that holds no surprises: no document type, no entities, narratives verbatim."""

from xml.parsers import expat

from lxml import etree

from adapters.fhir.xml.names import XHTML
from tracker_core.errors import Malformed

_DIV = f"{{{XHTML}}}div"


def parse(raw: bytes) -> etree._Element:
    """Return the root; each narrative is a `div` without children whose text, as it was written, is its `value`.

    Raises `Malformed` for what is no XML or has a document type: there, entities could make much out of little.
    """
    try:
        written = _scan(raw)
        root = etree.fromstring(raw, parser())
    except (expat.ExpatError, etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(f"this is no XML: {error}") from error
    _hold_narratives(root, written)
    return root


def _hold_narratives(root: etree._Element, written: list[str]) -> None:
    narratives = [div for div in root.iter(_DIV) if not _is_xhtml(div.getparent())]
    # A narrative under a prefix, or in another encoding, is written anew.
    known = [text if len(written) == len(narratives) else "" for text in written] or [""] * len(narratives)
    for div, text in zip(narratives, known, strict=False):
        kept = text or _serialised(div)
        for part in list(div):
            div.remove(part)
        div.set("value", kept)


def parser() -> etree.XMLParser:
    """Return a parser that expands and fetches nothing."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)


def _is_xhtml(node: etree._Element | None) -> bool:
    return node is not None and str(node.tag).startswith(f"{{{XHTML}}}")


def _serialised(div: etree._Element) -> str:
    return etree.tostring(div, encoding="unicode", with_tail=False)


class _Scan:
    """Finds where the outermost `div`s of a document stand."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.depth = 0
        self.start = 0
        self.spans: list[tuple[int, int]] = []

    def refuse(self, *_: object) -> None:
        raise Malformed("a document type is not taken")

    def open(self, name: str, _attributes: object) -> None:
        if self.depth or name == "div":
            self.start = self.start if self.depth else self.parser.CurrentByteIndex
            self.depth += 1

    def close(self, _name: str) -> None:
        if self.depth:
            self.depth -= 1
            if not self.depth:
                self.spans.append((self.start, self.parser.CurrentByteIndex))


def _scan(raw: bytes) -> list[str]:
    """Return the text of each outermost `div`, empty where it cannot be taken as it stands."""
    reader = expat.ParserCreate()
    scan = _Scan(reader)
    reader.StartDoctypeDeclHandler = scan.refuse
    reader.StartElementHandler = scan.open
    reader.EndElementHandler = scan.close
    reader.Parse(raw, True)
    return [_text(raw[start : raw.index(b">", end) + 1]) for start, end in scan.spans]


def _text(span: bytes) -> str:
    head = span[: span.find(b">") + 1]
    if b"xmlns=" not in head:
        return ""
    try:
        return span.decode()
    except UnicodeDecodeError:
        return ""
