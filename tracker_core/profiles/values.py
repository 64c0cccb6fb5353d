"""Values against what a rule says of them: fixed and pattern values, bounds, lengths, bindings, invariants."""

from decimal import Decimal
from typing import Any

from tracker_core.fhirpath import Failed, Node, TooLong, plain
from tracker_core.fhirpath.moments import Moment, read_moment
from tracker_core.fhirpath.operators import compare
from tracker_core.fhirpath.quantities import read_quantity
from tracker_core.issues import Severity
from tracker_core.profiles.rules import Binding, Invariant, Rule
from tracker_core.profiles.visit import Coded, Verdict, Visit, codings
from tracker_core.records.definitions import enumerated

_CODED = ("code", "Coding", "CodeableConcept", "Quantity", "string", "uri")
_STRENGTH: dict[str, tuple[Severity, str]] = {
    "required": ("error", "none of the codes that are required here"),
    "extensible": ("warning", "none of the codes that are to be used where one fits"),
    "preferred": ("information", "none of the codes that are preferred here"),
}


def check_values(visit: Visit, node: Node, rule: Rule, where: str) -> None:
    """Note where an element's value is not what its rule allows."""
    if rule.fixed and node.value != rule.fixed[0]:
        visit.note("value", f"the value is fixed: {shown(rule.fixed[0])}", where)
    if rule.pattern and not has_pattern(node.value, rule.pattern[0]):
        visit.note("value", f"the value does not have the pattern {shown(rule.pattern[0])}", where)
    if rule.length and isinstance(node.value, str) and len(node.value) > rule.length:
        visit.note("too-long", f"{rule.length} characters at most", where, value=node.value)
    for bound, sign in ((rule.low, 1), (rule.high, -1)):
        if bound is not None and _beyond(node, bound, sign):
            visit.note("value", f"{'at least' if sign > 0 else 'at most'} {shown(bound)}", where)
    if rule.binding is not None and node.kind in _CODED:
        check_binding(visit, node, rule.binding, where)


def shown(value: Any) -> str:
    """Return a value as messages show it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def has_pattern(value: Any, pattern: Any) -> bool:
    """Tell whether a value has everything that a pattern has (R4 ElementDefinition.pattern)."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(has_pattern(value.get(key), one) for key, one in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(has_pattern(one, each) for one in value) for each in pattern)
    return bool(value == pattern)


def _beyond(node: Node, bound: Any, sign: int) -> bool:
    value = plain(node)
    limit: Any = bound
    if isinstance(value, Moment):
        limit = read_moment(str(bound), node.kind)
    elif isinstance(bound, dict):
        limit = read_quantity(bound)
    elif isinstance(bound, float):
        limit = Decimal(repr(bound))
    try:
        order = compare(value, limit)
    except Failed:
        return False
    return order is not None and order * sign < 0


def check_binding(visit: Visit, node: Node, binding: Binding, where: str) -> None:
    """Note a code that is not in the value set, and one that could not be looked up."""
    severity, text = _STRENGTH[binding.strength]
    held = codings(node)
    if not held:
        if binding.strength == "required" and node.kind in ("Coding", "CodeableConcept") and not node.beside:
            absent = isinstance(node.value, dict) and ("extension" in node.value or "text" in node.value)
            level: Severity = "warning" if absent else "error"
            visit.note("code-invalid", f"there is no code of {binding.value_set}", where, level)
        return
    verdict = asked(visit, binding.value_set, held)
    named = ", ".join(f"{system}|{code}" if system else code for system, code in held)
    if verdict == "out":
        visit.note("code-invalid", f"{text} ({binding.value_set})", where, severity, named)
    elif verdict == "unknown" and binding.strength == "required":
        text = f"not looked up in {binding.value_set}: it, or a code system of it, is not loaded"
        visit.note("not-checked", text, where, "information", named)


def check_code(visit: Visit, node: Node, where: str) -> None:
    """Note a code that its own code system, which is loaded whole, does not have."""
    for system, code in codings(node):
        if system and visit.world.known(system, code) == "out":
            visit.note("code-invalid", f"{system} has no such code", where, "warning", code)


def asked(visit: Visit, value_set: str, held: Coded) -> Verdict:
    """Tell whether a code is in a value set: bare codes of R4 are known here, others are asked of terminology."""
    listed = enumerated(value_set) if held[0][0] is None else None
    if listed is None:
        return visit.world.codes(value_set, held)
    return "in" if held[0][1] in listed else "out"


def check_invariants(visit: Visit, node: Node, invariants: tuple[Invariant, ...], where: str) -> None:
    """Note each invariant that is false of a node. One that gives nothing leaves the matter open."""
    if not invariants:
        return
    context = visit.context(node)
    for one in invariants:
        try:
            holds = one.expression.holds(node, context)
        except TooLong:
            visit.note("too-costly", "its invariants would take too long on a document of this size", visit.root.kind)
            return
        except Failed as failed:
            visit.note("invariant", f"{one.key}: cannot be evaluated here: {failed}", where, "warning")
            continue
        if holds is False:
            level: Severity = "error" if one.severity == "error" else "warning"
            visit.note("invariant", f"{one.key}: {one.text}", where, level)
