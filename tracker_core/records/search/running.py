"""Run a search's statements within a bounded time: a search that would take longer is refused, and says so."""

from collections.abc import Sequence
from typing import Any

from psycopg import errors, sql

from tracker_core.database import Session
from tracker_core.errors import TooCostly

MOST_SECONDS = 20


def rows(session: Session, query: sql.Composable, seconds: int = MOST_SECONDS) -> Sequence[tuple[Any, ...]]:
    """Return the rows of a query whose values all stand in its text. Raises `TooCostly` when time is up."""
    bounded = sql.SQL("set local statement_timeout = {}; {}; set local statement_timeout to default").format(
        sql.Literal(seconds * 1000), query
    )
    try:
        # One round trip; outside of a transaction the three statements are one of their own.
        cursor = session.execute(bounded, prepare=False)
    except errors.QueryCanceled as error:
        raise TooCostly(f"the search takes longer than {seconds} seconds: narrow it") from error
    cursor.nextset()
    return cursor.fetchall()
