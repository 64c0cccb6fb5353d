"""The order of a page, and how to go on after its last record or back from its first (FHIR R4 3.1.1.5.1)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from tracker_core.errors import Malformed
from tracker_core.issues import Issue
from tracker_core.records.definitions import Parameter, parameters
from tracker_core.records.expressions import Path, compile_expression
from tracker_core.records.extraction import RANKED, sources
from tracker_core.records.search.composing import all_of, any_of
from tracker_core.records.search.criteria import Condition, Criterion, Reading, unescape
from tracker_core.records.search.tokens import tokens_of
from tracker_core.records.terms import MAX_TIME, MIN_TIME

_LAST_TEXT = "U&'\\+10FFFF'"
_TABLES = {
    "string": ("record_string", "value", "''", _LAST_TEXT, ""),
    "date": ("record_date", "lo", str(MIN_TIME), str(MAX_TIME), ""),
    "number": ("record_number", "value", "'-Infinity'::float8", "'Infinity'::float8", " and e.unit = 0"),
    "quantity": ("record_number", "value", "'-Infinity'::float8", "'Infinity'::float8", " and e.unit = 0"),
}
# Where a value of a type keeps what it is sorted by
_PLACES = {
    "CodeableConcept": '."coding"."code"',
    "Coding": '."code"',
    "Identifier": '."value"',
    "ContactPoint": '."value"',
    "Reference": '."reference"',
}
MOST_KEYS = 6


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key: an expression, what must be joined for it, and its direction."""

    expression: sql.Composable
    join: sql.Composable = field(default_factory=lambda: sql.SQL(""))
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """Sort keys; ties go by type and id, `descending` or not. `by_time` when a key is the time of the last change."""

    keys: tuple[Key, ...] = ()
    descending: bool = False
    by_time: bool = False

    @property
    def joins(self) -> sql.Composable:
        """What the keys need beside `record r`."""
        return sql.SQL(" ").join(key.join for key in self.keys)

    @property
    def columns(self) -> sql.Composable:
        """The keys as columns `k0`, `k1` …, each after a comma."""
        named = [sql.SQL(", {} as {}").format(k.expression, sql.Identifier(f"k{n}")) for n, k in enumerate(self.keys)]
        return sql.SQL("").join(named)

    def clause(self, *, back: bool, named: bool = False) -> sql.Composable:
        """Return the terms of `order by`; `back` turns all directions round, `named` is for the union of several."""
        terms = [
            sql.SQL("{}{}").format(sql.Identifier(f"k{n}") if named else k.expression, _way(k.descending != back))
            for n, k in enumerate(self.keys)
        ]
        at = "" if named else "r."
        ties = [sql.SQL(at + name + " {}").format(_way(self.descending != back)) for name in ("type", "id")]
        return sql.SQL(", ").join([*terms, *ties])

    def after(self, position: Sequence[Any], types: Sequence[int], *, back: bool) -> sql.Composable:
        """Return the condition for records of these types that come after `(type, id, key …)`, or `back`: before it."""
        last, id, *values = position
        if len(values) != len(self.keys):
            raise Malformed("the link to the next page is damaged", where="_cursor")
        down = self.descending != back
        tie: sql.Composable
        if types == (last,):
            tie = sql.SQL("r.id {} {}").format(_beyond(down), sql.Literal(id))
        elif len(types) == 1:
            tie = sql.SQL("true" if (types[0] < last) == down else "false")
        else:
            tie = sql.SQL("(r.type, r.id) {} ({}, {})").format(_beyond(down), sql.Literal(last), sql.Literal(id))
        if len(values) == 1 and types == (last,) and self.keys[0].descending == self.descending:
            # One comparison of a pair is what an index can begin at.
            key = self.keys[0].expression
            return sql.SQL("({}, r.id) {} ({}, {})").format(key, _beyond(down), self._bound(values[0]), sql.Literal(id))
        for n in reversed(range(len(values))):
            key, bound = self.keys[n].expression, self._bound(values[n])
            further = sql.SQL("{} {} {}").format(key, _beyond(self.keys[n].descending != back), bound)
            tie = any_of([further, all_of([sql.SQL("{} = {}").format(key, bound), sql.SQL("({})").format(tie)])])
        return tie

    def _bound(self, value: Any) -> sql.Composable:
        if self.by_time and isinstance(value, str) and value.startswith("@"):
            try:
                return sql.Literal(datetime.fromisoformat(value[1:]))
            except ValueError as error:
                raise Malformed("the link to the next page is damaged", where="_cursor") from error
        return sql.Literal(value)


def _way(descending: bool) -> sql.Composable:
    return sql.SQL(" desc" if descending else "")


def _beyond(descending: bool) -> sql.Composable:
    return sql.SQL("<" if descending else ">")


def portable(value: Any) -> Any:
    """Return a key as it goes into a cursor: JSON has no times and no infinite numbers."""
    if isinstance(value, datetime):
        return f"@{value.isoformat()}"
    return repr(value) if isinstance(value, float) else value


