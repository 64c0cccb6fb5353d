"""Programs' attributes as Questionnaires that make or change a Patient (SDC, definition-based extraction)."""

from collections.abc import Iterator, Mapping
from typing import Any

from mappings.binding.grammar import BoundRow
from mappings.binding.options import OptionMap
from mappings.catalogue.forms import LAUNCH
from mappings.catalogue.naming import ATTRIBUTE, PROGRAM, VALUE_SET
from mappings.forms import sdc
from mappings.forms.answers import Field
from mappings.forms.form import question
from tracker_core.metadata import Metadata, Program

Rows = Mapping[str, tuple[BoundRow, Mapping[str, OptionMap]]]
_PATIENT = f"{sdc.DEFINITIONS}Patient#Patient."


def registrations(known: Metadata, rows: Rows) -> Iterator[dict[str, Any]]:
    """Yield the Questionnaire of every program of persons, under the program's uid.

    `rows` are the bound places in Patient by attribute (uid), with the concepts of their binding. A question whose
    attribute has such a place is answered from the Patient at hand, and `$extract` puts its answer there.
    """
    for program in known.programs.values():
        if program.registration and program.attributes:
            yield {
                "resourceType": "Questionnaire",
                "id": program.uid,
                "extension": [LAUNCH, {"url": sdc.CONTEXT, "valueCode": "Patient"}],
                "url": PROGRAM + program.uid,
                "name": f"Program_{program.uid}",
                "title": f"{program.name}: registration",
                "status": "active",
                "subjectType": ["Patient"],
                "item": list(_items(known, program, rows)),
            }


def _items(known: Metadata, program: Program, rows: Rows) -> Iterator[dict[str, Any]]:
    for bond in program.attributes.values():
        asked = question(known, bond.attribute, required=bond.mandatory)
        bound = rows.get(asked.link)
        yield _bound(asked, *bound) if bound else _item(asked)


def _item(asked: Field) -> dict[str, Any]:
    item: dict[str, Any] = {
        "linkId": asked.link,
        "code": [{"system": ATTRIBUTE, "code": asked.link}],
        "text": asked.text,
        "type": asked.type,
    }
    if asked.required:
        item["required"] = True
    if asked.option_set:
        item["answerValueSet"] = VALUE_SET + asked.option_set
    return item


def _bound(asked: Field, row: BoundRow, maps: Mapping[str, OptionMap]) -> dict[str, Any]:
    """Return a question with its place; one that a selector finds stands in a group with the selector's values."""
    steps = row.place.path.steps
    names = [step.name for step in steps] + (["given"] if row.codec.name == "given" else [])
    item = _item(asked)
    kind, _, name = row.codec.name.partition(":")
    if kind in ("code", "coding", "concept"):
        item.pop("answerValueSet", None)
        item["type"] = "choice"
        item["answerOption"] = [{"valueCoding": coding} for coding in maps[name].codings.values()]
    item["definition"] = _PATIENT + ".".join(names)
    expression = {"language": "text/fhirpath", "expression": _expression(row, names)}
    item["extension"] = [{"url": sdc.INITIAL, "valueExpression": expression}]
    if not steps[0].keys:
        return item
    hidden = [
        {
            "linkId": f"{asked.link}.{key.name}",
            "extension": [{"url": sdc.HIDDEN, "valueBoolean": True}],
            "definition": f"{_PATIENT}{steps[0].name}.{key.name}",
            "type": "string",
            "initial": [{"valueString": key.value}],
        }
        for key in steps[0].keys
    ]
    return {
        "linkId": f"{asked.link}.group",
        "definition": _PATIENT + steps[0].name,
        "type": "group",
        "item": [*hidden, item],
    }


def _expression(row: BoundRow, names: list[str]) -> str:
    steps = {step.name: step for step in row.place.path.steps}
    parts = ["%patient"]
    for name in names:
        parts.append(name)
        parts += [f"where({key.name} = '{key.value}')" for key in (steps[name].keys if name in steps else ())]
    if row.codec.name == "given":
        return ".".join(["%patient", "name", "first()", "given.join(' ')"])
    return ".".join([*parts, "first()"])
