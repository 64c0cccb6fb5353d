"""Functions whose arguments are evaluated before the call: texts, numbers, conversions and subsets (N1 5)."""

import base64
import binascii
import html
import math
import re
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import re2

from tracker_core.fhirpath import moments
from tracker_core.fhirpath.boundaries import BOUNDARIES
from tracker_core.fhirpath.context import Failed, Items
from tracker_core.fhirpath.conversions import CONVERSIONS
from tracker_core.fhirpath.nodes import Node, Value, plain
from tracker_core.fhirpath.operators import calculate, contains, distinct, single
from tracker_core.fhirpath.quantities import Quantity
from tracker_core.fhirpath.syntax import Misread

_GROUP = re.compile(r"\$(\d)")
Function = Callable[[Items, list[Items]], Items]


def _text(run: Callable[..., Any]) -> Function:
    """A function of one text: nothing of nothing; arguments that are nothing give nothing."""

    def called(focus: Items, given: list[Items]) -> Items:
        text = single(focus, "one text")
        values = [single(one) for one in given]
        if text is None or any(one is None for one in values):
            return []
        if not isinstance(text, str):
            raise Failed(f"a text is expected, not {text!r}")
        made = run(text, *values)
        return list(made) if isinstance(made, list) else [] if made is None else [made]

    return called


def _number(run: Callable[..., Any]) -> Function:
    def called(focus: Items, given: list[Items]) -> Items:
        value = single(focus, "one number")
        values = [single(one) for one in given]
        if value is None or any(one is None for one in values):
            return []
        if isinstance(value, bool) or not isinstance(value, int | Decimal | Quantity):
            raise Failed(f"a number is expected, not {value!r}")
        try:
            made = run(value, *values)
        except (ArithmeticError, ValueError, InvalidOperation):
            return []
        return [] if made is None else [made]

    return called


def _integral(rounding: str) -> Callable[[Any], Any]:
    return lambda value: int(Decimal(value).to_integral_value(rounding=rounding))


def _round(value: Any, places: int = 0) -> Decimal:
    if places < 0:
        raise Failed("round() has no negative precision")
    return Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _absolute(value: Any) -> Any:
    return Quantity(abs(value.value), value.unit) if isinstance(value, Quantity) else abs(value)


def _power(value: Any, exponent: Any) -> Any:
    if isinstance(value, int) and isinstance(exponent, int) and 0 <= exponent < 1000:
        return value**exponent
    made = float(value) ** float(exponent)
    return Decimal(repr(made)) if isinstance(made, float) else None


def _float(run: Callable[..., float]) -> Callable[..., Decimal]:
    return lambda *values: Decimal(repr(run(*map(float, values))))


