"""`_filter`: an expression of comparisons joined by `and`, `or`, `not` and brackets (FHIR R4 3.1.3).

    name co "peter" and (birthdate ge 1990 or not (gender eq male)) and patient[type eq Patient].name sw "a"

A comparison becomes the criterion that the parameter and modifier or prefix of the same meaning would.
"""

import re
from collections.abc import Callable

import orjson

from tracker_core.issues import Issue
from tracker_core.records.definitions import Parameter, parameters
from tracker_core.records.search.criteria import PREFIXED, Combined, Condition, Criterion, chain_targets, escape

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[()\[\]]|[^\s()\[\]"]+)')
_DEEPEST = 50


def read_filter(type_: str, text: str) -> Condition | Issue:
    """Return what the expression asks of records of a type, or what is wrong with it."""
    try:
        return _Parser(_split(text)).whole(type_)
    except (ValueError, RecursionError) as error:
        return Issue("value", f"the filter is not understood: {error}", where="_filter", value=text[:200])


def _split(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"at {text[at : at + 20]}")
        tokens.append(match[1])
        at = match.end()
    return [*tokens, ""]


class _Parser:
    """Recursive descent: `or` binds least, then `and`, then `not`."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at]

    def take(self, wanted: str = "") -> str:
        found = self.tokens[self.at]
        if not found or (wanted and found != wanted):
            raise ValueError(f"{wanted or 'more'} is expected{f' instead of {found}' if found else ''}")
        self.at += 1
        return found

    def whole(self, type_: str) -> Condition:
        condition = self.expression(type_)
        if self.peek():
            raise ValueError(f"{self.peek()} is not expected")
        return condition

    def expression(self, type_: str) -> Condition:
        return self.joined("or", lambda: self.joined("and", lambda: self.negation(type_)))

    def joined(self, how: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.peek() == how:
            self.take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combined("or" if how == "or" else "and", tuple(parts))

    def negation(self, type_: str) -> Condition:
        if self.peek() == "not":
            self.take()
            return Combined("not", (self.negation(type_),))
        if self.peek() != "(":
            return self.comparison(type_)
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        self.take("(")
        inner = self.expression(type_)
        self.take(")")
        self.depth -= 1
        return inner

    def comparison(self, type_: str) -> Condition:
        path = self.take()
        steps = [(step, "") for step in path.split(".")]
        while self.peek() == "[":
            steps[-1] = (steps[-1][0], self.target())
            if self.peek().startswith("."):
                steps += [(step, "") for step in self.take()[1:].split(".")]
        return _followed(type_, steps, self.take(), self.take())

    def target(self) -> str:
        """Read `[type eq Patient]`: what a reference is to lead to."""
        self.take("[")
        for word in ("type", "eq"):
            self.take(word)
        target = self.take()
        self.take("]")
        return target


def _followed(type_: str, steps: list[tuple[str, str]], operator: str, value: str) -> Condition:
    code, target = steps[0]
    parameter = parameters(type_).get(code)
    if parameter is None:
        raise ValueError(f"{type_} has no search parameter {code}")
    if len(steps) == 1:
        return _compared(parameter, operator, value)
    links = []
    for one in chain_targets(parameter, target, steps[1][0]):
        inner = _followed(one, steps[1:], operator, value)
        links.append((one, inner))
    if not links:
        raise ValueError(f"{code} leads to nothing that has {steps[1][0]}")
    if any(isinstance(inner, Combined) for _, inner in links):
        # Some target has the opposite, which is not that no target has it: nobody is left to guess what was meant.
        raise ValueError(f"{code} cannot be followed to what is negated; negate the whole instead")
    return Criterion(parameter, links=tuple((t, c) for t, c in links if isinstance(c, Criterion)))


def _compared(parameter: Parameter, operator: str, raw: str) -> Condition:
    value = str(orjson.loads(raw)) if raw.startswith('"') else raw
    if operator == "ne":
        return Combined("not", (_compared(parameter, "eq", raw),))
    if operator == "pr":
        if value not in ("true", "false"):
            raise ValueError("pr is followed by true or false")
        return Criterion(parameter, ("false" if value == "true" else "true",), modifier="missing")
    said = _OPERATORS.get((parameter.type, operator), _OPERATORS.get(("", operator)))
    if said is None:
        raise ValueError(f"{operator} is not offered for {parameter.code}, a {parameter.type}")
    prefix, modifier = said
    parted = parameter.type in ("token", "quantity", "composite")
    return Criterion(parameter, (value if parted else escape(value),), (prefix,), modifier)


# (parameter type, operator) -> the prefix and the modifier that say the same
_OPERATORS: dict[tuple[str, str], tuple[str, str]] = {
    ("", "eq"): ("", ""),
    ("string", "eq"): ("", "exact"),
    ("string", "co"): ("", "contains"),
    ("string", "sw"): ("", ""),
    ("string", "ew"): ("", "ends"),
    ("token", "ss"): ("", "below"),
    ("token", "sb"): ("", "above"),
    ("token", "in"): ("", "in"),
    ("token", "ni"): ("", "not-in"),
    ("reference", "re"): ("", ""),
    ("date", "po"): ("overlaps", ""),
    **{(kind, one): (one, "") for kind in PREFIXED for one in ("gt", "lt", "ge", "le", "sa", "eb", "ap")},
}
