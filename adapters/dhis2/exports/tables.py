"""Tracked entities and events as CSV: one row per attribute or data value (Web API 2.42, "CSV")."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from tracker_core.tracker.documents import Document

ENTITY_COLUMNS = (
    *("trackedEntity", "trackedEntityType", "createdAt", "createdAtClient", "updatedAt", "updatedAtClient"),
    *("orgUnit", "inactive", "deleted", "potentialDuplicate", "geometry", "latitude", "longitude", "createdBy"),
    *("updatedBy", "attrCreatedAt", "attrUpdatedAt", "attribute", "displayName", "value", "valueType"),
)
EVENT_COLUMNS = (
    *("event", "status", "program", "programStage", "enrollment", "orgUnit", "occurredAt", "scheduledAt", "geometry"),
    *("latitude", "longitude", "followUp", "deleted", "createdAt", "createdAtClient", "updatedAt", "updatedAtClient"),
    *("completedBy", "completedAt", "updatedBy", "attributeOptionCombo", "attributeCategoryOptions", "assignedUser"),
    *("dataElement", "value", "storedBy", "providedElsewhere", "storedByDataValue", "createdAtDataValue"),
    "updatedAtDataValue",
)


def entity_table(docs: Iterable[Document], *, header: bool) -> bytes:
    """Return tracked entities as CSV; one without attributes has one row."""
    return _table(ENTITY_COLUMNS, (row for doc in docs for row in _entity_rows(doc)), header=header)


def event_table(docs: Iterable[Document], *, header: bool) -> bytes:
    """Return events as CSV; one without data values has one row."""
    return _table(EVENT_COLUMNS, (row for doc in docs for row in _event_rows(doc)), header=header)


def _table(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]], *, header: bool) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue().encode()


def _entity_rows(doc: Document) -> Iterator[dict[str, Any]]:
    base = {**doc, **_place(doc.get("geometry"))}
    for attribute in doc.get("attributes") or [{}]:
        yield {
            **base,
            "attrCreatedAt": attribute.get("createdAt"),
            "attrUpdatedAt": attribute.get("updatedAt"),
            **{name: attribute.get(name) for name in ("attribute", "displayName", "value", "valueType")},
        }


def _event_rows(doc: Document) -> Iterator[dict[str, Any]]:
    base = {**doc, **_place(doc.get("geometry"))}
    for value in doc.get("dataValues") or [{}]:
        yield {
            **base,
            **{name: value.get(name) for name in ("dataElement", "value", "providedElsewhere")},
            "storedByDataValue": value.get("storedBy"),
            "createdAtDataValue": value.get("createdAt"),
            "updatedAtDataValue": value.get("updatedAt"),
        }


def _cell(value: Any) -> str:
    """Write one cell: times in UTC with `Z`, users by their names."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return str(value.get("username") or "")
    return str(value)


def _place(geometry: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry as well-known text, and of a point its coordinates."""
    if not isinstance(geometry, dict) or not geometry.get("coordinates"):
        return {"geometry": None}
    kind, coordinates = str(geometry["type"]), geometry["coordinates"]
    found: dict[str, Any] = {"geometry": f"{kind.upper()} {_text(coordinates, top=True)}"}
    if kind == "Point":
        found |= {"longitude": coordinates[0], "latitude": coordinates[1]}
    return found


def _text(coordinates: Any, *, top: bool = False) -> str:
    """Write coordinates as in `POINT (1 2)` and `POLYGON ((1 2, 3 4))`."""
    if not isinstance(coordinates[0], list):
        text = " ".join(str(number) for number in coordinates)
        return f"({text})" if top else text
    return f"({', '.join(_text(inner) for inner in coordinates)})"
