"""Which messages of a peer are taken, ignored or refused, by their type and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from adapters.hl7v2.events import event_of
from adapters.hl7v2.places import codes, parse_place
from mappings.er7 import Message
from tracker_core.errors import Unsupported

Then = Literal["take", "ignore", "refuse"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message, and why."""

    then: Then
    note: str = ""


TAKE = Verdict("take")


def judge(message: Message, settings: Mapping[str, Any]) -> Verdict:
    """Return the verdict of the first of the peer's `filters` that fits; without one the message is taken.

    A filter is `{"types": ["ADT^A08", "ORU*"], "when": {"PV1-2": ["P", "R"]}, "then": "ignore", "note": "…"}`: it fits
    a message of one of the types (any, without them) that has one of the values at each place (`""` stands for an empty
    or missing field). Raises `Unsupported` for a filter that is none: a wrong setting.
    """
    for rule in settings.get("filters") or ():
        check(rule)
        if fits(message, rule):
            note = rule.get("note") or f"messages of type {'^'.join(event_of(message))}: {rule['then']}"
            return Verdict(rule["then"], str(note))
    return TAKE


def check(rule: Mapping[str, Any]) -> None:
    """Raise `Unsupported` for a filter that says nothing that can be done."""
    if rule.get("then") not in get_args(Then):
        raise Unsupported(f"a filter says {rule.get('then')!r}; take, ignore or refuse is needed", "filters")


def fits(message: Message, rule: Mapping[str, Any]) -> bool:
    """Tell whether a filter is about this message."""
    types = rule.get("types") or ["*"]
    if not any(fnmatchcase("^".join(event_of(message)), str(type)) for type in types):
        return False
    return all(says(message, str(place), wanted) for place, wanted in dict(rule.get("when") or {}).items())


def says(message: Message, place: str, wanted: list[str]) -> bool:
    """Tell whether one of the wanted values stands at a place."""
    found = {value.text for value in codes(message, parse_place(place))} or {""}
    return bool(found & set(map(str, wanted)))
