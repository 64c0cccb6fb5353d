"""Events as CSV (Web API 2.42, "CSV events"): one row per data value; rows of one event repeat its other columns."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

import msgspec

from adapters.dhis2.exports.tables import EVENT_COLUMNS
from tracker_core.errors import Malformed

_PLAIN = (
    *("event", "status", "program", "programStage", "enrollment", "orgUnit", "occurredAt", "scheduledAt"),
    *("createdAtClient", "updatedAtClient", "completedAt", "attributeOptionCombo", "attributeCategoryOptions"),
)
_FLAGS = {"true": True, "false": False}
_SHAPES = {"POINT": "Point", "POLYGON": "Polygon", "MULTIPOLYGON": "MultiPolygon"}
_WKT = re.compile(r"\s*(POINT|POLYGON|MULTIPOLYGON)\s*(\(.*\))\s*\Z", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(r"(-?[0-9.]+(?:[eE]-?[0-9]+)?)\s+(-?[0-9.]+(?:[eE]-?[0-9]+)?)(?:\s+-?[0-9.]+)?")


def parse_events(raw: bytes, *, header: bool) -> dict[str, Any]:
    """Return a payload of events. Raises `Malformed`.

    With `header` the first row holds the names of the columns, in any order; without, they are in DHIS2's order.
    """
    try:
        text = raw.decode("utf-8-sig")
        rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(f"the body is not CSV: {error}") from error
    columns: Sequence[str] = EVENT_COLUMNS
    if header and rows:
        columns = _named(rows[0])
    events: list[dict[str, Any]] = []
    for row in _rows(columns, rows[1:] if header else rows):
        if not events or not row.get("event") or events[-1].get("event") != row["event"]:
            events.append(_event(row))
        if row.get("dataElement"):
            events[-1]["dataValues"].append(_value(row))
    return {"events": events}


def _named(first: Sequence[str]) -> Sequence[str]:
    """Return the names in the first row; where they are others than DHIS2's, its order of columns is meant."""
    names = [name.strip() for name in first]
    return names if "event" in names or "dataElement" in names else EVENT_COLUMNS


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[dict[str, str]]:
    for number, row in enumerate(rows, 1):
        if len(row) > len(columns):
            raise Malformed(f"the row has {len(row)} columns and there are {len(columns)}", f"row {number}")
        found = {name: cell.strip() for name, cell in zip(columns, row, strict=False) if cell.strip()}
        if found:
            yield found


def _event(row: Mapping[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {name: row[name] for name in _PLAIN if name in row}
    event["dataValues"] = []
    if "geometry" in row:
        event["geometry"] = parse_wkt(row["geometry"])
    elif "longitude" in row and "latitude" in row:
        event["geometry"] = parse_wkt(f"POINT ({row['longitude']} {row['latitude']})")
    if "assignedUser" in row:
        event["assignedUser"] = {"username": row["assignedUser"]}
    return event


def _value(row: Mapping[str, str]) -> dict[str, Any]:
    value: dict[str, Any] = {"dataElement": row["dataElement"], "value": row.get("value")}
    if (elsewhere := row.get("providedElsewhere", "").lower()) in _FLAGS:
        value["providedElsewhere"] = _FLAGS[elsewhere]
    return value


def parse_wkt(text: str) -> dict[str, Any]:
    """Return the GeoJSON of a point, polygon or multipolygon in well-known text. Raises `Malformed`."""
    match = _WKT.match(text)
    if match is None:
        raise Malformed(f"a geometry is a POINT, POLYGON or MULTIPOLYGON in well-known text: {text}")
    kind, body = match[1].upper(), match[2]
    listed = _PAIR.sub(r"[\1,\2]", body).replace("(", "[").replace(")", "]")
    return {"type": _SHAPES[kind], "coordinates": _coordinates(listed, kind, text)}


def _coordinates(listed: str, kind: str, text: str) -> Any:
    try:
        found = msgspec.json.decode(listed)
    except msgspec.DecodeError as error:
        raise Malformed(f"the geometry is not well-known text: {text}") from error
    return found[0] if kind == "POINT" and len(found) == 1 else found
