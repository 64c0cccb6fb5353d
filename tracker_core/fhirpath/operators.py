"""Operators of FHIRPath (N1 6): equality, order, membership, logic and arithmetic."""

from collections.abc import Callable, Sequence
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Any

from tracker_core.fhirpath import moments, quantities
from tracker_core.fhirpath.context import Failed, Items, told, truth
from tracker_core.fhirpath.moments import Moment
from tracker_core.fhirpath.nodes import Node, Value, plain
from tracker_core.fhirpath.quantities import Quantity


def equal(left: Any, right: Any) -> bool | None:
    """Return whether two items are equal; None where that is open."""
    one, other = plain(left), plain(right)
    if isinstance(one, Node) or isinstance(other, Node):
        return isinstance(one, Node) and isinstance(other, Node) and same_tree(one, other)
    if isinstance(one, Moment) or isinstance(other, Moment):
        one, other = _as_moment(one, other), _as_moment(other, one)
        if not isinstance(one, Moment) or not isinstance(other, Moment) or _timeless(one) != _timeless(other):
            return False
        order = moments.compare(one, other)
        return None if order is None else order == 0
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        order = quantities.compare(one, other)
        return None if order is None else order == 0
    return _kind(one) == _kind(other) and bool(one == other)


def _timeless(moment: Moment) -> bool:
    return moment.kind == "time"


def _as_moment(value: Any, beside: Any) -> Any:
    """A text compared with a date is read as one (implicit conversion of FHIR strings)."""
    if isinstance(value, str) and isinstance(beside, Moment):
        return moments.read_moment(value, beside.kind)
    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | Decimal) else type(value).__name__


def same_tree(left: Node, right: Node) -> bool:
    """Tell whether two elements have equal content, ids of elements included."""
    return bool(left.value == right.value and (left.beside or None) == (right.beside or None))


def alike(left: Any, right: Any) -> bool:
    """Tell whether two items are equivalent: texts without case and spacing, numbers at the coarser precision."""
    one, other = plain(left), plain(right)
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
    if isinstance(one, Decimal | int) and isinstance(other, Decimal | int) and _kind(one) == _kind(other) == "number":
        places = min(_places(one), _places(other))
        return round(Decimal(one), places) == round(Decimal(other), places)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        values = quantities.aligned(one, other)
        return values is not None and alike(*values)
    if isinstance(one, Node) and isinstance(other, Node):
        return _alike_trees(one.value, other.value)
    return equal(left, right) is True


