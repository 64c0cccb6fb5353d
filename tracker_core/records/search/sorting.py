"""The order of a page, and how to go on after its last record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from tracker_core.errors import Malformed
from tracker_core.issues import Issue
from tracker_core.records.definitions import parameters
from tracker_core.records.extraction import RANKED, sources
from tracker_core.records.search.criteria import Criterion, unescape
from tracker_core.records.search.tokens import tokens_of
from tracker_core.records.terms import MAX_TIME, MIN_TIME

_TABLES = {
    "string": ("record_string", "value", "''", "U&'\\+10FFFF'"),
    "date": ("record_date", "lo", str(MIN_TIME), str(MAX_TIME)),
    "number": ("record_number", "value", "'-Infinity'::float8", "'Infinity'::float8"),
    "quantity": ("record_number", "value", "'-Infinity'::float8", "'Infinity'::float8"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """`key` is the sort expression, `join` what it needs; ties go by id. `by_time` when the key is the last change."""

    key: sql.Composable
    join: sql.Composable = field(default_factory=lambda: sql.SQL(""))
    descending: bool = False
    by_time: bool = False
    by_id: bool = False

    @property
    def clause(self) -> sql.Composable:
        """The terms of `order by`."""
        way = sql.SQL(" desc" if self.descending else "")
        if self.by_id:
            return sql.SQL("r.type, r.id{}").format(way)
        return sql.SQL("{key}{way}, r.id{way}").format(key=self.key, way=way)

    def after(self, position: list[Any]) -> sql.Composable:
        """Return the condition for records that come after `(key, id)`."""
        value, id = position
        operator = sql.SQL("<" if self.descending else ">")
        if self.by_id:
            return sql.SQL("r.id {} {}").format(operator, sql.Literal(id))
        if self.by_time:
            try:
                value = datetime.fromisoformat(value)
            except (TypeError, ValueError) as error:
                raise Malformed("the link to the next page is damaged", where="_cursor") from error
        return sql.SQL("({}, r.id) {} ({}, {})").format(self.key, operator, sql.Literal(value), sql.Literal(id))

    def portable(self, value: Any) -> Any:
        """Return a key as it goes into a cursor: JSON has no times and no infinite numbers."""
        if isinstance(value, datetime):
            return value.isoformat()
        return repr(value) if isinstance(value, float) else value


def order_of(type_: str, asked: list[str], criteria: Sequence[Criterion], issues: list[Issue]) -> Order:
    """Return the order that `_sort` asks for; only its first key is used, which is said in `issues`.

    "This code, newest first" is read from the index that is kept in that order.
    """
    keys = [key for text in asked for key in text.split(",") if key]
    if not keys:
        return Order(sql.SQL("null"), by_id=True)
    if len(keys) > 1:
        issues.append(Issue("not-supported", "only the first sort key is used", "warning", where="_sort"))
    descending = keys[0].startswith("-")
    code = keys[0].removeprefix("-")
    if code == "_id":
        return Order(sql.SQL("null"), descending=descending, by_id=True)
    if code == "_lastUpdated":
        return Order(sql.SQL("r.updated"), descending=descending, by_time=True)
    ranked = _ranked(type_, criteria) if descending and code == RANKED.get(type_, ("", ""))[1] else None
    if ranked is not None:
        join = sql.SQL("join record_ranked k on k.pk = r.pk and k.token = {}").format(sql.Literal(ranked))
        return Order(sql.SQL("k.at"), join, descending)
    parameter = parameters(type_).get(code)
    if parameter is None or parameter.type not in _TABLES:
        issues.append(Issue("not-supported", f"{type_} cannot be sorted by {code}", "warning", where="_sort"))
        return Order(sql.SQL("null"), by_id=True)
    return _by_entries(type_, code, _TABLES[parameter.type], descending)


def _ranked(type_: str, criteria: Sequence[Criterion]) -> int | None:
    """Return the token of the one `system|code` that the records are to have, if that is asked for."""
    for one in criteria:
        plain = not (one.modifier or one.chain or one.reverse)
        if one.parameter.code == RANKED[type_][0] and plain and len(one.values) == 1:
            system, mark, code = unescape(one.values[0]).partition("|")
            if mark and system and code:
                return tokens_of(type_, one.parameter, one.values[0])[0]
    return None


def _by_entries(type_: str, code: str, table: tuple[str, str, str, str], descending: bool) -> Order:
    """Sort by the least entry of a parameter (descending: the greatest); records without one come last."""
    name, column, least, greatest = table
    numbers = sql.SQL(", ").join(sql.Literal(n) for n in sources(type_)[code].numbers)
    join = sql.SQL(
        "cross join lateral (select coalesce({best}({column}), {missing}) as key"
        " from {table} e where e.pk = r.pk and e.param in ({numbers})) sorted"
    ).format(
        best=sql.SQL("max" if descending else "min"),
        column=sql.Identifier(column),
        missing=sql.SQL(least if descending else greatest),
        table=sql.Identifier(name),
        numbers=numbers,
    )
    return Order(sql.SQL("sorted.key"), join, descending)
