"""Program stages as Questionnaires that SDC form renderers fill (R4 Questionnaire; SDC 3.0)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.catalogue.naming import DATA_ELEMENT, VALUE_SET
from mappings.forms import OCCURRED, Field, Form, make_form, sdc
from mappings.forms.rules import enabled_when
from tracker_core.metadata import Metadata, Object, Stage
from tracker_core.metadata.compiling import reference

LAUNCH = {
    "url": sdc.LAUNCH,
    "extension": [
        {
            "url": "name",
            "valueCoding": {"system": "http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext", "code": "patient"},
        },
        {"url": "type", "valueCode": "Patient"},
    ],
}
# How old an observation may be to answer a question before anybody asks it.
_LINK_PERIOD = {"value": 1, "unit": "day", "system": "http://unitsofmeasure.org", "code": "d"}
_CURRENT = ("DATAELEMENT_CURRENT_EVENT", "DATAELEMENT_NEWEST_EVENT_PROGRAM")


@dataclass(frozen=True, slots=True)
class Bond:
    """What a binding knows of a data element: the code of its Observation, and the unit (UCUM) of its Quantity."""

    coding: Mapping[str, str]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Rules:
    """What program rules do to one form: conditions that hide, by question or section; questions that must be answered.

    `variables` are the questions by the rule variable that stands for each.
    """

    hiding: dict[str, list[str]] = field(default_factory=dict)
    mandatory: set[str] = field(default_factory=set)
    variables: dict[str, Field] = field(default_factory=dict)


def questionnaires(known: Metadata, bonds: Mapping[str, Bond]) -> Iterator[dict[str, Any]]:
    """Yield the Questionnaire of every stage; `bonds` are by data element (uid)."""
    for stage in known.stages.values():
        if stage.program in known.programs:
            yield _questionnaire(known, stage, bonds)


def _questionnaire(known: Metadata, stage: Stage, bonds: Mapping[str, Bond]) -> dict[str, Any]:
    form = make_form(known, stage)
    rules = _rules(known, form)
    held = known.get("programs", form.program.uid)
    made: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": stage.uid,
        "extension": [LAUNCH],
        "url": form.url,
        "name": f"Stage_{stage.uid}",
        "title": f"{form.program.name}: {stage.name}",
        "status": "active",
        "item": list(_items(form, rules, bonds)),
    }
    if form.program.registration:
        made["subjectType"] = ["Patient"]
    if held and held.doc.get("version") is not None:
        made["version"] = str(held.doc["version"])
    return made


def _items(form: Form, rules: _Rules, bonds: Mapping[str, Bond]) -> Iterator[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    titles = dict(form.sections)
    for asked in form.fields.values():
        item = _item(asked, rules, bonds.get(asked.link))
        if not asked.section:
            yield item
            continue
        if asked.section not in groups:
            groups[asked.section] = []
            yield {
                "linkId": asked.section,
                "text": titles[asked.section],
                "type": "group",
                **_enabling(asked.section, rules),
                "item": groups[asked.section],
            }
        groups[asked.section].append(item)


def _item(asked: Field, rules: _Rules, bond: Bond | None) -> dict[str, Any]:
    item: dict[str, Any] = {"linkId": asked.link}
    if bond is not None:
        item["extension"] = [
            {"url": sdc.OBSERVATION, "valueBoolean": True},
            {"url": sdc.LINK_PERIOD, "valueDuration": _LINK_PERIOD},
        ]
        if bond.unit:
            coding = {"system": "http://unitsofmeasure.org", "code": bond.unit, "display": bond.unit}
            item["extension"].append({"url": sdc.UNIT, "valueCoding": coding})
        item["code"] = [dict(bond.coding)]
    elif asked.link != OCCURRED:
        item["code"] = [{"system": DATA_ELEMENT, "code": asked.link}]
    item |= {"text": asked.text, "type": asked.type, **_enabling(asked.link, rules)}
    if asked.required or asked.link in rules.mandatory:
        item["required"] = True
    if asked.repeats:
        item["repeats"] = True
    if asked.option_set:
        item["answerValueSet"] = VALUE_SET + asked.option_set
    return item


def _enabling(link: str, rules: _Rules) -> dict[str, Any]:
    conditions = rules.hiding.get(link)
    return enabled_when(conditions, rules.variables) if conditions else {}


def _rules(known: Metadata, form: Form) -> _Rules:
    found = _Rules(variables=_variables(known, form))
    actions = known.objects.get("programRuleActions", {})
    for rule in known.objects.get("programRules", {}).values():
        stage = reference(rule.doc.get("programStage"))
        if reference(rule.doc.get("program")) != form.program.uid or stage not in ("", form.stage.uid):
            continue
        for action in _actions(rule, actions):
            target = reference(action.get("dataElement")) or reference(action.get("programStageSection"))
            kind, condition = action.get("programRuleActionType"), str(rule.doc.get("condition") or "")
            if kind in ("HIDEFIELD", "HIDESECTION"):
                found.hiding.setdefault(target, []).append(condition)
            elif kind == "SETMANDATORYFIELD" and condition.strip() == "true":
                found.mandatory.add(target)
    return found


def _actions(rule: Object, actions: Mapping[str, Object]) -> Iterable[Mapping[str, Any]]:
    for one in rule.doc.get("programRuleActions") or ():
        held = actions.get(reference(one))
        yield held.doc if held else one


def _variables(known: Metadata, form: Form) -> dict[str, Field]:
    found = {}
    for one in known.objects.get("programRuleVariables", {}).values():
        if reference(one.doc.get("program")) != form.program.uid:
            continue
        source, stage = one.doc.get("programRuleVariableSourceType"), reference(one.doc.get("programStage"))
        here = source in _CURRENT or (source == "DATAELEMENT_NEWEST_EVENT_PROGRAM_STAGE" and stage == form.stage.uid)
        asked = form.fields.get(reference(one.doc.get("dataElement")))
        if here and asked is not None:
            found[one.name] = asked
    return found
