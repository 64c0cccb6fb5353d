"""What the standard concept properties say of a concept: its status, and whether it may be chosen.

Properties are known by their uri (http://hl7.org/fhir/concept-properties), else by their usual code.
"""

from typing import Any

from terminology.concepts import Concept, Traits

PROPERTIES = "http://hl7.org/fhir/concept-properties#"
_INACTIVE = frozenset({"retired", "inactive", "withdrawn"})


def status(concept: Concept, traits: Traits) -> str:
    """Return the concept's status (`active`, `retired`, …), empty when the system says none."""
    said = _value(concept, traits, "status")
    return str(said) if said is not None else ""


def inactive(concept: Concept, traits: Traits) -> bool:
    """Tell whether the concept is out of use."""
    return _value(concept, traits, "inactive") in (True, "true") or status(concept, traits) in _INACTIVE


def abstract(concept: Concept, traits: Traits) -> bool:
    """Tell whether the concept only groups others and cannot be chosen (property `notSelectable`)."""
    return _value(concept, traits, "notSelectable") in (True, "true")


def _value(concept: Concept, traits: Traits, name: str) -> object:
    code = next((known for known, uri in traits.uris.items() if uri == f"{PROPERTIES}{name}"), name)
    value = concept.properties.get(code)
    return value[0] if isinstance(value, list) else value


def value_key(value: Any, type: str) -> str:
    """Return the name under which FHIR writes a property's value, by its declared type, else by what it is."""
    if type:
        return f"value{type[0].upper()}{type[1:]}"
    if isinstance(value, bool):
        return "valueBoolean"
    if isinstance(value, int):
        return "valueInteger"
    return "valueCoding" if isinstance(value, dict) else "valueString"
