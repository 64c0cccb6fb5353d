"""Which of some records match a search: one query for all of them."""

from collections.abc import Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.records.definitions import resource_types
from tracker_core.records.search import running
from tracker_core.records.search.conditions import condition
from tracker_core.records.search.criteria import Condition
from tracker_core.records.search.pages import Arm
from tracker_core.records.search.tokens import Codes


def check(session: Session, type_: str, asked: Sequence[Condition]) -> None:
    """Raise what a search would for values that cannot be searched by; value sets are taken to be there."""
    for one in asked:
        condition(session, type_, one, lambda _modifier, _value: ())


def matching(session: Session, type_: str, asked: Sequence[Condition], pks: Sequence[int], codes: Codes) -> set[int]:
    """Return the keys, of those given, of live records of a type that match all that is asked.

    Raises what a search does for what cannot be searched by.
    """
    among = sql.SQL("r.pk = any({}::bigint[])").format(sql.Literal(list(pks)))
    parts = [condition(session, type_, one, codes) for one in asked]
    arm = Arm((resource_types()[type_],), (among, *parts))
    return {row[0] for row in running.rows(session, sql.SQL("select r.pk from record r where {}").format(arm.live))}
