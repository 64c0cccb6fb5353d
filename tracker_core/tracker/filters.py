"""Attribute and data element filters (Web API 2.42, "Data element and attribute filters"): one table of operators."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracker_core.errors import Malformed
from tracker_core.tracker.clauses import Clause, clause
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
# A value that was stored without validation need not be a number: it then compares with none.
_DIGITS = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on the value of an attribute or data element. `value` is empty for `null` and `!null`."""

    uid: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A stored value in SQL: `sql` yields it folded, or null; `operand` is SQL that folds what it is compared with.

    `known` says that the database knows how common the values are.
    """

    sql: Clause
    type: str
    operand: str
    fold: Callable[[str], str] = str
    known: bool = True


def _same(value: str) -> str:
    return value


def _like(before: str, after: str) -> Callable[[str], str]:
    def pattern(value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{before}{escaped}{after}"

    return pattern


# operator -> (SQL over the value {x}, how its operand is written). Case never counts; a missing value meets none.
_TEXT: dict[str, tuple[str, Callable[[str], Any]]] = {
    "eq": ("{x} = {v}", _same),
    "ieq": ("{x} = {v}", _same),
    "ne": ("{x} <> {v}", _same),
    "neq": ("{x} <> {v}", _same),
    "nieq": ("{x} <> {v}", _same),
    "gt": ("{x} > {v}", _same),
    "ge": ("{x} >= {v}", _same),
    "lt": ("{x} < {v}", _same),
    "le": ("{x} <= {v}", _same),
    "like": ("{x} like {v}", _like("%", "%")),
    "ilike": ("{x} like {v}", _like("%", "%")),
    "nlike": ("{x} not like {v}", _like("%", "%")),
    "nilike": ("{x} not like {v}", _like("%", "%")),
    "sw": ("{x} like {v}", _like("", "%")),
    "ew": ("{x} like {v}", _like("%", "")),
}
_COMPARED = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "=", "ieq": "=", "ne": "<>", "neq": "<>", "nieq": "<>"}
UNARY = ("null", "!null")
OPERATORS = (*_TEXT, "in", *UNARY)


def attribute_value(alias: str, value_type: str) -> Value:
    """Return the value of a row of `attribute_value`; neither case nor accents count."""
    return Value(clause(f"{alias}.folded"), value_type, "%s", folded)


def data_value(alias: str, element: str, value_type: str) -> Value:
    """Return the value of a data element (uid) in a row of `event`; case doesn't count, as the database knows it."""
    return Value(clause(f"lower({alias}.data->>%s)", element), value_type, "lower(%s)", known=False)


def condition(wanted: Filter, value: Value) -> Clause:
    """Return whether `value` meets `wanted`, whose operator is not one of `UNARY`.

    Raises `Malformed` for an operand that is not a number where one is needed.
    """
    if value.type in NUMERIC and wanted.operator in ("in", *_COMPARED):
        return _number_condition(wanted, number(value.sql))
    found = _text_condition(wanted, value)
    # Of a value inside a document the planner believes that it is rare, and would read every event and sort: said this
    # way it believes that every other one has it, and reads along the order that is asked for.
    return found if value.known else clause(f"case when {found.text} then true else false end", *found.arguments)


def _text_condition(wanted: Filter, value: Value) -> Clause:
    if wanted.operator == "in":
        parts = [value.fold(part) for part in wanted.value.split(";") if part]
        listed = "%b" if value.operand == "%s" else "array(select lower(p) from unnest(%b::text[]) p)"
        return clause(f"{value.sql.text} = any({listed})", *value.sql.arguments, parts)
    form, operand = _TEXT[wanted.operator]
    text = form.format(x=value.sql.text, v=value.operand)
    return clause(text, *value.sql.arguments, operand(value.fold(wanted.value)))


def _number_condition(wanted: Filter, value: Clause) -> Clause:
    if wanted.operator == "in":
        parts = [_number(wanted, part) for part in wanted.value.split(";") if part]
        return clause(f"{value.text} = any(%b::text[]::numeric[])", *value.arguments, parts)
    sign = _COMPARED[wanted.operator]
    return clause(f"{value.text} {sign} %s::numeric", *value.arguments, _number(wanted, wanted.value))


def number(text: Clause) -> Clause:
    """Return SQL for the number in the SQL expression `text`, null when it holds none."""
    return clause(
        f"case when {text.text} ~ '^{_DIGITS}$' then ({text.text})::numeric end", *text.arguments, *text.arguments
    )


def _number(wanted: Filter, value: str) -> str:
    text = value.strip()
    if re.fullmatch(_DIGITS, text) is None:
        raise Malformed(f"the filter on {wanted.uid} needs a number, not {value!r}")
    return text
