"""The operators of the object filter language (Web API 2.42, "Object filter language"), as tests on one value.

A value is what JSON holds. Text that looks like what it is compared with is compared as that: numbers by number, times
by their start (`2024-03` covers the whole month in `ge` and `lt`). A list is compared by its size.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from adapters.dhis2.objects.values import moment_text, number

Test = Callable[[Any], bool]
Make = Callable[[str], Test]

_BLANK = re.compile(r"\s+")


def _same(operand: str) -> Test:
    """`eq`: numbers as numbers, truth in any case of letters, lists by size, references by id, all else as text."""
    amount, truth, moment = number(operand), operand.casefold(), moment_text(operand)

    def test(value: Any) -> bool:
        if isinstance(value, bool):
            return str(value).casefold() == truth
        if isinstance(value, list):
            return amount is not None and len(value) == amount
        if isinstance(value, int | float):
            return amount is not None and value == amount
        text = _text(value)
        return text is not None and (text == operand or (moment is not None and moment_text(text) == moment))

    return test


def _text(value: Any) -> str | None:
    """Return the text that a value is compared as: of an object its id."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return None if value is None else str(value)


def _same_text(operand: str) -> Test:
    wanted = operand.casefold()
    return lambda value: _plain(value) is not None and str(_plain(value)).casefold() == wanted


def _ordered(holds: Callable[[Any, Any], bool]) -> Make:
    """Make a comparison: by size for lists, else by number where both are numbers, else as text (ISO times sort so)."""

    def make(operand: str) -> Test:
        amount, moment = number(operand), moment_text(operand)

        def test(value: Any) -> bool:
            if isinstance(value, list):
                return amount is not None and holds(len(value), amount)
            if isinstance(value, bool) or value is None or isinstance(value, dict):
                return False
            if isinstance(value, int | float):
                return amount is not None and holds(value, amount)
            text = str(_text(value))
            if amount is not None and (measured := number(text)) is not None:
                return holds(measured, amount)
            return holds(moment_text(text) or text, moment or operand)

        return test

    return make


def _contains(place: Callable[[str, str], bool], *, folded: bool) -> Make:
    """Make a test on text: `place(text, operand)`, with the case of letters levelled when `folded`."""

    def make(operand: str) -> Test:
        wanted = operand.casefold() if folded else operand

        def test(value: Any) -> bool:
            text = _plain(value)
            if text is None:
                return False
            return place(str(text).casefold() if folded else str(text), wanted)

        return test

    return make


def _token(operand: str) -> Test:
    """Every word of the operand occurs somewhere in the text."""
    words = [word for word in _BLANK.split(operand.casefold()) if word]

    def test(value: Any) -> bool:
        text = _plain(value)
        return text is not None and all(word in str(text).casefold() for word in words)

    return test


def _among(operand: str) -> Test:
    """`in:[a,b]`; the empty list holds nothing."""
    listed = operand.strip().removeprefix("[").removesuffix("]")
    tests = [_same(part.strip()) for part in listed.split(",") if part.strip()]
    return _among_texts(tests)


def _among_texts(tests: list[Test]) -> Test:
    return lambda value: any(test(value) for test in tests)


def _plain(value: Any) -> Any:
    """Return what text operators look at: of an object its id, of a truth value its JSON form, of a list nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return value.get("id")
    return None if isinstance(value, list) else value


def _negated(make: Make) -> Make:
    def negative(operand: str) -> Test:
        test = make(operand)
        return lambda value: not test(value)

    return negative


def _is_null(_operand: str) -> Test:
    return lambda value: value is None


def _is_empty(_operand: str) -> Test:
    return lambda value: value is None or value in ("", [], {})


def _within(text: str, part: str) -> bool:
    return part in text


_POSITIVE: dict[str, Make] = {
    "eq": _same,
    "ieq": _same_text,
    "like": _contains(_within, folded=False),
    "$like": _contains(str.startswith, folded=False),
    "like$": _contains(str.endswith, folded=False),
    "ilike": _contains(_within, folded=True),
    "$ilike": _contains(str.startswith, folded=True),
    "ilike$": _contains(str.endswith, folded=True),
    "startswith": _contains(str.startswith, folded=True),
    "endswith": _contains(str.endswith, folded=True),
    "token": _token,
    "in": _among,
    "null": _is_null,
    "empty": _is_empty,
}
OPERATORS: dict[str, Make] = {
    **_POSITIVE,
    **{f"!{name}": _negated(make) for name, make in _POSITIVE.items()},
    "ne": _negated(_same),
    "neq": _negated(_same),
    "gt": _ordered(lambda value, bound: value > bound),
    "ge": _ordered(lambda value, bound: value >= bound),
    "lt": _ordered(lambda value, bound: value < bound),
    "le": _ordered(lambda value, bound: value <= bound),
}
# These take no operand.
UNARY = frozenset({"null", "!null", "empty", "!empty"})
