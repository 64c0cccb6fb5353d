"""Numbers of a case report as a MeasureReport: summary, list of subjects, or one subject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mappings.catalogue.measures import POPULATION
from mappings.catalogue.naming import CASE_REPORT, CATEGORY, CATEGORY_OPTION, DATA_ELEMENT
from tracker_core.aggregates.definitions import Axis, Definition
from tracker_core.aggregates.evaluating import Cell
from tracker_core.records.terms import instant

Json = dict[str, Any]
KINDS = {"summary": "summary", "population": "summary", "subject-list": "subject-list"}
KINDS |= {"subject": "individual", "individual": "individual"}


@dataclass(frozen=True, slots=True)
class Told:
    """How a report is to be told: its type, of what it is, and the Patient references of persons (pk)."""

    kind: str
    subject: Json
    start: date
    end: date
    made: datetime
    patients: Mapping[int, Sequence[str]]


def measure_report(definition: Definition, elements: Sequence[str], cells: Sequence[Cell], told: Told) -> Json:
    """Return the report. `elements` are the data elements' uids in the order of the definition's groups.

    Of a `subject-list`, each population refers to a contained List of its Patients; of an `individual` one, counts say
    whether the subject is in.
    """
    lists: list[Json] = []
    groups = [
        _group(definition, group.data_element, [cell for cell in cells if cell.element == uid], told, lists)
        for group, uid in zip(definition.groups, elements, strict=True)
    ]
    return {
        "resourceType": "MeasureReport",
        **({"contained": lists} if lists else {}),
        "status": "complete",
        "type": told.kind,
        "measure": f"{CASE_REPORT}{definition.code}",
        **({"subject": told.subject} if told.subject else {}),
        "date": instant(told.made),
        "period": {"start": told.start.isoformat(), "end": told.end.isoformat()},
        "group": groups,
    }


def _group(definition: Definition, element: str, cells: Sequence[Cell], told: Told, lists: list[Json]) -> Json:
    strata = [_stratum(definition, cell, told, lists) for cell in cells if _axes(definition)]
    persons = sorted({person for cell in cells for person in cell.persons})
    total = sum(cell.count for cell in cells)
    return {
        "code": {"coding": [{"system": DATA_ELEMENT, "code": element}]},
        "population": [_population(total, persons, told, lists)],
        **({"stratifier": [{"stratum": strata}]} if strata else {"measureScore": {"value": _count(total, told)}}),
    }


def _axes(definition: Definition) -> list[Axis]:
    return [axis for axis in (definition.age, definition.sex) if axis]


def _stratum(definition: Definition, cell: Cell, told: Told, lists: list[Json]) -> Json:
    chosen = [(axis, ours) for axis, ours in ((definition.age, cell.age), (definition.sex, cell.sex)) if axis]
    components = [
        {
            "code": {"coding": [{"system": CATEGORY, "code": axis.category}]},
            "value": {"coding": [{"system": CATEGORY_OPTION, "code": axis.options[ours]}]},
        }
        for axis, ours in chosen
    ]
    return {
        "component": components,
        "population": [_population(cell.count, cell.persons, told, lists)],
        "measureScore": {"value": _count(cell.count, told)},
    }


def _count(count: int, told: Told) -> int:
    return min(count, 1) if told.kind == "individual" else count


def _population(count: int, persons: Sequence[int], told: Told, lists: list[Json]) -> Json:
    found: Json = {"code": {"coding": [POPULATION]}, "count": _count(count, told)}
    if told.kind == "subject-list":
        lists.append(_list(f"subjects-{len(lists) + 1}", persons, told))
        found["subjectResults"] = {"reference": f"#{lists[-1]['id']}"}
    return found


def _list(id: str, persons: Sequence[int], told: Told) -> Json:
    entries = [{"item": {"reference": one}} for person in persons for one in told.patients.get(person, ())]
    return {
        "resourceType": "List",
        "id": id,
        "status": "current",
        "mode": "snapshot",
        **({"entry": entries} if entries else {}),
    }