def orders_of(readings: Mapping[str, Reading], issues: list[Issue]) -> dict[str, Order]:
    """Return for each type the order that `_sort` asks for; what cannot be sorted by is said in `issues`.

    Several types are sorted by what all of them have, as parameters of one type. Records without a value come last,
    whichever the direction. "This code, newest first" is read from the index that is kept in that order.
    """
    types = list(readings)
    first = readings[types[0]]
    names = [name for text in first.result.get("_sort", ()) for name in text.split(",") if name][:MOST_KEYS]
    known = [name for name in names if _sortable(types, name.removeprefix("-"))]
    for name in names:
        if name not in known:
            text = f"{', '.join(types[:3])} cannot be sorted by {name.removeprefix('-')}"
            issues.append(Issue("not-supported", text, "warning", where="_sort"))
    alone = first.criteria if len(types) == 1 else ()
    return {type_: _order(type_, known, alone) for type_ in types}


def _sortable(types: Sequence[str], code: str) -> bool:
    if code in _OF_HEAD:
        return True
    found = [parameters(type_).get(code) for type_ in types]
    kinds = {one.type if one is not None and one.ready else "" for one in found}
    return len(kinds) == 1 and all(_by_value(type_, code, 0, descending=False) for type_ in types)


_OF_HEAD = ("_id", "_lastUpdated")


def _order(type_: str, names: Sequence[str], criteria: Sequence[Condition]) -> Order:
    keys: list[Key] = []
    by_time = descending = False
    for n, name in enumerate(names):
        descending = name.startswith("-")
        code = name.removeprefix("-")
        if code == "_id":
            break
        if code == "_lastUpdated":
            by_time = True
            keys.append(Key(sql.SQL("r.updated"), descending=descending))
            continue
        alone = len(names) == 1 and descending and code == RANKED.get(type_, ("", ""))[1]
        ranked = _ranked(type_, criteria) if alone else None
        key = _by_rank(ranked) if ranked is not None else _by_value(type_, code, n, descending)
        keys += [key] if key else []
    return Order(tuple(keys), descending, by_time)


def _ranked(type_: str, criteria: Sequence[Condition]) -> int | None:
    """Return the token of the one `system|code` that the records are to have, if that is asked for."""
    for one in criteria:
        if not isinstance(one, Criterion) or one.parameter.code != RANKED[type_][0]:
            continue
        plain = not (one.modifier or one.links or one.reverse)
        if plain and len(one.values) == 1:
            system, mark, code = unescape(one.values[0]).partition("|")
            if mark and system and code:
                return tokens_of(type_, one.parameter, one.values[0])[0]
    return None


def _by_rank(token: int) -> Key:
    join = sql.SQL("join record_ranked k on k.pk = r.pk and k.token = {}").format(sql.Literal(token))
    return Key(sql.SQL("k.at"), join, descending=True)


def _by_value(type_: str, code: str, n: int, descending: bool) -> Key | None:
    parameter = parameters(type_).get(code)
    if parameter is None:
        return None
    alias = sql.Identifier(f"sorted{n}")
    if parameter.type in _TABLES and sources(type_)[code].numbers:
        return _by_entries(type_, parameter, alias, descending)
    paths = [_json_path(path) for path in compile_expression(parameter.expression, type_) if parameter.expression]
    if parameter.type not in ("token", "reference", "uri") or not paths:
        return None
    return _by_document(paths, alias, descending)


def _by_entries(type_: str, parameter: Parameter, alias: sql.Identifier, descending: bool) -> Key:
    """Sort by the least entry of a parameter (descending: the greatest)."""
    name, column, least, greatest, only = _TABLES[parameter.type]
    join = sql.SQL(
        "cross join lateral (select coalesce({best}({column}), {missing}) as key"
        " from {table} e where e.pk = r.pk and e.param in ({numbers}){only}) {alias}"
    ).format(
        best=sql.SQL("max" if descending else "min"),
        column=sql.Identifier(column),
        missing=sql.SQL(least if descending else greatest),
        table=sql.Identifier(name),
        numbers=sql.SQL(", ").join(sql.Literal(n) for n in sources(type_)[parameter.code].numbers),
        only=sql.SQL(only),
        alias=alias,
    )
    return Key(sql.SQL("{}.key").format(alias), join, descending)


def _by_document(paths: Sequence[str], alias: sql.Identifier, descending: bool) -> Key:
    """Sort by a code, a reference or a uri: no index keeps these as texts, so they are read from the documents."""
    join = sql.SQL(
        "cross join lateral (select coalesce({best}(x #>> '{{}}' collate \"C\"), {missing}) as key"
        " from record_version v"
        " cross join unnest({paths}::jsonpath[]) p"
        " cross join jsonb_path_query(convert_from(v.doc, 'UTF8')::jsonb, p, '{{}}', true) x"
        " where v.pk = r.pk and v.version = r.version) {alias}"
    ).format(
        best=sql.SQL("max" if descending else "min"),
        missing=sql.SQL("''" if descending else _LAST_TEXT),
        paths=sql.Literal(list(paths)),
        alias=alias,
    )
    return Key(sql.SQL("{}.key").format(alias), join, descending)


def _json_path(path: Path) -> str:
    """Return a path through a document as SQL/JSON writes it."""
    steps = []
    for step in path.steps:
        if isinstance(step, str):
            steps.append(f".{json.dumps(step)}")
        elif isinstance(step, tuple):
            steps.append(f" ? (@.{json.dumps(step[0])} == {json.dumps(step[1])})")
        elif step is not True:
            steps.append(f"[{int(step)}]")
    return "$" + "".join(steps) + _PLACES.get(path.kind, "")
