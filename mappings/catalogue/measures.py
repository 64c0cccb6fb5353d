"""Case reports as Measures: one group per data element, stratified by age and sex."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mappings.catalogue.naming import CASE_REPORT, CATEGORY, DATA_ELEMENT
from tracker_core.aggregates.definitions import Axis, Definition, Group

POPULATION = {"system": "http://terminology.hl7.org/CodeSystem/measure-population", "code": "initial-population"}
_SCORING = {"system": "http://terminology.hl7.org/CodeSystem/measure-scoring", "code": "cohort"}
_LANGUAGE = "text/x-tracker-hub"


def measure_id(code: str) -> str:
    """Return the id of the Measure of a case report: its code, characters that an id cannot have replaced."""
    return re.sub(r"[^A-Za-z0-9.\-]", "-", code)[:64]


def measures(definitions: Iterable[Definition]) -> Iterator[dict[str, Any]]:
    """Yield a Measure for each case report. Its url is `urn:tracker-hub:case-report:` and the report's code."""
    for one in definitions:
        yield {
            "resourceType": "Measure",
            "id": measure_id(one.code),
            "url": f"{CASE_REPORT}{one.code}",
            "identifier": [{"system": CASE_REPORT.rstrip(":"), "value": one.code}],
            "title": one.name,
            "status": "active",
            "scoring": {"coding": [_SCORING]},
            "group": [_group(one, group) for group in one.groups],
        }


def _group(definition: Definition, group: Group) -> dict[str, Any]:
    axes = [axis for axis in (definition.age, definition.sex) if axis]
    stratifier = {"component": [_component(axis) for axis in axes]}
    return {
        "code": {"coding": [{"system": DATA_ELEMENT, "code": group.data_element}]},
        "population": [{"code": {"coding": [POPULATION]}, "criteria": _criteria(definition, group)}],
        **({"stratifier": [stratifier]} if axes else {}),
    }


def _criteria(definition: Definition, group: Group) -> dict[str, str]:
    source = definition.source
    codes = ", ".join(f"{one.low}-{one.high}" if one.low != one.high else one.low for one in group.ranges)
    words = f"{source.count} of {source.kind} by {source.date} at the {source.place}"
    return {"language": _LANGUAGE, "expression": f"{words}: {codes}" if codes else words}


def _component(axis: Axis) -> dict[str, Any]:
    return {
        "code": {"coding": [{"system": CATEGORY, "code": axis.category}]},
        "criteria": {"language": _LANGUAGE, "expression": " | ".join(axis.options)},
    }
