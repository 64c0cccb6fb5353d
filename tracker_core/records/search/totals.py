"""How many records match: counted to the end when asked for, else counted as far as is cheap and then estimated."""

import json
from collections.abc import Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.issues import Issue
from tracker_core.records.search import running

CHEAP = 10_000


def total(session: Session, arms: Sequence[sql.Composable], how: str, issues: list[Issue]) -> int:
    """Return the number of matches of all arms; an estimate is said to be one in `issues`."""
    if not arms:
        return 0
    if how == "accurate":
        return _count(session, arms, None)
    counted = _count(session, arms, CHEAP + 1)
    if counted <= CHEAP:
        return counted
    estimate = max(counted, _estimate(session, arms))
    issues.append(Issue("informational", f"the total of {estimate} is an estimate", "information", where="_total"))
    return estimate


def _count(session: Session, arms: Sequence[sql.Composable], most: int | None) -> int:
    query = sql.SQL("select count(*) from ({}) found").format(_all(arms, most))
    return int(running.rows(session, query)[0][0])


def _all(arms: Sequence[sql.Composable], most: int | None) -> sql.Composable:
    limit = sql.SQL("all") if most is None else sql.Literal(most)
    parts = [sql.SQL("(select from record r where {} limit {})").format(arm, limit) for arm in arms]
    return sql.SQL("select from ({}) arm limit {}").format(sql.SQL(" union all ").join(parts), limit)


def _estimate(session: Session, arms: Sequence[sql.Composable]) -> int:
    plan = running.rows(session, sql.SQL("explain (format json) {}").format(_all(arms, None)))[0][0]
    read = json.loads(plan) if isinstance(plan, str) else plan
    return int(read[0]["Plan"]["Plan Rows"])
