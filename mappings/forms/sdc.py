"""What the elements of Structured Data Capture say of a question (SDC 3.0, extensions of Questionnaire)."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Doc: TypeAlias = dict[str, Any]
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
INITIAL = f"{SDC}initialExpression"
LINK_PERIOD = f"{SDC}observationLinkPeriod"
OBSERVATION = f"{SDC}observationExtract"
CONTEXT = f"{SDC}itemExtractionContext"
LAUNCH = f"{SDC}launchContext"
HIDDEN = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"
# Item type -> element of an answer (R4 Questionnaire 2.1.19)
ANSWERS = {
    "string": "valueString",
    "text": "valueString",
    "integer": "valueInteger",
    "decimal": "valueDecimal",
    "boolean": "valueBoolean",
    "date": "valueDate",
    "dateTime": "valueDateTime",
    "time": "valueTime",
    "url": "valueUri",
    "choice": "valueCoding",
    "open-choice": "valueCoding",
    "quantity": "valueQuantity",
    "reference": "valueReference",
    "attachment": "valueAttachment",
}


def extension(holder: Mapping[str, Any], url: str) -> Any:
    """Return the value of the first extension `url`, None without one."""
    found = (one for one in holder.get("extension") or () if one.get("url") == url)
    return next((value for one in found for key, value in one.items() if key.startswith("value")), None)


def answers(item: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values of an item's answers."""
    for answer in item.get("answer") or ():
        yield from (value for key, value in answer.items() if key.startswith("value"))


def children(item: Mapping[str, Any]) -> Iterator[Doc]:
    """Yield the items right below an item of a response, those of its answers included."""
    yield from item.get("item") or ()
    for answer in item.get("answer") or ():
        yield from answer.get("item") or ()
