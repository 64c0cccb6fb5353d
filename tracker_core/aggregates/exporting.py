"""Stored values selected for a reader, as `GET /api/dataValueSets` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tracker_core import metadata, periods
from tracker_core.aggregates import describing
from tracker_core.aggregates.describing import Cell
from tracker_core.aggregates.values import Key
from tracker_core.database import Session
from tracker_core.metadata import Metadata
from tracker_core.metadata.compiling import reference


@dataclass(frozen=True, slots=True)
class Selection:
    """Which values: of these data sets or data elements, periods, and org units (uids), with what is below those.

    Without `periods`, those that lie between `start` and `end`; without either, whatever was updated `since`.
    """

    data_sets: Sequence[str] = ()
    elements: Sequence[str] = ()
    periods: Sequence[str] = ()
    start: date | None = None
    end: date | None = None
    since: datetime | None = None
    org_units: Sequence[str] = ()
    children: bool = False
    deleted: bool = False
    limit: int | None = None


def select(session: Session, selection: Selection) -> list[dict[str, Any]]:
    """Return the selected values described as adapters write them, in the order of org unit, period and element."""
    known = metadata.load(session)
    elements = {*selection.elements, *_members(known, selection.data_sets)}
    rows = session.execute(
        "select v.data_element, v.period, v.org_unit, v.category_option_combo, v.attribute_option_combo, v.value,"
        " v.deleted, v.comment, v.follow_up, v.data_set from aggregate_value v join org_unit u on u.pk = v.org_unit"
        " where v.data_element = any(%(elements)s) and v.org_unit = any(%(units)s)"
        " and (%(periods)s::text[] = '{}' or v.period = any(%(periods)s))"
        " and (%(since)s::timestamptz is null or v.updated >= %(since)s) and (%(deleted)s or not v.deleted)"
        " order by u.path, v.period, v.attribute_option_combo, v.data_element, v.category_option_combo",
        {
            "elements": sorted(elements),
            "units": _units(known, selection),
            "periods": list(selection.periods),
            "since": selection.since,
            "deleted": selection.deleted,
        },
    ).fetchall()
    cells = [_cell(selection, row) for row in rows if _within(selection, row[1])]
    return describing.describe(known, cells[: selection.limit])


def _cell(selection: Selection, row: Sequence[Any]) -> Cell:
    data_set = row[9] or (selection.data_sets[0] if len(selection.data_sets) == 1 else None)
    return Cell(Key(*row[:5]), None if row[6] else row[5], row[7], row[8], data_set)


def _members(known: Metadata, data_sets: Sequence[str]) -> set[str]:
    docs = [item.doc for uid in data_sets if (item := known.get("dataSets", uid))]
    return {reference(element.get("dataElement")) for doc in docs for element in doc.get("dataSetElements") or ()}


def _units(known: Metadata, selection: Selection) -> list[int]:
    roots = [known.org_units[uid] for uid in selection.org_units if uid in known.org_units]
    if not selection.children:
        return [unit.pk for unit in roots]
    return [unit.pk for unit in known.org_units.values() if any(unit.is_under(root) for root in roots)]


def _within(selection: Selection, identifier: str) -> bool:
    period = periods.parse(identifier)
    if period is None:
        return False
    return (selection.start is None or period.start >= selection.start) and (
        selection.end is None or period.end <= selection.end
    )
