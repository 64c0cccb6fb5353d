"""ADX 2015 (IHE QRPH): read leniently, written strictly; outer and inner dimensions stand for option combos."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, cast

from lxml import etree

from adapters.aggregate.schemes import Schemes, name
from adapters.aggregate.xml import local
from tracker_core import periods
from tracker_core.changes import AggregateChange, AggregateTerms
from tracker_core.errors import Malformed, Unsupported

NAMESPACE = "urn:ihe:qrph:adx:2015"
CONTENT_TYPE = "application/adx+xml"
_NSMAP = cast("Mapping[str, str]", {None: NAMESPACE})  # None makes it the default; the stubs don't know that
_GROUP = {"orgUnit", "period", "dataSet", "completeDate", "dataSetComplete", "comment", "attributeOptionCombo"}
_VALUE = {"dataElement", "value", "categoryOptionCombo"}
_NAME = re.compile(r"[A-Za-z_][\w.\-]*")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)


def check_root(root: etree._Element) -> None:
    """Raises `Unsupported` for the namespace of the trial version, `Malformed` for any other root."""
    if root.tag == f"{{{NAMESPACE}}}adx":
        return
    if etree.QName(root).namespace == "http://ihe.net/quality/schema/adx":
        raise Unsupported(f"this is the trial version of ADX; send {NAMESPACE}", "adx")
    raise Malformed(f"the root element is not adx in the namespace {NAMESPACE}", local(root))


def read(root: etree._Element, terms: AggregateTerms) -> Iterator[AggregateChange]:
    """Yield every data value, in document order.

    A period that no period type has goes on as it is written, so that it is reported and not moved; an annotation
    replaces the value, as ADX writes texts; a value with neither is left empty.
    """
    for n, group in enumerate(_children(root, "group")):
        head = _attributes(group)
        period = periods.from_adx(head.get("period", ""))
        for m, item in enumerate(_children(group, "dataValue")):
            own = _attributes(item)
            annotation = next(_children(item, "annotation"), None)
            yield AggregateChange(
                data_element=own.get("dataElement", ""),
                period=period.id if period else head.get("period", ""),
                org_unit=head.get("orgUnit", ""),
                value="".join(map(str, annotation.itertext())).strip()
                if annotation is not None
                else own.get("value", ""),
                category_option_combo=own.get("categoryOptionCombo", ""),
                attribute_option_combo=head.get("attributeOptionCombo", ""),
                categories={key: value for key, value in own.items() if key not in _VALUE},
                attributes={key: value for key, value in head.items() if key not in _GROUP},
                data_set=head.get("dataSet", ""),
                terms=terms,
                where=f"group[{n + 1}]/dataValue[{m + 1}]",
            )


def write(cells: Sequence[dict[str, Any]], data_set: dict[str, Any] | None, schemes: Schemes, exported: str) -> bytes:
    """Return the cells as an ADX document that the published schema accepts.

    ADX has no deletions: a deleted cell is written as 0. Raises `Unsupported`, naming the place, where a name is
    missing under the scheme, a category cannot be an attribute's name, or the period has no ADX interval of its own.
    """
    if not cells:
        raise Unsupported("an ADX document needs at least one value")
    root = etree.Element(f"{{{NAMESPACE}}}adx", nsmap=_NSMAP, exported=_stamp(exported))
    for _, members in groupby(cells, key=_group_key):
        first, *rest = members
        group = etree.SubElement(root, f"{{{NAMESPACE}}}group", _head(first, data_set, schemes))
        for cell in (first, *rest):
            _append(group, cell, schemes)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _group_key(cell: dict[str, Any]) -> tuple[str, str, str, str]:
    attributes = cell["attributeOptionCombo"]
    own = cell["dataSet"] or {}
    return cell["orgUnit"]["uid"], cell["period"], attributes["uid"] if attributes else "", own.get("uid", "")


def _head(cell: dict[str, Any], data_set: dict[str, Any] | None, schemes: Schemes) -> dict[str, str]:
    period = periods.parse(cell["period"])
    if period is None or period.type == "QuarterlyNov":
        raise Unsupported(f"ADX has no interval that means the period {cell['period']}", "group/@period")
    head = {
        "orgUnit": named(cell["orgUnit"], schemes.org_unit, "the org unit"),
        "period": periods.to_adx(period),
    }
    owner = cell["dataSet"] or data_set
    if owner:
        head["dataSet"] = named(owner, schemes.data_set, "the data set")
    if cell["attributeOptionCombo"]:
        dimensions = _dimensions(cell["attributes"], schemes, _GROUP)
        combo = named(cell["attributeOptionCombo"], schemes.attribute_option_combo, "the attribute option combo")
        head |= dimensions or {"attributeOptionCombo": combo}
    return head


def _append(group: etree._Element, cell: dict[str, Any], schemes: Schemes) -> None:
    value = cell["value"] if cell["value"] is not None else "0"
    numeric = _DECIMAL.fullmatch(value) is not None
    attributes = {"dataElement": named(cell["dataElement"], schemes.data_element, "the data element")}
    if cell["categoryOptionCombo"]:
        dimensions = _dimensions(cell["categories"], schemes, _VALUE)
        if not dimensions:
            combo = named(cell["categoryOptionCombo"], schemes.category_option_combo, "the option combo")
            dimensions = {"categoryOptionCombo": combo}
        attributes |= dimensions
    item = etree.SubElement(group, f"{{{NAMESPACE}}}dataValue", attributes | {"value": value if numeric else "0"})
    if not numeric:
        etree.SubElement(item, f"{{{NAMESPACE}}}annotation").text = value


def _dimensions(pairs: Sequence[Sequence[dict[str, Any]]], schemes: Schemes, reserved: set[str]) -> dict[str, str]:
    found = {}
    for category, option in pairs:
        key = named(category, schemes.category, "the category")
        if _NAME.fullmatch(key) is None or key in reserved:
            raise Unsupported(f"the category {key!r} cannot be the name of an XML attribute")
        found[key] = named(option, schemes.category_option, "the category option")
    return found


def named(item: dict[str, Any], scheme: str, word: str) -> str:
    """Return the name of `item` under `scheme`. Raises `Unsupported` when it has none."""
    found = name(item, scheme)
    if found is None:
        raise Unsupported(f"{word} {item['uid']} has no name under the id scheme {scheme}")
    return found


def _stamp(exported: str) -> str:
    return datetime.fromisoformat(exported).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _children(element: etree._Element, tag: str) -> Iterator[etree._Element]:
    return element.iterchildren(f"{{{NAMESPACE}}}{tag}")


def _content(element: etree._Element) -> str:
    return "".join(map(str, element.itertext())).strip()


def _attributes(element: etree._Element) -> dict[str, str]:
    """Return the attributes that have no namespace of their own (`xsi:…` says nothing about data)."""
    return {str(key): str(value) for key, value in element.attrib.items() if not str(key).startswith("{")}
