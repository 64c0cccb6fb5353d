"""Reading XML of strangers: no entities, no network, no documents that unpack into more than they are."""

from lxml import etree

from tracker_core.errors import Malformed


def parse(raw: bytes) -> etree._Element:
    """Return the root element. Raises `Malformed` for what is not well-formed and for any document type definition."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(f"not well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Malformed("a document type definition is not taken")
    return root


def local(element: etree._Element) -> str:
    """Return the element's name without its namespace."""
    return etree.QName(element).localname
