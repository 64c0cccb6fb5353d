"""Attribute and data element filters (Web API 2.42, "Data element and attribute filters"): one table of operators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tracker_core.errors import Malformed
from tracker_core.tracker.unique import folded

NUMERIC = {
    "NUMBER",
    "UNIT_INTERVAL",
    "PERCENTAGE",
    "INTEGER",
    "INTEGER_POSITIVE",
    "INTEGER_NEGATIVE",
    "INTEGER_ZERO_OR_POSITIVE",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on the value of an attribute or data element. `value` is empty for `null` and `!null`."""

    uid: str
    operator: str
    value: str = ""


def _same(value: str) -> str:
    return value


def _like(before: str, after: str) -> Callable[[str], str]:
    def pattern(value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{before}{escaped}{after}"

    return pattern


# operator -> (SQL over the value {x}, how its operand is written). Text compares folded: case never counts.
_TEXT: dict[str, tuple[str, Callable[[str], Any]]] = {
    "eq": ("{x} = %s", _same),
    "ieq": ("{x} = %s", _same),
    "ne": ("{x} is distinct from %s", _same),
    "neq": ("{x} is distinct from %s", _same),
    "nieq": ("{x} is distinct from %s", _same),
    "gt": ("{x} > %s", _same),
    "ge": ("{x} >= %s", _same),
    "lt": ("{x} < %s", _same),
    "le": ("{x} <= %s", _same),
    "like": ("{x} like %s", _like("%", "%")),
    "ilike": ("{x} like %s", _like("%", "%")),
    "nlike": ("coalesce({x}, '') not like %s", _like("%", "%")),
    "nilike": ("coalesce({x}, '') not like %s", _like("%", "%")),
    "sw": ("{x} like %s", _like("", "%")),
    "ew": ("{x} like %s", _like("%", "")),
}
_COMPARED = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "=", "ieq": "=", "ne": "<>", "neq": "<>", "nieq": "<>"}
UNARY = {"null": "{x} is null", "!null": "{x} is not null"}
OPERATORS = (*_TEXT, "in", *UNARY)


def condition(wanted: Filter, value_type: str, text: str) -> tuple[str, Sequence[Any]]:
    """Return SQL and its arguments for `wanted` over the SQL expression `text`, which yields the folded value or null.

    Raises `Malformed` for an operator that does not exist or an operand that is not a number where one is needed.
    """
    if wanted.operator in UNARY:
        return UNARY[wanted.operator].format(x=text), ()
    if wanted.operator == "in":
        return f"{text} = any(%b)", ([folded(part) for part in wanted.value.split(";")],)
    if wanted.operator not in _TEXT:
        raise Malformed(f"'{wanted.operator}' is not a valid operator.")
    if value_type in NUMERIC and wanted.operator in _COMPARED:
        return f"({text})::numeric {_COMPARED[wanted.operator]} %s::numeric", (_number(wanted),)
    form, operand = _TEXT[wanted.operator]
    return form.format(x=text), (operand(folded(wanted.value)),)


def _number(wanted: Filter) -> str:
    try:
        float(wanted.value)
    except ValueError as error:
        raise Malformed(f"the filter on {wanted.uid} needs a number, not {wanted.value!r}") from error
    return wanted.value
