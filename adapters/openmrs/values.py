"""Values of OpenMRS as FHIR elements, and back."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.openmrs.concepts import codeable, concept_of, unit_of
from tracker_core.context import Peer
from tracker_core.errors import Malformed
from tracker_core.records.units import UCUM, scale

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)\Z")


class Unfit(ValueError):
    """A value that the other side has no place for; its words are for the report."""


def moment(text: Any) -> str:
    """Return a time as OpenMRS writes it (`2026-03-05T09:30:00.000+0300`) as a FHIR dateTime. Raises Malformed."""
    try:
        return datetime.fromisoformat(str(text)).isoformat()
    except ValueError as error:
        raise Malformed(f"{text!r} is no time of OpenMRS") from error


def read_value(peer: Peer, code: dict[str, Any], value: Any) -> dict[str, Any]:
    """Return the `value[x]` of an obs with the concept `code`. Raises Unfit for complex values."""
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int | Decimal):
        unit = unit_of(peer, code)
        coded = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
        return {"valueQuantity": {"value": Decimal(value), **coded}}
    if isinstance(value, dict) and value.get("uuid"):
        return {"valueCodeableConcept": codeable(peer, value)}
    if isinstance(value, str):
        return {"valueDateTime": moment(value)} if _TIME.match(value) else {"valueString": value}
    raise Unfit("a value of this kind is not read")


def write_value(peer: Peer, observation: dict[str, Any]) -> Any:
    """Return the value of an obs: a number in the concept's unit, a concept, a text. Raises Unfit."""
    found = next((name for name in observation if name.startswith("value")), "")
    value: Any = observation.get(found)
    if found == "valueQuantity":
        return _number(peer, observation["code"], value)
    if found == "valueCodeableConcept":
        answer = concept_of(peer, value)
        if not answer:
            raise Unfit("the EMR has no concept for this answer")
        return answer
    if found in ("valueString", "valueBoolean", "valueInteger", "valueDateTime"):
        return value
    raise Unfit(f"an obs holds no {found}" if found else "there is no value")


def _number(peer: Peer, code: dict[str, Any], quantity: dict[str, Any]) -> Decimal:
    if quantity.get("comparator") or quantity.get("value") is None:
        raise Unfit("an obs holds no quantity with a comparator or without a value")
    number = Decimal(quantity["value"])
    wanted = unit_of(peer, {"coding": [*(code.get("coding") or ()), *_as_ciel(peer, code)]})
    told = quantity.get("code") or quantity.get("unit") or wanted
    if not wanted or told == wanted:
        return number
    ours, theirs = scale(str(told)), scale(wanted)
    if ours is None or theirs is None or ours.dimension != theirs.dimension:
        raise Unfit(f"the EMR keeps this in {wanted}, not in {told}")
    return Decimal(format(theirs.from_other(number, ours).normalize(), "f"))


def _as_ciel(peer: Peer, code: dict[str, Any]) -> list[dict[str, str]]:
    source, _, known = concept_of(peer, code).partition(":")
    return [{"system": "https://cielterminology.org", "code": known}] if source == "CIEL" else []
