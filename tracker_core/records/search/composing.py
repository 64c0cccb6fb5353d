"""Conditions put together."""

from collections.abc import Sequence

from psycopg import sql

from tracker_core.records.search.frequencies import are_rare


def has_any(found: Sequence[int]) -> sql.Composable:
    """Return the condition that a record carries one of these tokens; records of rare ones are fetched first."""
    if not found:
        return sql.SQL("false")
    operator, tokens = sql.SQL("@>" if len(found) == 1 else "&&"), sql.Literal(list(found))
    if are_rare(list(found)):
        first = "r.pk = any(array(select x.pk from record x where x.tokens {} {}::bigint[]))"
        return sql.SQL(first).format(operator, tokens)
    return sql.SQL("r.tokens {} {}::bigint[]").format(operator, tokens)


def any_of(parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the conditions joined by `or`; none of them is never true."""
    return sql.SQL("({})").format(sql.SQL(" or ").join(parts)) if parts else sql.SQL("false")


def all_of(parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the conditions joined by `and`."""
    return sql.SQL(" and ").join(parts)


def negated(part: sql.Composable) -> sql.Composable:
    """Return the opposite condition."""
    return sql.SQL("not ({})").format(part)
