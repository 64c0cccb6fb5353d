"""Functions that evaluate an argument for each item, and those that know documents (N1 5.1 to 5.8; FHIR R4 2.9.1)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tracker_core.fhirpath import moments
from tracker_core.fhirpath.context import Context, Failed, Items, Run, told, truth
from tracker_core.fhirpath.functions import hidden
from tracker_core.fhirpath.narrative import is_narrative
from tracker_core.fhirpath.nodes import Node, Value, plain
from tracker_core.fhirpath.operators import contains, single
from tracker_core.fhirpath.types import type_of

_MOST = 200_000
Criterion = Callable[[Context, Items, tuple[Run, ...]], Items]


def _holding(context: Context, focus: Items, test: Run) -> Iterator[Value]:
    for number, item in enumerate(focus):
        if truth(test(context.within(item, number), [item])):
            yield item


def _where(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    return list(_holding(context, focus, given[0]))


def _exists(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    return [any(True for _ in _holding(context, focus, given[0])) if given else bool(focus)]


def _all(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    return [all(truth(given[0](context.within(item, n), [item])) for n, item in enumerate(focus))]


def _select(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    return [made for n, item in enumerate(focus) for made in given[0](context.within(item, n), [item])]


def _repeat(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    out: Items = []
    waiting = list(focus)
    seen: set[int] = set()
    while waiting:
        found = _select(context, waiting, given)
        fresh = [one for one in found if _is_new(one, seen, out)]
        waiting = fresh
        if len(out) > _MOST:
            raise Failed("repeat() does not end")
    return out


def _is_new(item: Value, seen: set[int], out: Items) -> bool:
    if isinstance(item, Node):
        key = id(item.value) if isinstance(item.value, dict) else id(item)
        fresh = key not in seen
        seen.add(key)
        out += [item] if fresh else []
        return fresh
    if contains(out, item):
        return False
    out.append(item)
    return True


def _iif(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    single(focus)
    inner = replace(context, this=(focus[0],)) if focus else context
    asked = given[0](inner, focus)
    if any(not isinstance(plain(one), bool) for one in asked):
        raise Failed("iif() asks for a boolean")
    if truth(asked):
        return given[1](inner, focus)
    return given[2](inner, focus) if len(given) > 2 else []


def _trace(_context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    return focus


def _aggregate(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    total = given[1](context, focus) if len(given) > 1 else []
    for number, item in enumerate(focus):
        total = given[0](replace(context.within(item, number), total=tuple(total)), [item])
    return total


def _children(context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    found: Items = [child for item in focus if isinstance(item, Node) for child in item.every_child()]
    context.budget.spend(len(focus) + len(found))
    return found


def _descendants(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    out: Items = []
    level = _children(context, focus, given)
    while level:
        out += level
        level = _children(context, level, given)
    return out


def _extension(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
    url = single(given[0](context, focus))
    found = [one for item in focus if isinstance(item, Node) for one in item.children("extension")]
    return [one for one in found if isinstance(one.value, dict) and one.value.get("url") == url]


def _resolve(context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    out: Items = []
    for item in focus:
        reference = item.value.get("reference") if isinstance(item, Node) and isinstance(item.value, dict) else None
        text = reference if reference is not None else plain(item)
        if isinstance(text, str):
            found = context.resolve(text, item if isinstance(item, Node) else None)
            out += [found] if found is not None else []
    return out


def _asked(ask: Callable[[Context], Callable[[str, Node], bool | None]]) -> Criterion:
    """`conformsTo(profile)` and `memberOf(value set)`: of an element, asked of whoever evaluates."""

    def run(context: Context, focus: Items, given: tuple[Run, ...]) -> Items:
        if len(focus) > 1:
            raise Failed("one element is asked about")
        what = single(given[0](context, focus))
        if not focus or not isinstance(focus[0], Node) or not isinstance(what, str):
            return []
        return told(ask(context)(what, focus[0]))

    return run


def sort(context: Context, focus: Items, keys: Sequence[tuple[Run, bool]]) -> Items:
    """Return the items by keys, each (expression, greatest first); what has no key comes first."""
    out = list(focus)
    for run, descending in reversed(keys):
        placed = [(_key(run(context.within(item, n), [item]), descending), item) for n, item in enumerate(out)]
        placed.sort(key=lambda pair: pair[0], reverse=descending)
        out = [item for _, item in placed]
    return out


def _key(items: Items, descending: bool) -> tuple[bool, str, Any]:
    value = single(items)
    known = isinstance(value, str | int | Decimal)
    return known is not descending, "text" if isinstance(value, str) else "number", value if known else 0


def _has_value(_context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    return [len(focus) == 1 and isinstance(focus[0], Node) and focus[0].has_value()]


def _get_value(_context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    if len(focus) != 1 or hidden(focus[0]):
        return []
    value = plain(focus[0])
    return [] if isinstance(value, Node) else [value]


def _html_checks(_context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    return [all(is_narrative(str(plain(item))) for item in focus)]


def _type(_context: Context, focus: Items, _given: tuple[Run, ...]) -> Items:
    out: Items = []
    for item in focus:
        space, _, name = type_of(item).partition(".")
        out.append(Node({"namespace": space, "name": name}, "TypeInfo"))
    return out


def _now(context: Context, _focus: Items, _given: tuple[Run, ...]) -> Items:
    return [moments.at(context.now)]


def _today(context: Context, _focus: Items, _given: tuple[Run, ...]) -> Items:
    return [moments.today(context.now)]


def _time_of_day(context: Context, _focus: Items, _given: tuple[Run, ...]) -> Items:
    found = moments.read_moment(context.now.strftime("%H:%M:%S"), "time")
    return [found] if found else []


# name -> (fewest and most arguments, function)
CRITERIA: dict[str, tuple[int, int, Criterion]] = {
    "where": (1, 1, _where),
    "exists": (0, 1, _exists),
    "all": (1, 1, _all),
    "select": (1, 1, _select),
    "repeat": (1, 1, _repeat),
    "iif": (2, 3, _iif),
    "trace": (1, 2, _trace),
    "aggregate": (1, 2, _aggregate),
    "children": (0, 0, _children),
    "descendants": (0, 0, _descendants),
    "extension": (1, 1, _extension),
    "resolve": (0, 0, _resolve),
    "conformsTo": (1, 1, _asked(lambda context: context.conforms)),
    "memberOf": (1, 1, _asked(lambda context: context.member)),
    "hasValue": (0, 0, _has_value),
    "getValue": (0, 0, _get_value),
    "htmlChecks": (0, 0, _html_checks),
    "type": (0, 0, _type),
    "now": (0, 0, _now),
    "today": (0, 0, _today),
    "timeOfDay": (0, 0, _time_of_day),
}
