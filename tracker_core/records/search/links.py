"""Conditions on what a record refers to and what refers to it: references, chains, `_has`, lists, compartments."""

from collections.abc import Callable, Iterable, Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import TooCostly
from tracker_core.records.definitions import Parameter, compartments, parameters, resource_types
from tracker_core.records.extraction import sources
from tracker_core.records.search import running
from tracker_core.records.search.composing import any_of, has_any
from tracker_core.records.search.criteria import Criterion, unescape
from tracker_core.records.search.lookups import pks_of_references
from tracker_core.records.terms import hashed, reference_range, reference_token

MOST_TARGETS = 10_000  # what an inner search may find to be taken first; when it finds more, the outer one leads
_DEEPEST = 50  # levels of a hierarchy
_HIERARCHIES = ("partof", "part-of")
_MASK = reference_range(0)[1]

# (type, criterion) -> the condition, with everything that is to be looked up looked up
Build = Callable[[str, Criterion], sql.Composable]


def refers(session: Session, type_: str, criterion: Criterion) -> sql.Composable:
    """Return the condition that the record refers to one of the values (or by one of these identifiers)."""
    source = sources(type_)[criterion.parameter.code]
    values = [unescape(value) for value in criterion.values]
    if criterion.modifier == "identifier":
        texts = [value if "|" in value else f"|{value}" for value in values]
        return has_any([hashed(n, "i", text) for n in source.numbers for text in texts])
    targets = target_types(criterion.parameter, source.only)
    found = pks_of_references(session, values, targets)
    numbers = resource_types()
    if source.only:
        of_type = set(_of_type(session, {pk for pks in found.values() for pk in pks}, numbers[source.only]))
        found = {text: [pk for pk in pks if pk in of_type] for text, pks in found.items()}
    pks = {pk for text in found for pk in found[text]}
    if criterion.modifier:
        pks = _hierarchy(session, pks, targets, up=criterion.modifier == "above")
    tokens = [reference_token(n, pk) for n in source.numbers for pk in pks]
    return has_any(tokens + [hashed(n, "u", value.partition("#")[0]) for n in source.numbers for value in values])


def target_types(parameter: Parameter, only: str) -> list[str]:
    """Return the types that a reference under the parameter may lead to."""
    return [only] if only else [t for t in parameter.targets if t in resource_types()] or list(resource_types())


def _of_type(session: Session, pks: Iterable[int], type_: int) -> list[int]:
    rows = session.execute("select pk from record where pk = any(%b::bigint[]) and type = %s", (list(pks), type_))
    return [row[0] for row in rows]


def _hierarchy(session: Session, pks: set[int], types: Sequence[str], *, up: bool) -> set[int]:
    """Return the records and what lies below (or above) them by their type's reference to what they are part of."""
    numbers = [n for t in types for code in _HIERARCHIES if code in sources(t) for n in sources(t)[code].numbers]
    found = set(pks)
    level = set(pks)
    for _ in range(_DEEPEST):
        if not level or not numbers:
            break
        level = (_parents if up else _children)(session, level, numbers) - found
        found |= level
        if len(found) > MOST_TARGETS:
            raise TooCostly(f"more than {MOST_TARGETS} records lie {'above' if up else 'below'} it")
    return found


def _children(session: Session, level: set[int], numbers: Sequence[int]) -> set[int]:
    tokens = [reference_token(n, pk) for n in numbers for pk in level]
    rows = session.execute(
        "select pk from record where tokens && %b::bigint[] and not deleted limit %s",
        (tokens, MOST_TARGETS + 1),
        prepare=False,
    )
    return {row[0] for row in rows}


def _parents(session: Session, level: set[int], numbers: Sequence[int]) -> set[int]:
    rows = session.execute(
        sql.SQL(
            "select distinct t & {} from record r, unnest(r.tokens) t where r.pk = any({}::bigint[]) and {}"
        ).format(sql.Literal(_MASK), sql.Literal(list(level)), _within(numbers))
    )
    return {row[0] for row in rows}