def pattern(text: str) -> Any:
    """Return a compiled regular expression that runs in linear time. Raises `Failed` for what is none."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise Failed(f"{text!r} is no regular expression: {error}") from error


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(0, length)]


def _replace_matches(text: str, expression: str, by: str) -> str:
    """`$1` stands for what the first group matched."""
    if not expression:
        return text
    return str(pattern(expression).sub(_GROUP.sub(r"\\\1", by.replace("\\", "\\\\")), text))


_CODECS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "base64": (base64.b64encode, base64.b64decode),
    "urlbase64": (base64.urlsafe_b64encode, base64.urlsafe_b64decode),
    "hex": (binascii.hexlify, binascii.unhexlify),
}


def _coded(way: int) -> Callable[[str, str], str | None]:
    def run(text: str, name: str) -> str | None:
        try:
            return _CODECS[name][way](text.encode()).decode() if name in _CODECS else None
        except ValueError:
            return None

    return run


def _escape(text: str, target: str) -> str | None:
    if target == "json":
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return html.escape(text, quote=True) if target == "html" else None


def _unescape(text: str, target: str) -> str | None:
    if target == "json":
        return text.replace('\\"', '"').replace("\\\\", "\\")
    return html.unescape(text) if target == "html" else None


def _cut(run: Callable[[Items, int], Items]) -> Function:
    def called(focus: Items, given: list[Items]) -> Items:
        count = single(given[0], "one number")
        if not isinstance(count, int):
            raise Failed("a whole number is expected")
        return run(focus, count)

    return called


def _only(focus: Items, _given: list[Items]) -> Items:
    single(focus)
    return list(focus)


def _flags(wanted: bool, every: bool) -> Function:
    def called(focus: Items, _given: list[Items]) -> Items:
        values = [plain(one) for one in focus]
        if any(not isinstance(one, bool) for one in values):
            raise Failed("booleans are expected")
        return [all(one is wanted for one in values) if every else any(one is wanted for one in values)]

    return called


def _join(focus: Items, given: list[Items]) -> Items:
    texts = [plain(one) for one in focus]
    if any(not isinstance(one, str) for one in texts):
        raise Failed("join() is for texts")
    return [str(single(given[0]) or "" if given else "").join(texts)] if texts else []


def _not(focus: Items, _given: list[Items]) -> Items:
    value = single(focus, "one boolean")
    if value is None:
        return []
    return [not value if isinstance(value, bool) else False]


def _sum(focus: Items, _given: list[Items]) -> Items:
    total: Value | None = None
    for one in focus:
        total = plain(one) if total is None else calculate("+", total, plain(one))
    return [] if total is None else [total]


def _extreme(sign: int) -> Function:
    def called(focus: Items, _given: list[Items]) -> Items:
        values = [plain(one) for one in focus]
        return [sorted(values, reverse=sign > 0)[0]] if values else []

    return called


def _today(now: datetime) -> Items:
    return [moments.today(now)]


def _is_distinct(focus: Items, _given: list[Items]) -> Items:
    return [len(distinct(focus)) == len(focus)]


def _within(inner: Items, outer: Items) -> bool:
    return all(contains(outer, one) for one in inner)


# name -> (fewest and most arguments, function)
FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "empty": (0, 0, lambda focus, _: [not focus]),
    "count": (0, 0, lambda focus, _: [len(focus)]),
    "not": (0, 0, _not),
    "allTrue": (0, 0, _flags(wanted=True, every=True)),
    "anyTrue": (0, 0, _flags(wanted=True, every=False)),
    "allFalse": (0, 0, _flags(wanted=False, every=True)),
    "anyFalse": (0, 0, _flags(wanted=False, every=False)),
    "subsetOf": (1, 1, lambda focus, given: [_within(focus, given[0])]),
    "supersetOf": (1, 1, lambda focus, given: [_within(given[0], focus)]),
    "distinct": (0, 0, lambda focus, _: distinct(focus)),
    "isDistinct": (0, 0, _is_distinct),
    "single": (0, 0, _only),
    "first": (0, 0, lambda focus, _: focus[:1]),
    "last": (0, 0, lambda focus, _: focus[-1:]),
    "tail": (0, 0, lambda focus, _: focus[1:]),
    "skip": (1, 1, _cut(lambda focus, count: focus[max(0, count) :])),
    "take": (1, 1, _cut(lambda focus, count: focus[: max(0, count)])),
    "intersect": (1, 1, lambda focus, given: distinct([one for one in focus if contains(given[0], one)])),
    "exclude": (1, 1, lambda focus, given: [one for one in focus if not contains(given[0], one)]),
    "union": (1, 1, lambda focus, given: distinct([*focus, *given[0]])),
    "combine": (1, 1, lambda focus, given: [*focus, *given[0]]),
    "indexOf": (1, 1, _text(lambda text, part: text.find(part))),
    "lastIndexOf": (1, 1, _text(lambda text, part: text.rfind(part))),
    "substring": (1, 2, _text(_substring)),
    "startsWith": (1, 1, _text(lambda text, part: text.startswith(part))),
    "endsWith": (1, 1, _text(lambda text, part: text.endswith(part))),
    "contains": (1, 1, _text(lambda text, part: part in text)),
    "upper": (0, 0, _text(str.upper)),
    "lower": (0, 0, _text(str.lower)),
    "replace": (2, 2, _text(str.replace)),
    "matches": (1, 1, _text(lambda text, of: pattern(of).search(text) is not None)),
    "matchesFull": (1, 1, _text(lambda text, of: pattern(of).fullmatch(text) is not None)),
    "replaceMatches": (2, 2, _text(_replace_matches)),
    "length": (0, 0, _text(len)),
    "toChars": (0, 0, _text(list)),
    "trim": (0, 0, _text(str.strip)),
    "split": (1, 1, _text(lambda text, by: text.split(by))),
    "join": (0, 1, _join),
    "encode": (1, 1, _text(_coded(0))),
    "decode": (1, 1, _text(_coded(1))),
    "escape": (1, 1, _text(_escape)),
    "unescape": (1, 1, _text(_unescape)),
    "abs": (0, 0, _number(_absolute)),
    "ceiling": (0, 0, _number(_integral(ROUND_CEILING))),
    "floor": (0, 0, _number(_integral(ROUND_FLOOR))),
    "truncate": (0, 0, _number(int)),
    "round": (0, 1, _number(_round)),
    "exp": (0, 0, _number(_float(math.exp))),
    "ln": (0, 0, _number(_float(math.log))),
    "log": (1, 1, _number(_float(math.log))),
    "power": (1, 1, _number(_power)),
    "sqrt": (0, 0, _number(_float(math.sqrt))),
    "sum": (0, 0, _sum),
    "min": (0, 0, _extreme(-1)),
    "max": (0, 0, _extreme(1)),
    **CONVERSIONS,
    **BOUNDARIES,
}


def hidden(item: Value) -> bool:
    """Tell whether an item is an element without a value (extensions alone)."""
    return isinstance(item, Node) and not item.has_value() and not isinstance(item.value, dict)


def named(name: str, count: int) -> Function:
    """Return the function called `name` with `count` arguments. Raises `Misread`."""
    found = FUNCTIONS.get(name)
    if found is None:
        raise Misread(f"there is no function {name}()")
    if not found[0] <= count <= found[1]:
        raise Misread(f"{name}() does not take {count} arguments")
    return found[2]
