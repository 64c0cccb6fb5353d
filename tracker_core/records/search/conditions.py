"""Criteria as conditions of SQL on a row `r` of `record`. Values stand in the text: the planner must see them."""

import json
from collections.abc import Callable, Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import Malformed, Unsupported
from tracker_core.records import composites, forms
from tracker_core.records.definitions import Parameter, parameters, resource_types
from tracker_core.records.extraction import sources
from tracker_core.records.search import ranges, tokens
from tracker_core.records.search.criteria import Criterion, cut, narrowed, unescape
from tracker_core.records.terms import fold, hashed, hashed_range, reference_range, reference_token

MOST_TARGETS = 10_000  # records that the inner search of a chain may find
_LAST = "\U0010ffff"
_TABLES = {
    "string": "record_string",
    "date": "record_date",
    "number": "record_number",
    "quantity": "record_number",
}


def condition(session: Session, type_: str, criterion: Criterion) -> sql.Composable:
    """Return the condition for one criterion. Raises `Malformed` for a bad value, `Unsupported` for one not offered."""
    parameter = criterion.parameter
    if criterion.reverse:
        return _reverse(session, criterion)
    if criterion.chain is not None:
        return _chain(session, type_, criterion)
    if parameter.code in _HEAD:
        return any_of([_HEAD[parameter.code](criterion, n) for n in range(len(criterion.values))])
    if not sources(type_)[parameter.code].numbers:
        raise Unsupported(f"the search parameter {parameter.code} of {type_} is not indexed", where=parameter.code)
    return _indexed(session, type_, criterion)


def _indexed(session: Session, type_: str, criterion: Criterion) -> sql.Composable:
    parameter = criterion.parameter
    if criterion.modifier == "missing":
        return _missing(type_, parameter, wanted=criterion.values[0] == "true")
    if parameter.type in ("token", "uri"):
        found = [t for value in criterion.values for t in tokens.tokens_of(type_, parameter, value)]
        return negated(has_any(found)) if criterion.modifier == "not" else has_any(found)
    if parameter.type == "reference":
        return _reference(session, type_, criterion)
    if parameter.type == "composite":
        return any_of([_composite(type_, parameter, value) for value in criterion.values])
    return any_of([_side(type_, narrowed(criterion, v), p) for v, p in _pairs(criterion)])


def has_any(found: Sequence[int]) -> sql.Composable:
    """Return the condition that a record carries one of these tokens."""
    operator = "@>" if len(found) == 1 else "&&"
    return sql.SQL("r.tokens {} {}::bigint[]").format(sql.SQL(operator), sql.Literal(list(found)))


