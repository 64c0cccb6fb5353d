"""`$populate`: a response with the answers that are known before anybody asks (SDC 3.0, form population).

An item is answered by its `initialExpression`, else by the newest observation of its code within its
`observationLinkPeriod`, else by its `initial` values.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.forms import sdc
from mappings.forms.sdc import Doc
from tracker_core import fhirpath
from tracker_core.fhirpath import Context, Failed, Misread, Node
from tracker_core.fhirpath.nodes import root
from tracker_core.issues import Issue

# (codings, duration) -> the newest Observation of one of the codes that is not older, or None
Lookup = Callable[[Sequence[Doc], Mapping[str, Any]], Doc | None]


@dataclass(slots=True)
class _Asked:
    """`context` holds the launch context's resources as variables; `observed` finds observations of the subject."""

    context: Context
    observed: Lookup
    issues: list[Issue] = field(default_factory=list)


def populate(questionnaire: Doc, subject: Doc, launch: Mapping[str, Doc], observed: Lookup) -> tuple[Doc, list[Issue]]:
    """Return a response in progress to `questionnaire` about `subject` (a Reference), and what could not be computed.

    `launch` are the resources that expressions name (`patient` -> a Patient).
    """
    variables: dict[str, list[Any]] = {name: [root(document)] for name, document in launch.items()}
    asked = _Asked(Context(variables=variables), observed)
    response: Doc = {"resourceType": "QuestionnaireResponse"}
    if questionnaire.get("url"):
        version = questionnaire.get("version")
        response["questionnaire"] = f"{questionnaire['url']}|{version}" if version else questionnaire["url"]
    elif questionnaire.get("id"):
        response["questionnaire"] = f"Questionnaire/{questionnaire['id']}"
    response |= {"status": "in-progress", "subject": subject}
    items = list(_items(questionnaire.get("item") or (), asked))
    if items:
        response["item"] = items
    return response, asked.issues


def _items(items: Sequence[Doc], asked: _Asked) -> Iterator[Doc]:
    """Yield the items that have answers, with the groups they stand in."""
    for item in items:
        made: Doc = {"linkId": item["linkId"]}
        if item.get("text"):
            made["text"] = item["text"]
        found = [] if item.get("type") in ("group", "display") else _answers(item, asked)
        below = list(_items(item.get("item") or (), asked))
        if found:
            made["answer"] = found if item.get("repeats") else found[:1]
            if below:
                made["answer"][0]["item"] = below
        elif below:
            made["item"] = below
        if found or below:
            yield made


def _answers(item: Doc, asked: _Asked) -> list[Doc]:
    key = sdc.ANSWERS.get(str(item.get("type")), "valueString")
    expression = sdc.extension(item, sdc.INITIAL)
    if isinstance(expression, dict) and expression.get("language") == "text/fhirpath":
        return _computed(item, str(expression.get("expression", "")), key, asked)
    period = sdc.extension(item, sdc.LINK_PERIOD)
    if period and item.get("code"):
        found = asked.observed(item["code"], period)
        value = _observed(found, key) if found else None
        if value is not None:
            return [{key: value}]
    return [dict(one) for one in item.get("initial") or ()]


def _computed(item: Doc, expression: str, key: str, asked: _Asked) -> list[Doc]:
    try:
        found = fhirpath.compiled(expression).run(asked.context, [])
    except (Misread, Failed) as wrong:
        text = f"the initial expression {expression!r} gives nothing: {wrong}"
        asked.issues.append(Issue("informational", text, "warning", f"Questionnaire.item({item['linkId']})"))
        return []
    values = [value for one in found if (value := _value(one, key)) is not None]
    return [{key: value} for value in values]


def _value(item: Any, key: str) -> Any:
    """Return an item of an expression's result as an answer of the kind `key`, None where it cannot be one."""
    plain = item.value if isinstance(item, Node) else getattr(item, "text", item)
    if key == "valueCoding":
        if isinstance(plain, dict):
            return next(iter(plain["coding"]), None) if plain.get("coding") else plain if plain.get("code") else None
        return {"code": str(plain)}
    if key == "valueReference" and isinstance(plain, dict):
        return plain if "reference" in plain else {"reference": f"{plain.get('resourceType')}/{plain.get('id')}"}
    if key == "valueDecimal" and isinstance(plain, dict):
        return plain.get("value")
    if isinstance(plain, dict) != (key in ("valueQuantity", "valueReference", "valueAttachment")):
        return None
    return str(plain) if key in ("valueString", "valueUri") else plain


def _observed(observation: Doc, key: str) -> Any:
    value = next((value for name, value in observation.items() if name.startswith("value")), None)
    if key == "valueDecimal" and isinstance(value, dict):
        return value.get("value")
    if key == "valueCoding" and isinstance(value, dict):
        return next(iter(value.get("coding") or ()), None)
    return observation.get(key)
