"""The JSON of one element against its type: what may stand there, as list or single, and the forms of primitives."""

import re
from decimal import Decimal
from functools import cache
from typing import Any

from tracker_core.fhirpath import Node
from tracker_core.profiles.visit import Visit
from tracker_core.records import definitions
from tracker_core.records.definitions import Element
from tracker_core.records.terms import date_range

_KINDS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,), "integer": (int,), "positiveInt": (int,), "unsignedInt": (int,),
    "decimal": (int, Decimal, float),
}  # fmt: skip
_DATES = ("date", "dateTime", "instant")
_LEAST = {"positiveInt": 1, "unsignedInt": 0}
_SPACED = re.compile(r"[^\s]+(?: [^\s]+)*\Z")
_NO_SPACE = re.compile(r"\S*\Z")
_INT32 = 2**31


def elements_of(visit: Visit, node: Node, where: str) -> dict[str, list[Node]]:
    """Return the elements that are there, by name (`value[x]`), noting what is no element or has another shape."""
    held = node.value if isinstance(node.value, dict) else node.beside
    structure = node.kind if isinstance(node.value, dict) else "Element"
    if not isinstance(held, dict):
        return {}
    if not held:
        visit.note("structure", "an object may not be empty", where)
    known = definitions.elements(structure)
    out: dict[str, list[Node]] = {}
    for key in held:
        name = key.removeprefix("_")
        element = known.get(name)
        if element is None:
            if key != "resourceType" or structure not in definitions.resource_types():
                visit.note("structure", f"{structure} has no element {key}", where)
        elif key == name or name not in held:
            listed = _shaped(visit, held, element, f"{where}.{name}")
            if listed:
                label = f"{element.choice}[x]" if element.choice else name
                if label in out:
                    visit.note("structure", f"{element.choice} is there in several types", where)
                out.setdefault(label, []).extend(_nodes(node, listed, element))
    return out


def _shaped(visit: Visit, held: dict[str, Any], element: Element, where: str) -> list[tuple[Any, Any]]:
    """Return (value, what stands beside it) of each repetition."""
    value, beside = held.get(element.name), held.get("_" + element.name)
    if not element.many:
        if isinstance(value, list) or isinstance(beside, list):
            visit.note("structure", "one value is expected, not a list", where)
            return []
        return [(value, beside)] if _is_there(visit, value, beside, where) else []
    for one in (value, beside):
        if one is not None and not isinstance(one, list):
            visit.note("structure", "a list is expected", where)
            return []
    values, besides = value or [], beside or []
    if value == [] or beside == []:
        visit.note("structure", "a list may not be empty", where)
    count = max(len(values), len(besides))
    pairs = [(values[n] if n < len(values) else None, besides[n] if n < len(besides) else None) for n in range(count)]
    for number, pair in enumerate(pairs):
        _is_there(visit, *pair, f"{where}[{number}]")
    return [pair for pair in pairs if pair != (None, None)]


def _is_there(visit: Visit, value: Any, beside: Any, where: str) -> bool:
    if value is None and beside is None:
        visit.note("structure", "null stands for nothing", where)
        return False
    return True


def _nodes(node: Node, pairs: list[tuple[Any, Any]], element: Element) -> list[Node]:
    name = element.choice or element.name
    out = []
    for value, beside in pairs:
        kind = element.kind
        if kind == "Resource" and isinstance(value, dict):
            kind = str(value.get("resourceType", "Resource"))
        out.append(Node(value, kind, beside, node, name))
    return out


def check_form(visit: Visit, node: Node, where: str) -> None:
    """Note a value that is no value of its type; and an object where a primitive is expected, or the reverse."""
    primitive = node.kind in definitions.primitive_patterns()
    value = node.value
    if not primitive:
        if not isinstance(value, dict):
            visit.note("structure", f"an object is expected ({node.kind})", where)
        return
    if value is None:
        if not isinstance(node.beside, dict) or not (node.beside.keys() - {"id"}):
            visit.note("invariant", "ele-1: an element has a value or children", where)
        return
    text = _wrong_form(node.kind, value)
    if text:
        visit.note("value", text, where, value=value)


def _wrong_form(kind: str, value: Any) -> str:
    wanted = _KINDS.get(kind, (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        return f"a JSON {_json_kind(kind)} is expected ({kind})"
    if isinstance(value, int) and kind in ("integer", "positiveInt", "unsignedInt") and kind != "boolean":
        least = _LEAST.get(kind, -_INT32)
        return "" if least <= value < _INT32 else f"the number is no {kind}"
    if not isinstance(value, str):
        return ""
    if not value.strip():
        return "a text may not be empty or blank"
    return _wrong_text(kind, value)


def _wrong_text(kind: str, value: str) -> str:
    if kind == "code":
        return "" if _SPACED.match(value) else "a code has single spaces inside, and none around it"
    if kind in ("uri", "url", "canonical"):
        return "" if _NO_SPACE.match(value) else f"a {kind} has no spaces"
    pattern = _pattern(kind)
    if pattern is not None and not pattern.match(value):
        return f"not written as a value of its type is ({kind})"
    return "no possible date" if kind in _DATES and date_range(value) is None else ""


def _json_kind(kind: str) -> str:
    if kind == "boolean":
        return "boolean"
    return "number" if kind in _KINDS else "text"


@cache
def _pattern(kind: str) -> re.Pattern[str] | None:
    """FHIR's own expressions where they are linear and say more than that a text is there."""
    if kind not in ("date", "dateTime", "instant", "time", "id", "oid", "uuid"):
        return None
    return re.compile(f"(?:{definitions.primitive_patterns()[kind]})\\Z")