def _places(value: Decimal | int) -> int:
    exponent = Decimal(value).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _alike_trees(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        keys = {key for key in (*left, *right) if key != "id"}
        return all(_alike_trees(left.get(key), right.get(key)) for key in keys)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(any(_alike_trees(a, b) for b in right) for a in left)
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    return bool(left == right)


def equal_all(left: Items, right: Items) -> Items:
    """Return whether two collections are equal, item by item."""
    if not left or not right:
        return []
    if len(left) != len(right):
        return [False]
    found = [equal(one, other) for one, other in zip(left, right, strict=True)]
    return [False] if False in found else told(None if None in found else True)


def alike_all(left: Items, right: Items) -> Items:
    """Return whether two collections are equivalent, in any order."""
    if len(left) != len(right):
        return [False]
    rest = list(right)
    for one in left:
        found = next((n for n, other in enumerate(rest) if alike(one, other)), None)
        if found is None:
            return [False]
        del rest[found]
    return [True]


def contains(items: Sequence[Value], wanted: Value) -> bool:
    """Tell whether a collection has an item that equals `wanted`."""
    return any(equal(one, wanted) is True for one in items)


def distinct(items: Sequence[Value]) -> Items:
    """Return the items without repetitions, the first of each; hashable values quickly."""
    out: Items = []
    seen: set[Any] = set()
    for item in items:
        value = plain(item)
        if isinstance(value, str | bool | int):
            key = (_kind(value), value)
            if key in seen:
                continue
            seen.add(key)
        elif contains(out, item):
            continue
        out.append(item)
    return out


def single(items: Items, what: str = "one item") -> Any:
    """Return the value of the only item, None of nothing. Raises `Failed` of several."""
    if len(items) > 1:
        raise Failed(f"{what} is expected, not {len(items)}")
    return plain(items[0]) if items else None


def _ordered(test: Callable[[int], bool]) -> Callable[[Items, Items], Items]:
    def run(left: Items, right: Items) -> Items:
        one, other = single(left), single(right)
        if one is None or other is None:
            return []
        order = compare(one, other)
        return told(None if order is None else test(order))

    return run


def compare(one: Any, other: Any) -> int | None:
    """Return -1, 0 or 1, None where the order is open. Raises `Failed` for what has no order."""
    one, other = _as_moment(one, other), _as_moment(other, one)
    if isinstance(one, Moment) and isinstance(other, Moment):
        return moments.compare(one, other)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return quantities.compare(one, other)
    if _kind(one) != _kind(other) or _kind(one) not in ("number", "str"):
        raise Failed(f"{_kind(one)} and {_kind(other)} have no order")
    return 1 if one > other else -1 if one < other else 0


def _and(left: Items, right: Items) -> Items:
    one, other = truth(left), truth(right)
    return [False] if one is False or other is False else told(None if one is None or other is None else True)


def _or(left: Items, right: Items) -> Items:
    one, other = truth(left), truth(right)
    return [True] if one or other else told(None if one is None or other is None else False)


def _xor(left: Items, right: Items) -> Items:
    one, other = truth(left), truth(right)
    return told(None if one is None or other is None else one is not other)


def _implies(left: Items, right: Items) -> Items:
    one, other = truth(left), truth(right)
    return [True] if one is False or other else told(None if one is None or other is None else False)


def _in(left: Items, right: Items) -> Items:
    if not left:
        return []
    single(left)
    return [contains(right, left[0])]


def _join(left: Items, right: Items) -> Items:
    texts = [single(left), single(right)]
    if any(one is not None and not isinstance(one, str) for one in texts):
        raise Failed("& joins texts")
    return ["".join(one for one in texts if one is not None)]


def _arithmetic(name: str) -> Callable[[Items, Items], Items]:
    def run(left: Items, right: Items) -> Items:
        one, other = single(left), single(right)
        if one is None or other is None:
            return []
        made = calculate(name, one, other)
        return [] if made is None else [made]

    return run


def calculate(name: str, one: Any, other: Any) -> Value | None:
    """Return `one name other` for numbers, texts, quantities and dates, None where it has no value (division by 0)."""
    if isinstance(one, Moment) and isinstance(other, Quantity) and name in "+-":
        moved = moments.add(one, other.value if name == "+" else -other.value, other.unit)
        if moved is None:
            raise Failed(f"a {one.kind} cannot be moved by {other}")
        return moved
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _of_quantities(name, one, other)
    if isinstance(one, str) and isinstance(other, str) and name == "+":
        return one + other
    if _kind(one) != "number" or _kind(other) != "number":
        raise Failed(f"{_kind(one)} {name} {_kind(other)} is not defined")
    if isinstance(one, int) and isinstance(other, int) and name in ("+", "-", "*"):
        return {"+": one + other, "-": one - other, "*": one * other}[name]
    return _of_numbers(name, Decimal(one), Decimal(other), whole=isinstance(one, int) and isinstance(other, int))


def _of_numbers(name: str, one: Decimal, other: Decimal, whole: bool) -> Value | None:
    try:
        with localcontext(prec=28):
            if name == "div":
                return int(one / other) if other else None
            if name == "mod":
                rest = one - other * int(one / other) if other else None
                return int(rest) if whole and rest is not None else rest
            made = {"+": one + other, "-": one - other, "*": one * other}.get(name)
            if made is not None:
                return made
            return one / other if other else None
    except (DivisionByZero, InvalidOperation):
        return None


def _of_quantities(name: str, one: Quantity, other: Quantity) -> Value | None:
    if name in "+-":
        values = quantities.aligned(one, other)
        if values is None:
            return None
        return Quantity(values[0] + values[1] if name == "+" else values[0] - values[1], one.unit)
    if name == "*":
        unit = one.unit if other.unit == "1" else other.unit if one.unit == "1" else f"{one.unit}.{other.unit}"
        return Quantity(one.value * other.value, unit)
    values = quantities.aligned(one, other)
    if not other.value:
        return None
    if values is not None:
        return Quantity(values[0] / values[1], "1")
    return Quantity(one.value / other.value, f"{one.unit}/{other.unit}")


def _not(run: Callable[[Items, Items], Items]) -> Callable[[Items, Items], Items]:
    return lambda left, right: [not one for one in run(left, right)]


OPERATORS: dict[str, Callable[[Items, Items], Items]] = {
    "=": equal_all,
    "!=": _not(equal_all),
    "~": alike_all,
    "!~": _not(alike_all),
    "<": _ordered(lambda order: order < 0),
    ">": _ordered(lambda order: order > 0),
    "<=": _ordered(lambda order: order <= 0),
    ">=": _ordered(lambda order: order >= 0),
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "in": _in,
    "contains": lambda left, right: _in(right, left),
    "|": lambda left, right: distinct([*left, *right]),
    "&": _join,
    **{name: _arithmetic(name) for name in ("+", "-", "*", "/", "div", "mod")},
}
