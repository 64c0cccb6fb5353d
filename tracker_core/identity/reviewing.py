"""Potential duplicates as people work through them: flagged, listed, decided (Web API 2.42, "Potential duplicates")."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from psycopg.types.json import Jsonb

from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed
from tracker_core.tracker import visibility
from tracker_core.tracker.clauses import all_of, clause
from tracker_core.tracker.visibility import Sight
from tracker_core.uids import new_uid

Status: TypeAlias = Literal["OPEN", "INVALID", "MERGED"]
ORDERS = {"created": "p.created", "lastUpdated": "p.updated", "status": "p.status"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tracked entities that may be one; `created_by` and `updated_by` are user names."""

    uid: str
    original: str
    duplicate: str
    status: Status
    created: datetime
    updated: datetime
    created_by: str
    updated_by: str
    original_pk: int
    duplicate_pk: int


_SELECT = """
select p.uid, a.uid, b.uid, p.status, p.created, p.updated, s.actor, coalesce(p.updated_by, s.actor), a.pk, b.pk
from potential_duplicate p join tracked_entity a on a.pk = p.original join tracked_entity b on b.pk = p.duplicate
join change_set s on s.id = p.created_in"""


def find_pair(session: Session, uid: str) -> Pair | None:
    """Return the pair `uid`."""
    row = session.execute(f"{_SELECT} where p.uid = %s", (uid,)).fetchone()
    return Pair(*row) if row else None


def list_pairs(
    session: Session,
    sight: Sight,
    status: str = "OPEN",
    entities: Sequence[str] = (),
    order: Sequence[tuple[str, bool]] = (),
    limit: int | None = None,
    offset: int = 0,
) -> list[Pair]:
    """Return pairs of which the user sees both sides, newest first unless `order` (property, descending) says more.

    `status` ALL takes every one; with `entities` one of the sides is among those. Raises `Malformed` for an order that
    is none.
    """
    for name, _ in order:
        if name not in ORDERS:
            raise Malformed(f"Cannot order by '{name}'. Supported are {', '.join(ORDERS)}")
    wanted = all_of(
        clause("true") if status == "ALL" else clause("p.status = %s", status),
        clause("(a.uid = any(%b) or b.uid = any(%b))", list(entities), list(entities)) if entities else clause("true"),
        visibility.entity(sight, "a"),
        visibility.entity(sight, "b"),
    )
    by = ", ".join([*(f"{ORDERS[name]} {'desc' if down else 'asc'}" for name, down in order), "p.pk desc"])
    rows = session.execute(
        f"{_SELECT} where {wanted.text} order by {by} limit %s offset %s", (*wanted.arguments, limit, offset)
    )
    return [Pair(*row) for row in rows]


def flag(session: Session, context: Context, original: int, duplicate: int) -> str:
    """File a pair that a person suspects; return its uid. Raises `Conflict` when it is filed, either way round."""
    row = session.execute(
        "insert into potential_duplicate (uid, original, duplicate, score, reasons, created_in)"
        " select %s, %s, %s, 1, %s, %s where not exists (select from potential_duplicate"
        " where original = %s and duplicate = %s) on conflict (original, duplicate) do nothing returning uid",
        (new_uid(), original, duplicate, Jsonb({"flagged": context.actor}), context.change_set, duplicate, original),
    ).fetchone()
    if row is None:
        raise Conflict("the pair is already marked as a potential duplicate")
    return str(row[0])


def decide(session: Session, username: str, uid: str, status: Status) -> None:
    """Note that a person looked and found the pair `INVALID`, or that it is `OPEN` again."""
    session.execute(
        "update potential_duplicate set status = %s, updated = now(), updated_by = %s where uid = %s",
        (status, username, uid),
    )
