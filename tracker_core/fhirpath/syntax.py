"""The text of an expression as a tree (FHIRPath N1, appendix grammar)."""

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""\s*(?:(?://[^\n]*(?:\n|\Z)|/\*.*?\*/)\s*)*(?:
    (?P<date>@(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?|\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?))
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`)
    |(?P<variable>%(?:[A-Za-z_][\w-]*|`[^`]*`|'[^']*'))
    |(?P<this>\$(?:this|index|total))
    |(?P<sign>!=|!~|<=|>=|[-+*/&|=~<>().,\[\]{}])
    )""",
    re.VERBOSE | re.DOTALL,
)
_END = re.compile(r"\s*(?:(?://[^\n]*(?:\n|\Z)|/\*.*?\*/)\s*)*\Z", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_UNITS = re.compile(r"(?:year|month|week|day|hour|minute|second|millisecond)s?\Z")
_DEEPEST = 40


class Misread(ValueError):
    """The expression is no FHIRPath, or none that is offered."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One node: `kind` says what it is, `text` its name, operator or literal, `parts` what it is made of."""

    kind: str
    text: str = ""
    parts: tuple["Tree", ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


# Operators from the loosest to the tightest binding
_LEVELS: tuple[frozenset[str], ...] = tuple(
    frozenset(level.split())
    for level in ("implies", "or xor", "and", "in contains", "= ~ != !~", "< <= > >=", "|", "is as", "+ - &",
        "* / div mod")
)  # fmt: skip
_TYPES = 7


@lru_cache(maxsize=4096)
def parse(text: str) -> Tree:
    """Return the tree of an expression. Raises `Misread`."""
    reader = _Reader(_split(text), text)
    tree = reader.level(0)
    if reader.peek().kind != "end":
        raise Misread(f"not understood at {reader.peek().text!r}: {text}")
    return tree


def unquoted(text: str) -> str:
    """Return a quoted text or name without quotes and escapes."""
    return _ESCAPE.sub(_plain, text[1:-1])


def _plain(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2].translate(str.maketrans("nrtf", "\n\r\t\f"))


def _split(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while not _END.match(text, at):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Misread(f"not understood at {text[at : at + 20]!r}: {text}")
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match[kind]))
        at = match.end()
    return [*tokens, _Token("end", "")]


class _Reader:
    """Recursive descent by binding strength."""

    def __init__(self, tokens: list[_Token], text: str) -> None:
        self.tokens = tokens
        self.text = text
        self.at = 0
        self.deep = 0

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self, wanted: str = "") -> _Token:
        token = self.tokens[self.at]
        if token.kind == "end" or (wanted and token.text != wanted):
            raise Misread(f"expected {wanted or 'more'}, found {token.text or 'the end'!r}: {self.text}")
        self.at += 1
        return token

    def level(self, number: int) -> Tree:
        if number == len(_LEVELS):
            return self.signed()
        left = self.level(number + 1)
        while self.peek().kind in ("sign", "name") and self.peek().text in _LEVELS[number]:
            operator = self.take().text
            right = self.type_name() if number == _TYPES else self.level(number + 1)
            left = Tree("operator", operator, (left, right))
        return left

    def signed(self) -> Tree:
        if self.peek().kind == "sign" and self.peek().text in "+-":
            return Tree("sign", self.take().text, (self.signed(),))
        return self.chain()

    def chain(self) -> Tree:
        self.deep += 1
        if self.deep > _DEEPEST:
            raise Misread(f"nested too deeply: {self.text[:60]}")
        tree = self.term()
        while self.peek().kind == "sign" and self.peek().text in ".[":
            if self.take().text == "[":
                tree = Tree("index", "", (tree, self.level(0)))
                self.take("]")
            else:
                tree = Tree("step", "", (tree, self.call()))
        self.deep -= 1
        return tree

    def term(self) -> Tree:
        token = self.peek()
        if token.text == "(" and token.kind == "sign":
            self.take()
            tree = self.level(0)
            self.take(")")
            return tree
        if token.text == "{" and token.kind == "sign":
            self.take()
            self.take("}")
            return Tree("nothing")
        if token.kind == "number":
            return self.number()
        if token.kind in ("text", "date", "variable"):
            return Tree(token.kind, self.take().text)
        if token.text in ("true", "false") and token.kind == "name":
            return Tree("boolean", self.take().text)
        return self.call()

    def number(self) -> Tree:
        number = self.take().text
        unit = self.peek()
        if unit.kind == "text" or (unit.kind == "name" and _UNITS.match(unit.text)):
            return Tree("quantity", number, (Tree(unit.kind, self.take().text),))
        return Tree("number", number)

    def call(self) -> Tree:
        token = self.take()
        if token.kind == "this":
            return Tree("this", token.text)
        if token.kind != "name":
            raise Misread(f"not understood at {token.text!r}: {self.text}")
        name = unquoted(token.text) if token.text.startswith("`") else token.text
        if self.peek().text != "(" or self.peek().kind != "sign":
            return Tree("name", name)
        self.take()
        parts = [] if self.peek().text == ")" else [self.level(0)]
        while self.peek().text == ",":
            self.take()
            parts.append(self.level(0))
        self.take(")")
        return Tree("call", name, tuple(parts))

    def type_name(self) -> Tree:
        names = [self.take().text.strip("`")]
        while self.peek().text == ".":
            self.take()
            names.append(self.take().text.strip("`"))
        return Tree("type", ".".join(names))
