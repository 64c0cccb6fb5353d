"""DHIS2 data value sets: JSON both ways, XML and CSV read (DHIS2 2.42 Web API, "Data values")."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from lxml import etree

from adapters.aggregate.adx import named
from adapters.aggregate.schemes import PARAMETERS, Schemes, is_on
from adapters.aggregate.xml import local
from tracker_core import periods
from tracker_core.changes import AggregateChange, AggregateTerms
from tracker_core.errors import Malformed

CONTENT_TYPE = "application/json"
NAMESPACE = "http://dhis2.org/schema/dxf/2.0"
BODY_PARAMETERS = frozenset({"idScheme", "importStrategy", "dryRun", *PARAMETERS.values()})
"""What an envelope may say of the import; it wins over the query string."""

_decoder = msgspec.json.Decoder(float_hook=str)
_COLUMNS = {
    "dataelement": "dataElement",
    "period": "period",
    "orgunit": "orgUnit",
    "categoryoptioncombo": "categoryOptionCombo",
    "catoptcombo": "categoryOptionCombo",
    "attributeoptioncombo": "attributeOptionCombo",
    "attroptcombo": "attributeOptionCombo",
    "value": "value",
    "comment": "comment",
    "followup": "followup",
    "flwup": "followup",
    "deleted": "deleted",
}


def parse_json(raw: bytes) -> dict[str, Any]:
    """Return a data value set. Numbers keep their digits. Raises `Malformed`."""
    try:
        document = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("dataValues", []), list):
        raise Malformed('a data value set is an object with a list "dataValues"')
    if not all(isinstance(item, dict) for item in document.get("dataValues", [])):
        raise Malformed("every data value is an object", "dataValues")
    return document


def parse_xml(root: etree._Element) -> dict[str, Any]:
    """Return a data value set of XML in the shape of its JSON."""
    values = [dict(item.attrib) for item in root if local(item) == "dataValue"]
    return {**{str(key): str(value) for key, value in root.attrib.items()}, "dataValues": values}


def parse_csv(raw: bytes) -> dict[str, Any]:
    """Return a data value set of CSV in the shape of its JSON; columns go by the header. Raises `Malformed`."""
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(f"not CSV in UTF-8: {error}") from error
    if not rows:
        raise Malformed("a CSV file needs a header row", "line 1")
    names = [_COLUMNS.get(column.strip().lower()) for column in rows[0]]
    missing = {"dataElement", "period", "orgUnit"} - set(names)
    if missing:
        raise Malformed(f"the header lacks {', '.join(sorted(missing))}", "line 1")
    pairs = ([(key, text) for key, text in zip(names, row, strict=False) if key and text] for row in rows[1:] if row)
    return {"dataValues": [dict(row) for row in pairs]}


def read(document: Mapping[str, Any], terms: AggregateTerms) -> Iterator[AggregateChange]:
    """Yield every data value; what it does not say, the envelope says for all.

    `deleted` deletes. The envelope's period may be an ADX interval, as newer servers write it in XML. An option combo
    may be an object of category and option.
    """
    for n, item in enumerate(document.get("dataValues") or ()):
        combo = item.get("categoryOptionCombo", document.get("categoryOptionCombo"))
        attributes = item.get("attributeOptionCombo", document.get("attributeOptionCombo"))
        yield AggregateChange(
            data_element=_text(item.get("dataElement")),
            period=_period(item.get("period", document.get("period"))),
            org_unit=_text(item.get("orgUnit", document.get("orgUnit"))),
            value=None if is_on(item.get("deleted")) else _text(item.get("value")),
            category_option_combo="" if isinstance(combo, dict) else _text(combo),
            attribute_option_combo="" if isinstance(attributes, dict) else _text(attributes),
            categories=_chosen(combo),
            attributes=_chosen(attributes),
            data_set=_text(item.get("dataSet", document.get("dataSet"))),
            comment=_text(item["comment"]) if item.get("comment") else None,
            follow_up=is_on(item.get("followup", item.get("followUp"))),
            terms=terms,
            where=f"dataValues[{n}]",
        )


def write(cells: Sequence[dict[str, Any]], data_set: dict[str, Any] | None, schemes: Schemes) -> bytes:
    """Return the cells as a JSON data value set that names its own id schemes; deletions are marked `deleted`.

    Raises `Unsupported` where something has no name under its scheme.
    """
    head: dict[str, Any] = dict(schemes.as_parameters())
    if data_set:
        head["dataSet"] = named(data_set, schemes.data_set, "the data set")
    return msgspec.json.encode(head | {"dataValues": [_item(cell, schemes) for cell in cells]})


def _item(cell: dict[str, Any], schemes: Schemes) -> dict[str, Any]:
    item: dict[str, Any] = {
        "dataElement": named(cell["dataElement"], schemes.data_element, "the data element"),
        "period": cell["period"],
        "orgUnit": named(cell["orgUnit"], schemes.org_unit, "the org unit"),
    }
    for key, scheme in (
        ("categoryOptionCombo", schemes.category_option_combo),
        ("attributeOptionCombo", schemes.attribute_option_combo),
    ):
        if cell[key]:
            item[key] = named(cell[key], scheme, "the option combo")
    item["value"] = cell["value"] if cell["value"] is not None else "0"
    if cell["comment"]:
        item["comment"] = cell["comment"]
    if cell["followUp"]:
        item["followup"] = True
    return item if cell["value"] is not None else item | {"deleted": True}


def _chosen(combo: Any) -> dict[str, str]:
    return {str(key): _text(value) for key, value in combo.items()} if isinstance(combo, dict) else {}


def _period(value: Any) -> str:
    text = _text(value)
    interval = periods.from_adx(text)
    return interval.id if interval else text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
