"""Structural checks of documents against R4: JSON kinds, required elements, required codes, forms of primitives.

Unknown elements are kept and not reported. Profiles, invariants and terminology beyond required codes are not checked.
The check runs compiled (a JSON schema made from the definitions, one per type); only what fails is looked at here.
"""

import re
from functools import cache
from typing import Any, cast

import jsonschema_rs

from tracker_core.issues import Issue
from tracker_core.records import definitions
from tracker_core.records.terms import date_range

# FHIR's own expressions where they are linear and meant; string lengths and white space are not policed.
_FORMS: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "positiveInt": {"type": "integer", "minimum": 1},
    "unsignedInt": {"type": "integer", "minimum": 0},
    "decimal": {"type": "number"},
}
_PATTERNED = ("date", "dateTime", "instant", "time", "id", "oid", "uuid", "code")
_DATES = ("date", "dateTime", "instant")
_CODES = {"enum": "code-invalid", "pattern": "value", "format": "value", "minimum": "value"}
_TEXTS = {"pattern": "not written as a value of its type is", "format": "no possible date"}
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}\Z")


def is_id(text: str) -> bool:
    """Tell whether `text` has the form of a FHIR id."""
    return _ID.match(text) is not None


def check(type_: str, document: Any, where: str) -> list[Issue]:
    """Return what is structurally wrong with `document`, at FHIRPath locations below `where`.

    `document` is parsed JSON whose `resourceType` is `type_`, a known type.
    """
    validator = _validator(type_)
    try:
        errors = [] if validator.is_valid(document) else list(validator.iter_errors(document))
    except ValueError:
        return [Issue("structure", "it is nested too deeply to be checked", where=where)]
    found: dict[str, Issue] = {}
    for error in errors:
        issue = _issue(error, where)
        found.setdefault(issue.where + (issue.text if issue.code == "required" else ""), issue)
    return list(found.values())


def _issue(error: jsonschema_rs.ValidationError, where: str) -> Issue:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    detail = _innermost(error)
    keyword = detail.kind.name
    if keyword == "required":
        missing = cast("dict[str, str]", detail.kind.as_dict())["property"]
        return Issue("required", f"{missing} is missing", where=where + path)
    shown = error.instance if isinstance(error.instance, str) else ""
    text = _TEXTS.get(keyword) or detail.message[:200]
    return Issue(_CODES.get(keyword, "structure"), text, where=where + path, value=shown[:200])


def _innermost(error: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """Alternatives are ours (a primitive or its extensions alone): the first one tells what is wrong."""
    while error.kind.name == "anyOf":
        error = error.kind.as_dict()["context"][0][0]
    return error


@cache
def _validator(type_: str) -> jsonschema_rs.Draft202012Validator:
    structures: dict[str, Any] = {}
    _collect(type_, structures)
    root = {"$ref": f"#/$defs/{type_}", "$defs": structures}
    return jsonschema_rs.Draft202012Validator(root, formats={"fhir-date": _is_date}, validate_formats=True)


def _is_date(text: str) -> bool:
    return date_range(text) is not None


def _collect(structure: str, out: dict[str, Any]) -> None:
    """Add the schema of a structure, and of every structure that it contains, to `out`."""
    if structure in out:
        return
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    out[structure] = schema
    found = definitions.elements(structure)
    for name, element in found.items():
        schema["properties"][name] = _listed(element, _reference(element, out))
        if element.kind in definitions.primitive_patterns():
            sibling = {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Element"}]} if element.many else _element(out)
            _element(out)
            schema["properties"]["_" + name] = _listed(element, sibling)
    required = [e.name for e in found.values() if e.required]
    choices = [names for needed, names in definitions.choices(structure).values() if needed]
    rules = [_present(name, found) for name in required] + [_one_of(names) for names in choices]
    if rules:
        schema["allOf"] = rules


def _element(out: dict[str, Any]) -> dict[str, Any]:
    _collect("Element", out)
    return {"$ref": "#/$defs/Element"}


def _present(name: str, found: dict[str, definitions.Element]) -> dict[str, Any]:
    """A required primitive may be there as its extensions alone (data-absent-reason)."""
    if found[name].kind in definitions.primitive_patterns():
        return {"anyOf": [{"required": [name]}, {"required": ["_" + name]}]}
    return {"required": [name]}


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    return {"anyOf": [{"required": [name]} for base in names for name in (base, "_" + base)]}


def _listed(element: definitions.Element, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema, "minItems": 1} if element.many else schema


def _reference(element: definitions.Element, out: dict[str, Any]) -> dict[str, Any]:
    kind = element.kind
    if kind in definitions.primitive_patterns():
        primitive = _primitive(element)
        return {"anyOf": [primitive, {"type": "null"}]} if element.many else primitive
    if kind == "Resource":
        return {"type": "object", "properties": {"resourceType": {"type": "string"}}, "required": ["resourceType"]}
    _collect(kind, out)
    return {"$ref": f"#/$defs/{kind}"}


def _primitive(element: definitions.Element) -> dict[str, Any]:
    kind = element.kind
    if element.codes:
        return {"enum": sorted(element.codes)}
    if kind in _FORMS:
        return _FORMS[kind]
    schema: dict[str, Any] = {"type": "string"}
    if kind in _PATTERNED:
        schema["pattern"] = f"^(?:{definitions.primitive_patterns()[kind]})$"
    if kind in _DATES:
        schema["format"] = "fhir-date"
    return schema