def any_of(parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the conditions joined by `or`."""
    return sql.SQL("({})").format(sql.SQL(" or ").join(parts)) if parts else sql.SQL("false")


def negated(part: sql.Composable) -> sql.Composable:
    """Return the opposite condition."""
    return sql.SQL("not ({})").format(part)


def _pairs(criterion: Criterion) -> list[tuple[str, str]]:
    prefixes = criterion.prefixes or ("",) * len(criterion.values)
    return list(zip(criterion.values, prefixes, strict=True))


def _malformed(parameter: Parameter, value: str) -> Malformed:
    return Malformed(f"{value!r} is no {parameter.type} for {parameter.code}", where=parameter.code)


def _side(type_: str, criterion: Criterion, prefix: str) -> sql.Composable:
    """Return the condition that an entry of a side table fits."""
    parameter, value = criterion.parameter, criterion.values[0]
    if parameter.type == "string":
        fits: sql.Composable | None = _string(criterion.modifier, unescape(value))
    elif parameter.type == "date":
        fits = ranges.date_condition(prefix, value)
    elif parameter.type == "quantity":
        fits = ranges.quantity_condition(prefix, value)
    else:
        number = ranges.number_condition(prefix, value)
        fits = sql.SQL("unit = 0 and {}").format(number) if number else None
    if fits is None:
        raise _malformed(parameter, value)
    found = entry_exists(_TABLES[parameter.type], sources(type_)[parameter.code].numbers, fits)
    if criterion.modifier == "exact":
        return sql.SQL("({} and {})").format(found, _says(unescape(value)))
    return found


def entry_exists(table: str, numbers: Sequence[int], fits: sql.Composable) -> sql.Composable:
    """Return the condition that the record has an entry under one of the parameters that fits."""
    params = sql.SQL(", ").join(sql.Literal(n) for n in numbers)
    return sql.SQL("r.pk in (select pk from {} where param in ({}) and {})").format(sql.Identifier(table), params, fits)


def _string(modifier: str, text: str) -> sql.Composable:
    folded = fold(text)
    if modifier == "contains":
        return sql.SQL("strpos(value, {}) > 0").format(sql.Literal(folded))
    if modifier == "exact":
        return sql.SQL("value = {}").format(sql.Literal(folded))
    return sql.SQL("value >= {} and value < {}").format(sql.Literal(folded), sql.Literal(folded + _LAST))


def _says(text: str) -> sql.Composable:
    """Return the condition that the document holds this very text: entries are folded, `:exact` is not."""
    forms = sorted({json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()})
    return sql.SQL("exists (select from record_version v where v.pk = r.pk and v.version = r.version and ({}))").format(
        any_of([sql.SQL("position({}::bytea in v.doc) > 0").format(sql.Literal(form)) for form in forms])
    )


def _composite(type_: str, parameter: Parameter, value: str) -> sql.Composable:
    kinds = [parameters(type_)[code].type for code, _ in parameter.components]
    if kinds == ["token", "token"]:
        found = tokens.pair_tokens(type_, parameter, value)
        if not found:
            raise _malformed(parameter, value)
        return has_any(found)
    parts = cut(value, "$")
    prefix = parts[1][:2] if len(parts) == 2 and parts[1][:2].isalpha() else ""
    number = ranges.number_condition(prefix, cut(parts[1], "|")[0][len(prefix) :]) if len(parts) == 2 else None
    if number is None:
        raise _malformed(parameter, value)
    unit = composites.measure_token(unescape(parts[0]))
    fits = sql.SQL("unit = {} and {}").format(sql.Literal(unit), number)
    return entry_exists("record_number", sources(type_)[parameter.code].numbers, fits)


def _missing(type_: str, parameter: Parameter, *, wanted: bool) -> sql.Composable:
    numbers = sources(type_)[parameter.code].numbers
    if parameter.type in _TABLES:
        there = entry_exists(_TABLES[parameter.type], numbers, sql.SQL("true"))
    else:
        bounds = [hashed_range(n) for n in numbers] + [reference_range(n) for n in numbers]
        within = [sql.SQL("t between {} and {}").format(sql.Literal(lo), sql.Literal(hi)) for lo, hi in bounds]
        there = sql.SQL("exists (select from unnest(r.tokens) t where {})").format(any_of(within))
    return negated(there) if wanted else there


def _reference(session: Session, type_: str, criterion: Criterion) -> sql.Composable:
    source = sources(type_)[criterion.parameter.code]
    if criterion.modifier == "identifier":
        texts = [("i", v if "|" in v else f"|{v}") for v in map(unescape, criterion.values)]
        return has_any([hashed(n, form, text) for n in source.numbers for form, text in texts])
    found: list[int] = []
    for value in map(unescape, criterion.values):
        pair = forms.target(value)
        types = [pair[0]] if pair else _target_types(criterion.parameter, source.only)
        if source.only in ("", *types):
            pks = _pks(session, types, pair[1] if pair else value)
            found += [reference_token(n, pk) for n in source.numbers for pk in pks]
        found += [hashed(n, "u", value) for n in source.numbers]
    return has_any(found)


def _target_types(parameter: Parameter, only: str) -> list[str]:
    return [only] if only else [t for t in parameter.targets if t in resource_types()] or list(resource_types())


def _pks(session: Session, types: Sequence[str], id: str) -> list[int]:
    rows = session.execute(
        "select pk from record where type = any(%b::smallint[]) and id = %s", ([resource_types()[t] for t in types], id)
    )
    return [row[0] for row in rows]


def _chain(session: Session, type_: str, criterion: Criterion) -> sql.Composable:
    assert criterion.chain is not None
    inner = condition(session, criterion.target, criterion.chain)
    query = sql.SQL("select r.pk from record r where r.type = {} and not r.deleted and {} limit {}").format(
        sql.Literal(resource_types()[criterion.target]), inner, sql.Literal(MOST_TARGETS + 1)
    )
    pks = [row[0] for row in session.execute(query)]
    if len(pks) > MOST_TARGETS:
        raise Unsupported(
            f"more than {MOST_TARGETS} {criterion.target} records match: narrow the chained condition",
            where=criterion.parameter.code,
        )
    numbers = sources(type_)[criterion.parameter.code].numbers
    return has_any([reference_token(n, pk) for n in numbers for pk in pks])


def _reverse(session: Session, criterion: Criterion) -> sql.Composable:
    """Return the condition of `_has`: a record of another type that matches refers here."""
    assert criterion.chain is not None
    inner = condition(session, criterion.target, criterion.chain)
    bounds = [reference_range(n) for n in sources(criterion.target)[criterion.reverse].numbers]
    within = [sql.SQL("t between {} and {}").format(sql.Literal(lo), sql.Literal(hi)) for lo, hi in bounds]
    return sql.SQL(
        "r.pk in (select t & {} from record r, unnest(r.tokens) t where r.type = {} and not r.deleted and {} and {})"
    ).format(sql.Literal(reference_range(0)[1]), sql.Literal(resource_types()[criterion.target]), inner, any_of(within))


def _id(criterion: Criterion, n: int) -> sql.Composable:
    return sql.SQL("r.id = {}").format(sql.Literal(unescape(criterion.values[n])))


def _last_updated(criterion: Criterion, n: int) -> sql.Composable:
    value, prefix = _pairs(criterion)[n]
    fits = ranges.updated_condition(prefix, value)
    if fits is None:
        raise _malformed(criterion.parameter, value)
    return fits


_HEAD: dict[str, Callable[[Criterion, int], sql.Composable]] = {"_id": _id, "_lastUpdated": _last_updated}
