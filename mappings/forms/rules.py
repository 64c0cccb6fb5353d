"""Program rules as `enableWhen`: conditions of answers that a form renderer can test by itself (R4 Questionnaire).

A rule hides a question while its condition holds, so the question is enabled while it does not. Only conditions over
answers of the same form can be said: comparisons, `d2:hasValue`, `!`, `&&`, `||`; and only where their opposite is a
plain "all of" or "any of". What cannot be said is left out: the program still checks it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mappings.forms.answers import Field, answers_of
from mappings.scope import Unfit

_TOKEN = re.compile(
    r"\s*(?:(?P<has>d2:hasValue\(\s*(?:'[^']*'|[#A]\{[^}]*\})\s*\))|(?P<name>[#A]\{[^}]*\})|(?P<word>'[^']*'|\"[^\"]*\")"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>&&|\|\||==|!=|<=|>=|<|>|!|\(|\))|(?P<text>\w+))"
)
_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_WORDS = {"and": "&&", "or": "||", "not": "!"}


@dataclass(frozen=True, slots=True)
class Test:
    """`operator` is FHIR's (R4 questionnaire-enable-operator); with `exists` the value is `true` or `false`."""

    name: str
    operator: str
    value: str

    @property
    def opposite(self) -> "Test":
        """The test that holds where this one does not."""
        if self.operator == "exists":
            return Test(self.name, "exists", "false" if self.value == "true" else "true")
        return Test(self.name, _OPPOSITE[self.operator], self.value)


@dataclass(frozen=True, slots=True)
class Group:
    """Tests and groups that must `all` hold, or any of them."""

    all: bool
    parts: tuple["Tree", ...]


Tree: TypeAlias = Test | Group


class Unsaid(ValueError):
    """A condition that no `enableWhen` can say."""


def enabled_when(conditions: Iterable[str], questions: Mapping[str, Field]) -> dict[str, Any]:
    """Return `enableWhen` and `enableBehavior` of what these rule conditions hide; empty where that cannot be said.

    `questions` are the form's fields by the rule variable that stands for each.
    """
    try:
        wanted = _simplified(Group(all=True, parts=tuple(_opposite(parse_condition(text)) for text in conditions)))
        tests = _tests(wanted)
        return {
            "enableWhen": [_said(test, questions) for test in tests],
            **({"enableBehavior": "all" if _is_all(wanted) else "any"} if len(tests) > 1 else {}),
        }
    except Unsaid:
        return {}


def parse_condition(text: str) -> Tree:
    """Return the tests of a rule's condition. Raises `Unsaid` for whatever else it holds."""
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unsaid(text[at:])
        kind = str(found.lastgroup)
        tokens.append(
            (kind, found[kind]) if found[kind].lower() not in _WORDS else ("sign", _WORDS[found[kind].lower()])
        )
        at = found.end()
    reader = _Reader(tokens)
    tree = reader.either()
    if reader.left:
        raise Unsaid(str(reader.left[0]))
    return tree


class _Reader:
    """Reads tokens by precedence: `||`, `&&`, `!`, comparisons."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self.left = list(tokens)

    def either(self) -> Tree:
        """Read alternatives."""
        parts = [self._both()]
        while self._take("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Group(all=False, parts=tuple(parts))

    def _both(self) -> Tree:
        parts = [self._one()]
        while self._take("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group(all=True, parts=tuple(parts))

    def _one(self) -> Tree:
        if self._take("!"):
            return _opposite(self._one())
        if self._take("("):
            tree = self.either()
            if not self._take(")"):
                raise Unsaid("(")
            return tree
        kind, word = self._next()
        if kind == "has":
            return self._compared(Test(_name(word[word.index("(") + 1 : -1]), "exists", "true"))
        if kind != "name":
            raise Unsaid(word)
        operator = next((sign for sign in ("==", *_OPPOSITE) if self._take(sign)), "")
        if not operator:
            return Test(_name(word), "=", "true")
        _, value = self._next()
        return Test(_name(word), operator.replace("==", "="), value.strip("'\""))

    def _compared(self, test: Test) -> Tree:
        """A test itself, or compared with a truth."""
        operator = next((sign for sign in ("==", "!=") if self._take(sign)), "")
        if not operator:
            return test
        truth = self._next()[1]
        if truth not in ("true", "false"):
            raise Unsaid(truth)
        return test if (truth == "true") == (operator == "==") else test.opposite

    def _take(self, sign: str) -> bool:
        if self.left and self.left[0] == ("sign", sign):
            del self.left[0]
            return True
        return False

    def _next(self) -> tuple[str, str]:
        if not self.left:
            raise Unsaid("the end")
        return self.left.pop(0)


def _name(text: str) -> str:
    return re.sub(r"[#A]\{|[}']", "", text).strip()


def _opposite(tree: Tree) -> Tree:
    if isinstance(tree, Test):
        return tree.opposite
    return Group(not tree.all, tuple(_opposite(part) for part in tree.parts))


def _simplified(tree: Tree) -> Tree:
    """Flatten groups; within "all", leave out what is certain and, of alternatives, what cannot be."""
    if isinstance(tree, Test):
        return tree
    parts: list[Tree] = []
    for part in map(_simplified, tree.parts):
        inner = part.parts if isinstance(part, Group) and part.all == tree.all else (part,)
        parts += [one for one in inner if one not in parts]
    if tree.all:
        certain = {part for part in parts if isinstance(part, Test)}
        parts = [_possible(part, certain) for part in parts]
        answered = {part.name for part in parts if isinstance(part, Test) and part.operator == "="}
        parts = [part for part in parts if not (_exists(part) and isinstance(part, Test) and part.name in answered)]
    return parts[0] if len(parts) == 1 else Group(tree.all, tuple(parts))


def _possible(part: Tree, certain: set[Test]) -> Tree:
    if isinstance(part, Test):
        return part
    left = tuple(one for one in part.parts if not (isinstance(one, Test) and one.opposite in certain))
    return left[0] if len(left) == 1 else Group(part.all, left)


def _exists(part: Tree) -> bool:
    return isinstance(part, Test) and (part.operator, part.value) == ("exists", "true")


def _is_all(tree: Tree) -> bool:
    return isinstance(tree, Group) and tree.all


def _tests(tree: Tree) -> list[Test]:
    parts = tree.parts if isinstance(tree, Group) else (tree,)
    tests = [part for part in parts if isinstance(part, Test)]
    if len(tests) != len(parts) or not tests:
        raise Unsaid("groups within groups")
    return tests


def _said(test: Test, questions: Mapping[str, Field]) -> dict[str, Any]:
    asked = questions.get(test.name)
    if asked is None:
        raise Unsaid(test.name)
    if test.operator == "exists":
        return {"question": asked.link, "operator": "exists", "answerBoolean": test.value == "true"}
    text = {"0": "false", "1": "true"}.get(test.value, test.value) if asked.type == "boolean" else test.value
    try:
        (answer,) = answers_of(asked, text)
    except (Unfit, ValueError):
        raise Unsaid(test.value) from None
    ((key, value),) = answer.items()
    if key in ("valueUri", "valueReference") or (
        test.operator not in ("=", "!=") and key in ("valueCoding", "valueString")
    ):
        raise Unsaid(test.value)
    return {"question": asked.link, "operator": test.operator, key.replace("value", "answer", 1): value}
