"""Conditions on side tables, put such that they cost little whether few records meet them or many.

The planner multiplies what it knows of a parameter, of its lower and of its upper bound as if they were independent,
and is wrong by factors of hundreds both ways. So the index is asked first, up to a bound: few records are named by
their keys; where there are many, each record that comes along in the order asked for is looked up.
"""

from collections.abc import Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.records.search import running

MOST_FIRST = 2_000  # records that are named by their keys


def entry_exists(session: Session, table: str, numbers: Sequence[int], fits: sql.Composable) -> sql.Composable:
    """Return the condition that the record has an entry under one of the parameters that fits."""
    within = _within(table, numbers, fits)
    query = sql.SQL("select d.pk from {} limit {}").format(within, sql.Literal(MOST_FIRST + 1))
    pks = [row[0] for row in running.rows(session, query)]
    if len(pks) <= MOST_FIRST:
        return sql.SQL("r.pk = any({}::bigint[])").format(sql.Literal(sorted(set(pks))))
    return entry_there(table, numbers, fits)


def entry_there(table: str, numbers: Sequence[int], fits: sql.Composable) -> sql.Composable:
    """Return the same condition without asking the index first: for what most records meet."""
    # The fence keeps it a look-up per record; pulled up into a join it would be estimated after all.
    return sql.SQL("exists (select from {} and d.pk = r.pk offset 0)").format(_within(table, numbers, fits))


def _within(table: str, numbers: Sequence[int], fits: sql.Composable) -> sql.Composable:
    params = sql.SQL(", ").join(sql.Literal(n) for n in numbers)
    return sql.SQL("{} d where d.param in ({}) and {}").format(sql.Identifier(table), params, fits)
