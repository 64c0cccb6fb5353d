"""A subset of SNOMED CT's Expression Constraint Language (ECL 2.2) as tests on concepts.

Offered: `*`, a concept id with or without its `|term|`, `<  <<  <!  >  >>  >!` before one, `AND`/`,`, `OR`, `MINUS`,
parentheses. Refinements, attributes, member-of and filters are refused by name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from terminology.code_system import CodeSystem
from terminology.concepts import Concept
from terminology.problems import Issue, Problem

Test = Callable[[Concept], bool]
_TOKEN = re.compile(r"\s*(<<!|<!|<<|<|>>!|>!|>>|>|\(|\)|\*|,|AND\b|OR\b|MINUS\b|\d{1,18}|\|[^|]*\||\S)", re.IGNORECASE)
_DEEPEST = 50


def compile_ecl(system: CodeSystem, text: str) -> Test:
    """Return a test for the concepts that `text` describes. Raises `Problem` at what is not understood."""
    parser = _Parser(system, _tokens(text), text)
    test = parser.expression(0)
    if parser.at < len(parser.tokens):
        raise parser.problem()
    return test


def _tokens(text: str) -> list[str]:
    return [found.group(1) for found in _TOKEN.finditer(text) if not found.group(1).startswith("|")]


@dataclass(slots=True)
class _Parser:
    system: CodeSystem
    tokens: list[str]
    text: str
    at: int = 0

    def expression(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise self.problem("parentheses are nested too deep")
        test = self.operand(depth)
        joined = ""
        while (word := self.peek().upper()) in _JOINS:
            # ECL lets AND and OR not be mixed without parentheses, and MINUS stand once.
            kind = _JOINS[word]
            if joined and (kind != joined or kind == "MINUS"):
                raise self.problem("parentheses are needed here")
            joined = kind
            self.at += 1
            test = _JOINED[kind](test, self.operand(depth))
        return test

    def operand(self, depth: int) -> Test:
        operator = self.peek() if self.peek() in _OPERATORS else ""
        self.at += bool(operator)
        if self.peek() == "(":
            self.at += 1
            inner = self.expression(depth + 1)
            if self.peek() != ")":
                raise self.problem("a parenthesis is not closed")
            self.at += 1
            return _over(self.system, operator, inner)
        word = self.peek()
        if word == "*":
            self.at += 1
            return lambda _: True
        if not word.isdigit():
            raise self.problem()
        self.at += 1
        return _one(self.system, operator, word)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def problem(self, why: str = "") -> Problem:
        place = self.peek() or "the end"
        text = f"The expression {self.text!r} is not understood at {place}" + (f": {why}" if why else "")
        return Problem(Issue("error", "invalid", "vs-invalid", "", text))


def _one(system: CodeSystem, operator: str, code: str) -> Test:
    if not operator:
        return lambda concept: concept.code == code
    return _OPERATORS[operator](system, code)


def _over(system: CodeSystem, operator: str, inner: Test) -> Test:
    """Return the operator over a set: one walk from all of its codes at once, never one per code."""
    if not operator:
        return inner
    starts = [at for at, concept in enumerate(system.concepts) if inner(concept)]
    near = system.hierarchy.children if "<" in operator else system.hierarchy.parents
    found: set[int] = set()
    todo = list(starts)
    while todo:
        fresh = [at for at in near[todo.pop()] if at not in found]
        found.update(fresh)
        todo += fresh if "!" not in operator else ()
    codes = {system.concepts[at].code for at in found.union(starts if len(operator.strip("!")) > 1 else ())}
    return lambda concept: concept.code in codes


_OPERATORS: dict[str, Callable[[CodeSystem, str], Test]] = {
    "<": lambda system, code: lambda concept: concept.code != code and system.subsumes(code, concept.code),
    "<<": lambda system, code: lambda concept: system.subsumes(code, concept.code),
    "<!": lambda _, code: lambda concept: code in concept.parents,
    "<<!": lambda _, code: lambda concept: code == concept.code or code in concept.parents,
    ">": lambda system, code: lambda concept: concept.code != code and system.subsumes(concept.code, code),
    ">>": lambda system, code: lambda concept: system.subsumes(concept.code, code),
    ">!": lambda system, code: lambda concept: concept.code in _parents(system, code),
    ">>!": lambda system, code: lambda concept: concept.code == code or concept.code in _parents(system, code),
}
_JOINS = {"AND": "AND", ",": "AND", "OR": "OR", "MINUS": "MINUS"}
_JOINED: dict[str, Callable[[Test, Test], Test]] = {
    "AND": lambda one, other: lambda concept: one(concept) and other(concept),
    "OR": lambda one, other: lambda concept: one(concept) or other(concept),
    "MINUS": lambda one, other: lambda concept: one(concept) and not other(concept),
}


def _parents(system: CodeSystem, code: str) -> tuple[str, ...]:
    found = system.lookup(code)
    return found.parents if found else ()