def _within(numbers: Sequence[int]) -> sql.Composable:
    """Return the condition that the token `t` is a reference under one of the parameters."""
    bounds = [reference_range(n) for n in numbers]
    return any_of([sql.SQL("t between {} and {}").format(sql.Literal(lo), sql.Literal(hi)) for lo, hi in bounds])


def _matching(links: Sequence[tuple[str, Criterion]], build: Build) -> sql.Composable:
    """Return the condition that a record is of one of the types and meets that type's criterion."""
    parts = [
        sql.SQL("(r.type = {} and not r.deleted and {})").format(sql.Literal(resource_types()[t]), build(t, inner))
        for t, inner in links
    ]
    return any_of(parts)


def chain(
    session: Session, type_: str, criterion: Criterion, build: Build, *, most: int = MOST_TARGETS
) -> sql.Composable:
    """Return the condition that the record refers to one that meets a criterion.

    Where at most `most` do, they are found first; where more do, each record is asked for what it refers to.
    """
    numbers = sources(type_)[criterion.parameter.code].numbers
    inner = _matching(criterion.links, build)
    arms = [
        sql.SQL("(select r.pk from record r where {} limit {})").format(_matching([link], build), sql.Literal(most + 1))
        for link in criterion.links
    ]
    query = sql.SQL("select pk from ({}) arm limit {}").format(sql.SQL(" union all ").join(arms), sql.Literal(most + 1))
    pks = [row[0] for row in running.rows(session, query)]
    if len(pks) <= most:
        return has_any([reference_token(n, pk) for n in numbers for pk in pks])
    return sql.SQL(
        "exists (select from unnest(r.tokens) t where {} and exists (select from record r where r.pk = t & {} and {}))"
    ).format(_within(numbers), sql.Literal(_MASK), inner)


def reverse(session: Session, criterion: Criterion, build: Build, *, most: int = MOST_TARGETS) -> sql.Composable:
    """Return the condition of `_has`: a record of another type that meets a criterion refers here.

    Where at most `most` such references exist, they are found first; where more do, each record is asked for its own.
    """
    (source, inner), *_ = criterion.links
    numbers = sources(source)[criterion.reverse].numbers
    meets = _matching([(source, inner)], build)
    query = sql.SQL("select t & {} from record r, unnest(r.tokens) t where {} and {} limit {}").format(
        sql.Literal(_MASK), meets, _within(numbers), sql.Literal(most + 1)
    )
    pks = [row[0] for row in running.rows(session, query)]
    if len(pks) <= most:
        return sql.SQL("r.pk = any({}::bigint[])").format(sql.Literal(sorted(set(pks))))
    tokens = [sql.SQL("{} | o.pk").format(sql.Literal(reference_token(n, 0))) for n in numbers]
    # Fenced: the planner would rather go through all records than believe that few refer to one.
    return sql.SQL(
        "exists (select from (select r.pk offset 0) o,"
        " lateral (select * from record x where x.tokens && array[{}] offset 0) r where {})"
    ).format(sql.SQL(", ").join(tokens), meets)


def listed(session: Session, criterion: Criterion) -> sql.Composable:
    """Return the condition that a List names the record (`_list`)."""
    pks = [pk for pks in pks_of_references(session, criterion.values, ["List"]).values() for pk in pks]
    numbers = sources("List")["item"].numbers
    return sql.SQL(
        "r.pk in (select t & {} from record l, unnest(l.tokens) t"
        " where l.pk = any({}::bigint[]) and not l.deleted and {})"
    ).format(sql.Literal(_MASK), sql.Literal(pks), _within(numbers))


def in_compartment(type_: str, compartment: str, pk: int) -> sql.Composable:
    """Return the condition that a record belongs to the compartment of the record with key `pk` (R4 2.10)."""
    codes = compartments()[compartment].get(type_, ())
    numbers = {n for code in codes if code in parameters(type_) for n in sources(type_)[code].numbers}
    parts = [has_any([reference_token(n, pk) for n in sorted(numbers)])]
    if type_ == compartment:
        parts.append(sql.SQL("r.pk = {}").format(sql.Literal(pk)))
    return any_of(parts)
