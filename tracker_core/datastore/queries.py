"""Searching a namespace: which entries, which parts of them, in which order (Web API 2.42, "Data store", "Query")."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tracker_core.database import Session
from tracker_core.datastore.entries import Entry, Store, entries
from tracker_core.datastore.paths import MISSING, Steps, look

KEY = "_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part of each entry that is asked for: `name` is what it is called in the answer."""

    name: str
    path: Steps


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter. `on_key` compares the key itself; `operands` are several for `in`."""

    path: Steps
    operator: str
    operands: tuple[str, ...] = ()
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for. `everything` keeps entries that have none of the wanted parts; `limit` 0 means all."""

    wanted: Sequence[Wanted] = ()
    conditions: Sequence[Condition] = ()
    any_of: bool = False
    order: Steps | None = None
    order_by_key: bool = True
    descending: bool = False
    everything: bool = False
    offset: int = 0
    limit: int = 0


def search(session: Session, store: Store, namespace: str, query: Query) -> list[dict[str, Any]]:
    """Return the entries as `{key, part: …}`, a page of them. A namespace that is not there has none."""
    join = any if query.any_of else all
    found: list[tuple[Entry, Any]] = [(entry, entry.value) for entry in entries(session, store, namespace)]
    if query.conditions:
        found = [pair for pair in found if join(_holds(condition, *pair) for condition in query.conditions)]
    found.sort(key=lambda pair: _rank(query, *pair), reverse=query.descending)
    shown = [_shown(query.wanted, entry, value) for entry, value in found]
    if query.wanted and not query.everything:
        shown = [one for one in shown if any(one[wanted.name] is not None for wanted in query.wanted)]
    end = query.offset + query.limit if query.limit else None
    return shown[query.offset : end]


def _shown(wanted: Iterable[Wanted], entry: Entry, value: Any) -> dict[str, Any]:
    parts = {one.name: look(value, one.path) for one in wanted}
    return {"key": entry.key, **{name: None if part is MISSING else part for name, part in parts.items()}}


def _rank(query: Query, entry: Entry, value: Any) -> tuple[Any, ...]:
    if query.order_by_key or query.order is None:
        return (entry.key,)
    part = look(value, query.order)
    if part is MISSING or part is None:
        return (2, 0, "", entry.key)
    if isinstance(part, int | float) and not isinstance(part, bool):
        return (0, part, "", entry.key)
    return (1, 0, str(part), entry.key)


def _holds(condition: Condition, entry: Entry, value: Any) -> bool:
    part = entry.key if condition.on_key else look(value, condition.path)
    name = condition.operator.lower()
    negated = name.startswith("!") or name in ("ne", "neq")
    name = {"ne": "eq", "neq": "eq"}.get(name, name.removeprefix("!"))
    return _TESTS[name](None if part is MISSING else part, condition.operands) is not negated


def _text(part: Any) -> str:
    return str(part).lower() if isinstance(part, bool) else "" if part is None else str(part)


def _equals(part: Any, operand: str) -> bool:
    if isinstance(part, int | float) and not isinstance(part, bool):
        number = _number(operand)
        return number is not None and number == part
    return part is not None and _text(part) == operand.strip("'\"" if operand[:1] in "'\"" else "")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compares(test: Callable[[Any, Any], bool]) -> Callable[[Any, tuple[str, ...]], bool]:
    def compare(part: Any, operands: tuple[str, ...]) -> bool:
        if isinstance(part, int | float) and not isinstance(part, bool):
            number = _number(operands[0])
            return number is not None and test(part, number)
        return isinstance(part, str) and test(part, operands[0])

    return compare


def _matches(test: Callable[[str, str], bool], *, fold: bool) -> Callable[[Any, tuple[str, ...]], bool]:
    def match(part: Any, operands: tuple[str, ...]) -> bool:
        if not isinstance(part, str):
            return False
        return test(part.casefold(), operands[0].casefold()) if fold else test(part, operands[0])

    return match


def _contains(part: str, operand: str) -> bool:
    return operand in part


_TESTS: dict[str, Callable[[Any, tuple[str, ...]], bool]] = {
    "eq": lambda part, operands: _equals(part, operands[0]),
    "ieq": lambda part, operands: _text(part).casefold() == operands[0].casefold(),
    "in": lambda part, operands: any(_equals(part, operand) for operand in operands),
    "lt": _compares(lambda part, operand: part < operand),
    "le": _compares(lambda part, operand: part <= operand),
    "gt": _compares(lambda part, operand: part > operand),
    "ge": _compares(lambda part, operand: part >= operand),
    "like": _matches(_contains, fold=False),
    "$like": _matches(str.startswith, fold=False),
    "like$": _matches(str.endswith, fold=False),
    "ilike": _matches(_contains, fold=True),
    "$ilike": _matches(str.startswith, fold=True),
    "ilike$": _matches(str.endswith, fold=True),
    "startswith": _matches(str.startswith, fold=True),
    "endswith": _matches(str.endswith, fold=True),
    "null": lambda part, _: part is None,
    "empty": lambda part, _: part in ("", [], {}),
}
UNARY = ("null", "!null", "empty", "!empty")
OPERATORS = frozenset(["ne", "neq", *_TESTS, *(f"!{name}" for name in _TESTS)])
