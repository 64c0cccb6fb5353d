"""Conditions put together."""

from collections.abc import Sequence

from psycopg import sql


def has_any(found: Sequence[int]) -> sql.Composable:
    """Return the condition that a record carries one of these tokens."""
    if not found:
        return sql.SQL("false")
    operator = "@>" if len(found) == 1 else "&&"
    return sql.SQL("r.tokens {} {}::bigint[]").format(sql.SQL(operator), sql.Literal(list(found)))


def any_of(parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the conditions joined by `or`; none of them is never true."""
    return sql.SQL("({})").format(sql.SQL(" or ").join(parts)) if parts else sql.SQL("false")


def all_of(parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the conditions joined by `and`."""
    return sql.SQL(" and ").join(parts)


def negated(part: sql.Composable) -> sql.Composable:
    """Return the opposite condition."""
    return sql.SQL("not ({})").format(part)
