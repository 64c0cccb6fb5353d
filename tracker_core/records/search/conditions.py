"""Criteria as conditions of SQL on a row `r` of `record`. Values stand in the text: the planner must see them."""

from collections.abc import Callable

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import Unsupported
from tracker_core.records.definitions import Parameter
from tracker_core.records.extraction import sources
from tracker_core.records.search import links, ranges, texts
from tracker_core.records.search.composing import all_of, any_of, has_any, negated
from tracker_core.records.search.criteria import Combined, Condition, Criterion, alternatives, unescape
from tracker_core.records.search.pairs import pair
from tracker_core.records.search.probing import entry_there
from tracker_core.records.search.sides import TABLES, malformed, side
from tracker_core.records.search.tokens import Codes, modified_tokens
from tracker_core.records.terms import hashed_range, reference_range

NEGATIONS = ("not", "not-in")


def condition(session: Session, type_: str, asked: Condition, codes: Codes) -> sql.Composable:
    """Return the condition for what is asked of records of a type.

    Raises `Malformed` for a bad value, `Unsupported` for what is not offered or would cost too much.
    """
    if isinstance(asked, Criterion):
        return _condition(session, type_, asked, codes)
    parts = [condition(session, type_, part, codes) for part in asked.parts]
    return _JOINED[asked.how](parts)


_JOINED: dict[str, Callable[[list[sql.Composable]], sql.Composable]] = {
    "and": lambda parts: sql.SQL("({})").format(all_of(parts)),
    "or": any_of,
    "not": lambda parts: negated(parts[0]),
}


def _condition(session: Session, type_: str, criterion: Criterion, codes: Codes) -> sql.Composable:
    def build(inner_type: str, inner: Criterion) -> sql.Composable:
        return _condition(session, inner_type, inner, codes)

    parameter = criterion.parameter
    if criterion.reverse:
        return links.reverse(session, criterion, build)
    if criterion.links:
        return links.chain(session, type_, criterion, build)
    if parameter.code == "_list":
        return links.listed(session, criterion)
    if parameter.code in ("_text", "_content"):
        return texts.says(session, criterion)
    if parameter.code in _HEAD:
        return _of_head(criterion)
    if not sources(type_)[parameter.code].numbers:
        raise Unsupported(f"the search parameter {parameter.code} of {type_} is not indexed", where=parameter.code)
    return _indexed(session, type_, criterion, codes)


def _indexed(session: Session, type_: str, criterion: Criterion, codes: Codes) -> sql.Composable:
    parameter = criterion.parameter
    if criterion.modifier == "missing":
        return _missing(type_, parameter, wanted=criterion.values[0] == "true")
    if parameter.type in ("token", "uri"):
        found = has_any(modified_tokens(session, type_, criterion, codes))
        return negated(found) if criterion.modifier in NEGATIONS else found
    if parameter.type == "reference":
        return links.refers(session, type_, criterion)
    if parameter.type == "composite":
        return any_of([pair(session, type_, parameter, value) for value in criterion.values])
    return any_of([side(session, type_, one) for one in alternatives(criterion)])


def _missing(type_: str, parameter: Parameter, *, wanted: bool) -> sql.Composable:
    numbers = sources(type_)[parameter.code].numbers
    if parameter.type in TABLES:
        there = entry_there(TABLES[parameter.type], numbers, sql.SQL("true"))
    elif parameter.type == "composite":
        raise Unsupported(":missing is not offered for composites", where=parameter.code)
    else:
        bounds = [hashed_range(n) for n in numbers] + [reference_range(n) for n in numbers]
        within = [sql.SQL("t between {} and {}").format(sql.Literal(lo), sql.Literal(hi)) for lo, hi in bounds]
        there = sql.SQL("exists (select from unnest(r.tokens) t where {})").format(any_of(within))
    return negated(there) if wanted else there


def _of_head(criterion: Criterion) -> sql.Composable:
    if criterion.modifier == "missing":
        return sql.SQL("false" if criterion.values[0] == "true" else "true")
    if criterion.modifier not in ("", "not"):
        raise Unsupported(f":{criterion.modifier} is not offered here", where=criterion.parameter.code)
    found = _HEAD[criterion.parameter.code](criterion)
    return negated(found) if criterion.modifier else found


def _id(criterion: Criterion) -> sql.Composable:
    return sql.SQL("r.id = any({}::text[])").format(sql.Literal([unescape(value) for value in criterion.values]))


def _last_updated(criterion: Criterion) -> sql.Composable:
    return any_of([_updated(one) for one in alternatives(criterion)])


def _updated(criterion: Criterion) -> sql.Composable:
    fits = ranges.updated_condition(criterion.prefixes[0], criterion.values[0])
    if fits is None:
        raise malformed(criterion.parameter, criterion.values[0])
    return fits


_HEAD: dict[str, Callable[[Criterion], sql.Composable]] = {"_id": _id, "_lastUpdated": _last_updated}


def is_by_time(asked: Condition) -> bool:
    """Tell whether the condition looks at the time of the last change: then late commits matter."""
    if isinstance(asked, Combined):
        return any(map(is_by_time, asked.parts))
    return asked.parameter.code == "_lastUpdated" and not asked.links
