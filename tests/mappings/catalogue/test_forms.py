"""Programs as Questionnaires, PlanDefinitions and ValueSets: of a small program, and of a published package."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mappings.catalogue import Bond, plans, questionnaires, value_sets
from tracker_core import history, metadata
from tracker_core.database import Session
from tracker_core.metadata import Metadata

TB = "TB_CS_2.41.json.gz"


def brought_in(session: Session, payload: dict[str, Any]) -> Metadata:
    """Import a payload into a new hub."""
    metadata.bootstrap(session)
    context = history.open_change_set(session, "tester")
    assert metadata.import_objects(session, context, payload).errors == []
    return metadata.load(session)


def items(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item, however deep."""
    for item in holder.get("item", ()):
        yield item
        yield from items(item)


def element(uid: str, name: str, value_type: str, **more: Any) -> dict[str, Any]:
    """A data element of the tracker."""
    shared = {"aggregationType": "NONE", "domainType": "TRACKER"}
    return {"id": uid, "name": name, "shortName": name, "valueType": value_type, **shared, **more}


PROGRAM = {
    "optionSets": [{"id": "ResultSetAa", "name": "Result", "valueType": "TEXT", "options": [{"id": "OptionPosAa"}]}],
    "options": [{"id": "OptionPosAa", "code": "POS", "name": "Positive", "optionSet": {"id": "ResultSetAa"}}],
    "dataElements": [
        element("WeightAaaaa", "Weight at visit", "NUMBER", formName="Weight"),
        element("ResultAaaaa", "Result", "TEXT", optionSet={"id": "ResultSetAa"}),
        element("SymptomsAaa", "Symptoms", "MULTI_TEXT", optionSet={"id": "ResultSetAa"}),
    ],
    "programs": [
        {
            "id": "ProgramAaaa",
            "code": "P",
            "name": "Program",
            "shortName": "P",
            "description": "For trying",
            "programType": "WITH_REGISTRATION",
            "trackedEntityType": {"id": "MCPQUTHX1Ze"},
            "programStages": [{"id": "StageAaaaaa"}],
        }
    ],
    "programStages": [
        {
            "id": "StageAaaaaa",
            "name": "Visit",
            "program": {"id": "ProgramAaaa"},
            "repeatable": True,
            "minDaysFromStart": 14,
            "programStageDataElements": [
                {"dataElement": {"id": uid}, "compulsory": uid == "WeightAaaaa"}
                for uid in ("WeightAaaaa", "ResultAaaaa", "SymptomsAaa")
            ],
            "programStageSections": [{"id": "SectionAaaa"}],
        }
    ],
    "programStageSections": [
        {
            "id": "SectionAaaa",
            "name": "Laboratory",
            "programStage": {"id": "StageAaaaaa"},
            "sortOrder": 1,
            "dataElements": [{"id": "ResultAaaaa"}],
        }
    ],
    "programRuleVariables": [
        {
            "id": "VariableAaa",
            "name": "weight",
            "program": {"id": "ProgramAaaa"},
            "programRuleVariableSourceType": "DATAELEMENT_CURRENT_EVENT",
            "dataElement": {"id": "WeightAaaaa"},
        }
    ],
    "programRules": [
        {
            "id": "RuleHideAaa",
            "name": "Hide",
            "program": {"id": "ProgramAaaa"},
            "condition": "!d2:hasValue('weight')",
            "programRuleActions": [{"id": "ActionHideA"}],
        },
        {
            "id": "RuleMustAaa",
            "name": "Must",
            "program": {"id": "ProgramAaaa"},
            "condition": "true",
            "programRuleActions": [{"id": "ActionMustA"}],
        },
    ],
    "programRuleActions": [
        {
            "id": "ActionHideA",
            "programRule": {"id": "RuleHideAaa"},
            "programRuleActionType": "HIDESECTION",
            "programStageSection": {"id": "SectionAaaa"},
        },
        {
            "id": "ActionMustA",
            "programRule": {"id": "RuleMustAaa"},
            "programRuleActionType": "SETMANDATORYFIELD",
            "dataElement": {"id": "ResultAaaaa"},
        },
    ],
}


def test_a_stage_is_a_questionnaire(session: Session) -> None:
    """Questions in their order and sections, with types, options, codes and rules."""
    known = brought_in(session, PROGRAM)
    bond = Bond({"system": "http://loinc.org", "code": "29463-7"}, "kg")
    (made,) = [one for one in questionnaires(known, {"WeightAaaaa": bond}) if one["id"] == "StageAaaaaa"]
    assert (made["title"], made["subjectType"]) == ("Program: Visit", ["Patient"])
    group, occurred, weight, symptoms = sorted(made["item"], key=lambda item: item["type"] != "group")
    assert (occurred["linkId"], occurred["type"]) == ("occurredAt", "dateTime")
    assert (weight["text"], weight["type"], weight["required"]) == ("Weight", "decimal", True)
    assert weight["code"] == [{"system": "http://loinc.org", "code": "29463-7"}]
    names = [one["url"].rpartition("-")[2] for one in weight["extension"]]
    assert names == ["observationExtract", "observationLinkPeriod", "unit"]
    assert (symptoms["repeats"], symptoms["answerValueSet"]) == (True, "urn:tracker-hub:value-set:ResultSetAa")
    assert group["enableWhen"] == [{"question": "WeightAaaaa", "operator": "exists", "answerBoolean": True}]
    (result,) = group["item"]
    assert (result["type"], result["required"]) == ("choice", True)
    assert result["code"] == [{"system": "urn:tracker-hub:data-element", "code": "ResultAaaaa"}]


def test_a_program_is_a_plan(session: Session) -> None:
    """An action per stage that names its form and when; option sets are value sets of their codes."""
    known = brought_in(session, PROGRAM)
    (plan,) = [one for one in plans(known) if one["id"] == "ProgramAaaa"]
    assert (plan["title"], plan["description"]) == ("Program", "For trying")
    (action,) = plan["action"]
    assert action["definitionCanonical"] == "urn:tracker-hub:program-stage:StageAaaaaa"
    assert (action["timingDuration"]["value"], action["cardinalityBehavior"]) == (14, "multiple")
    (found,) = [one for one in value_sets(known) if one["id"] == "ResultSetAa"]
    assert found["compose"]["include"] == [{"system": "urn:tracker-hub:option-set:ResultSetAa"}]


def test_a_published_package_is_forms(session: Session, corpora: Path) -> None:
    """Tuberculosis surveillance: every data element is asked, and most hiding rules are said."""
    payload = json.loads(gzip.decompress((corpora / "dhis2" / "metadata" / TB).read_bytes()))
    payload.pop("users", None)
    known = brought_in(session, payload)
    made = {one["id"]: one for one in questionnaires(known, {})}
    program = known.programs["M3bX9810ASg"]
    for uid, stage in program.stages.items():
        links = [item["linkId"] for item in items(made[uid])]
        assert len(links) == len(set(links))
        assert set(stage.elements) <= set(links)
    hidden = {
        action.doc["dataElement"]["id"]
        for action in known.objects["programRuleActions"].values()
        if action.doc["programRuleActionType"] == "HIDEFIELD" and "dataElement" in action.doc
    }
    said = {item["linkId"] for one in made.values() for item in items(one) if "enableWhen" in item}
    assert len(said & hidden) >= 0.6 * len(hidden)
    for one in made.values():
        links = {item["linkId"] for item in items(one)}
        tests = [test for item in items(one) for test in item.get("enableWhen", ())]
        assert all(test["question"] in links for test in tests)
