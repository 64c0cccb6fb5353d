"""UCUM's units from its own `ucum-essence.xml` (UCUM 2.x), which the operator downloads under UCUM's licence."""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from terminology.concepts import Concept, Edition
from terminology.errors import Refused

SYSTEM = "http://unitsofmeasure.org"


def _root(path: Path) -> "etree._Element":
    try:
        return etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    except etree.XMLSyntaxError as error:
        raise Refused(f"the file is not XML: {error.msg}", f"line {error.lineno}") from error


def read_edition(path: Path) -> Edition:
    """Return the version that the file names."""
    return Edition(SYSTEM, _root(path).get("version", ""), "UCUM", path.name)


def read_concepts(path: Path) -> Iterator[Concept]:
    """Yield base units and units by their case-sensitive code, with their name, symbol and dimension."""
    for element in _root(path).iter("{*}base-unit", "{*}unit"):
        code = element.get("Code")
        where = f"line {element.sourceline}"
        if not code:
            raise Refused("a unit without a code", where)
        properties = {name: text for name in ("printSymbol", "property") if (text := element.findtext(f"{{*}}{name}"))}
        yield Concept(code, element.findtext("{*}name") or code, properties=properties, where=where)
