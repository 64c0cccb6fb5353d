"""The FHIRPath of R4's search parameters, compiled to static key paths.

Only the shapes that occur in the 4.0.1 definitions are understood: paths, unions, `as` / `as()` / `ofType()`,
`where(key='value')`, `where(resolve() is Type)`, `extension('url')`, `[n]`, `%resource`, and
`x.exists() and x != false`. Anything else raises `ValueError` when it is compiled.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from tracker_core.records import definitions

# A key; or a test `(key, wanted)` on the object at hand; or a position; or True: "is there and not false".
Step: TypeAlias = str | tuple[str, str] | int | bool

_TOKEN = re.compile(r"\s*(%?[A-Za-z_]\w*|'[^']*'|\d+|!=|[().|=\[\]])")
_PRESENT = re.compile(r"([\w.]+)\.exists\(\) and \1 != false")
_ANY_TYPE = ("Resource", "DomainResource", "%resource")


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a document: `steps` from the root to values of FHIR type `kind`.

    `only` names the type that a reference must have (`where(resolve() is Patient)`); empty means any.
    """

    steps: tuple[Step, ...]
    kind: str
    only: str = ""


@cache
def compile_expression(expression: str, root: str) -> tuple[Path, ...]:
    """Return the paths of `expression` that can yield a value in the structure `root`.

    A union over many resource types keeps only the parts that begin in `root`. Raises `ValueError` for other FHIRPath.
    """
    present = _PRESENT.fullmatch(expression.strip())
    if present:
        paths = compile_expression(present[1], root)
        return tuple(Path((*p.steps, True), "boolean") for p in paths)
    parser = _Parser(_split(expression), root)
    paths = tuple(dict.fromkeys(parser.union()))
    if parser.tokens[parser.at] != "":
        raise ValueError(f"not understood at {parser.tokens[parser.at]!r}: {expression}")
    return paths


def _split(expression: str) -> list[str]:
    tokens = []
    at = 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not understood at {text[at:]!r}: {expression}")
        tokens.append(match[1])
        at = match.end()
    return [*tokens, ""]


class _Parser:
    """Recursive descent over the tokens of one expression; every rule returns the paths read so far."""

    def __init__(self, tokens: list[str], root: str) -> None:
        self.tokens = tokens
        self.root = root
        self.at = 0

    def take(self, wanted: str = "") -> str:
        found = self.tokens[self.at]
        if wanted and found != wanted:
            raise ValueError(f"expected {wanted!r}, found {found!r}")
        self.at += 1
        return found

    def peek(self) -> str:
        return self.tokens[self.at]

    def union(self) -> list[Path]:
        paths = self.cast()
        while self.peek() == "|":
            self.take()
            paths += self.cast()
        return paths

    def cast(self) -> list[Path]:
        paths = self.chain()
        if self.peek() == "as":
            self.take()
            paths = _of_type(paths, self.take())
        return paths

    def chain(self) -> list[Path]:
        paths = self.start()
        while self.peek() in (".", "["):
            if self.take() == "[":
                position = int(self.take())
                paths = [Path((*p.steps, position), p.kind) for p in paths]
                self.take("]")
            else:
                paths = self.step(paths, self.take())
        return paths

    def start(self) -> list[Path]:
        name = self.take()
        if name == "(":
            paths = self.union()
            self.take(")")
            return paths
        if name == self.root or name in _ANY_TYPE:
            return [Path((), self.root)]
        if name in definitions.resource_types():
            return []
        return _child([Path((), self.root)], name)

    def step(self, paths: list[Path], name: str) -> list[Path]:
        if self.peek() != "(":
            return _child(paths, name)
        self.take("(")
        if name == "where":
            paths = self.where(paths)
        elif name in ("as", "ofType"):
            paths = _of_type(paths, self.take())
        elif name == "extension":
            url = self.take().strip("'")
            paths = [Path((*p.steps, ("url", url)), p.kind) for p in _child(paths, "extension")]
        else:
            raise ValueError(f"function {name}() is not understood")
        self.take(")")
        return paths

    def where(self, paths: list[Path]) -> list[Path]:
        key = self.take()
        if key != "resolve":
            self.take("=")
            wanted = self.take().strip("'")
            return [Path((*p.steps, (key, wanted)), p.kind) for p in paths]
        self.take("(")
        self.take(")")
        self.take("is")
        only = self.take()
        return [Path(p.steps, p.kind, only) for p in paths]


def _child(paths: list[Path], name: str) -> list[Path]:
    out = []
    for path in paths:
        found = definitions.elements(path.kind)
        variants = definitions.choices(path.kind).get(name)
        names = variants[1] if variants else (name,)
        out += [Path((*path.steps, n), found[n].kind) for n in names if n in found]
    return out


def _of_type(paths: list[Path], kind: str) -> list[Path]:
    # R4 itself writes DateTime once (Observation.code-value-date)
    wanted = "dateTime" if kind == "DateTime" else kind
    return [p for p in paths if p.kind == wanted]


def find(paths: tuple[Path, ...], document: Any) -> list[Any]:
    """Return every value of `document` that the paths lead to, in path order."""
    return [value for path in paths for value in _follow(document, path.steps)]


def _follow(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        rest = steps
        if steps and type(steps[0]) is int:
            value, rest = value[steps[0] : steps[0] + 1], steps[1:]
        for item in value:
            yield from _follow(item, rest)
    elif not steps:
        yield value
    elif steps[0] is True:
        yield value is not False
    elif isinstance(value, dict) and (type(steps[0]) is not int or steps[0] == 0):
        yield from _follow_object(value, steps[0], steps[1:])


def _follow_object(value: dict[str, Any], step: Step, rest: tuple[Step, ...]) -> Iterator[Any]:
    if isinstance(step, str):
        if step in value:
            yield from _follow(value[step], rest)
    elif isinstance(step, tuple):
        if value.get(step[0]) == step[1]:
            yield from _follow(value, rest)
    else:
        yield from _follow(value, rest)
