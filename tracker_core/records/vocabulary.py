"""The different texts behind hashed tokens, each kept once: what a search that knows only a part of them looks through.

A code's display, a uri and a unit stand in every record as a token. Thousands of records share one text; so the texts
are a small table of their own, and a search by their beginning (`:text`, `:below`) or by what they mean (units) is
first a look-up of texts and then a search by tokens.
"""

from collections.abc import Iterable, Sequence

from psycopg import sql

from tracker_core.database import Session

_LAST = "\U0010ffff"
UNITS = 0  # the parameter under which units are kept


def remember(session: Session, terms: Iterable[tuple[int, str]]) -> None:
    """Keep each (parameter, text) that is not there yet. Nobody waits for another writer: a text may be there twice."""
    wanted = sorted(set(terms))
    if wanted:
        session.execute(
            "insert into record_term (param, value) select w.param, w.value"
            " from unnest(%b::smallint[], %b::text[]) w (param, value)"
            " where not exists (select from record_term t where t.param = w.param and t.value = w.value)",
            ([param for param, _ in wanted], [value for _, value in wanted]),
        )


def beginning(session: Session, numbers: Sequence[int], start: str, most: int) -> list[tuple[int, str]]:
    """Return up to `most` of the (parameter, text) whose text begins with `start`."""
    rows = session.execute(
        sql.SQL(
            "select distinct param, value from record_term where param = any({}::smallint[])"
            " and value >= {} and value < {} limit {}"
        ).format(sql.Literal(list(numbers)), sql.Literal(start), sql.Literal(start + _LAST), sql.Literal(most))
    )
    return rows.fetchall()


def units(session: Session) -> list[str]:
    """Return every unit that some quantity is in, as written: `system|code|unit`."""
    return [row[0] for row in session.execute("select distinct value from record_term where param = %s", (UNITS,))]
