"""Which tokens are common: what the planner knows of the most common ones, and cannot say of any other.

Of a token that is not among the most common, PostgreSQL guesses a frequency hundreds of times too high, and walks a
whole type in the order asked for instead of fetching the three records that have it. So conditions on rare tokens are
written such that their records are fetched first.
"""

import time
from typing import Any

from tracker_core.database import Session

MOST_RARE = 250  # tokens of one condition that are fetched first
_state: dict[str, Any] = {"database": None, "asked": float("-inf"), "common": None}


def refresh(session: Session, seconds: float = 60) -> None:
    """Know what is common in this database, as of so many seconds ago at most."""
    database = (session.info.host, session.info.port, session.info.dbname)
    if database == _state["database"] and time.monotonic() - _state["asked"] < seconds:
        return
    row = session.execute(
        "select most_common_elems::text::bigint[] from pg_stats"
        " where schemaname = any(current_schemas(false)) and tablename = 'record' and attname = 'tokens'"
    ).fetchone()
    common = frozenset(row[0]) if row and row[0] else None
    _state.update(database=database, asked=time.monotonic(), common=common)


def are_rare(tokens: list[int]) -> bool:
    """Tell whether none of the tokens is common. False while nothing is known, of a new or small database."""
    common = _state["common"]
    return common is not None and len(tokens) <= MOST_RARE and common.isdisjoint(tokens)
