"""Programs as PlanDefinitions, and option sets as ValueSets."""

from collections.abc import Iterator
from typing import Any

from mappings.catalogue.naming import PROGRAM, VALUE_SET
from mappings.forms.answers import OPTION_SET
from mappings.forms.form import STAGE
from tracker_core.metadata import Metadata, Program, Stage

_KIND = {"system": "http://terminology.hl7.org/CodeSystem/plan-definition-type", "code": "clinical-protocol"}


def plans(known: Metadata) -> Iterator[dict[str, Any]]:
    """Yield a PlanDefinition per program: an action per stage, which is to fill its form, that many days after."""
    for program in known.programs.values():
        held = known.get("programs", program.uid)
        made: dict[str, Any] = {
            "resourceType": "PlanDefinition",
            "id": program.uid,
            "url": PROGRAM + program.uid,
            "identifier": [{"system": PROGRAM.removesuffix(":"), "value": program.code or program.uid}],
            "name": f"Program_{program.uid}",
            "title": program.name,
            "type": {"coding": [_KIND]},
            "status": "active",
        }
        if held and held.doc.get("version") is not None:
            made["version"] = str(held.doc["version"])
        if held and held.doc.get("description"):
            made["description"] = str(held.doc["description"])
        if program.stages:
            made["action"] = [_action(program, stage) for stage in program.stages.values()]
        yield made


def _action(program: Program, stage: Stage) -> dict[str, Any]:
    action: dict[str, Any] = {"id": stage.uid, "title": stage.name}
    if program.registration:
        days = {"value": stage.min_days_from_start, "unit": "day", "system": "http://unitsofmeasure.org", "code": "d"}
        action["timingDuration"] = days
    action["cardinalityBehavior"] = "multiple" if stage.repeatable else "single"
    return {**action, "definitionCanonical": STAGE + stage.uid}


def value_sets(known: Metadata) -> Iterator[dict[str, Any]]:
    """Yield a ValueSet per option set: all codes of the code system that it is."""
    for found in known.option_sets.values():
        yield {
            "resourceType": "ValueSet",
            "id": found.uid,
            "url": VALUE_SET + found.uid,
            "name": f"OptionSet_{found.uid}",
            "title": found.name,
            "status": "active",
            "compose": {"include": [{"system": OPTION_SET + found.uid}]},
        }
