"""One page of records: matches in a stable order, and where the pages beside it begin."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import errors, sql

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.issues import Issue
from tracker_core.records.search import running
from tracker_core.records.search.composing import all_of
from tracker_core.records.search.sorting import Order, portable
from tracker_core.records.stored import Stored, by_pk

USUAL_COUNT = 20
MOST_COUNT = 1_000


@dataclass(slots=True)
class Page:
    """What a search found. `next` and `previous` are opaque cursors of the pages beside it, empty where there is none.

    `total` is None unless it was asked for. `issues` are the parameters that were ignored, and why.
    """

    matches: list[Stored] = field(default_factory=list)
    includes: list[Stored] = field(default_factory=list)
    next: str = ""
    previous: str = ""
    total: int | None = None
    issues: list[Issue] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Arm:
    """Conditions on a row `r` of `record` that is of one of these types."""

    types: tuple[int, ...]
    parts: tuple[sql.Composable, ...] = ()
    order: Order = field(default_factory=Order)

    @property
    def live(self) -> sql.Composable:
        """The condition as a whole, on live records."""
        one = sql.SQL("r.type = {}").format(sql.Literal(self.types[0]))
        several = sql.SQL("r.type = any({}::smallint[])").format(sql.Literal(list(self.types)))
        return all_of([one if len(self.types) == 1 else several, sql.SQL("not r.deleted"), *self.parts])

    def narrowed(self, parts: Sequence[sql.Composable]) -> "Arm":
        """Return the arm with further conditions."""
        return Arm(self.types, (*self.parts, *parts), self.order)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search ready to run: its arms, each of other types, in orders that have the same keys."""

    arms: Sequence[Arm]
    count: int = USUAL_COUNT
    cursor: str = ""


def fill(session: Session, page: Page, asked: Asked) -> None:
    """Find one page's matches and its neighbours."""
    back, position = _opened(asked.cursor) if asked.cursor else (False, [])
    if not asked.arms:
        return
    arms = [_arm(asked, arm, position, back=back) for arm in asked.arms]
    query = arms[0] if len(arms) == 1 else _united(asked, arms, back=back)
    try:
        rows = list(running.rows(session, query))
    except errors.DataError as error:
        if not asked.cursor:
            raise
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    more = len(rows) > asked.count
    rows = rows[: asked.count][:: -1 if back else 1]
    documents = by_pk(session, [row[0] for row in rows])
    page.matches = [documents[row[0]] for row in rows if row[0] in documents and not documents[row[0]].deleted]
    if rows and (more or back):
        page.next = _closed(rows[-1], back=False)
    if rows and (position if not back else more):
        page.previous = _closed(rows[0], back=True)


def _arm(asked: Asked, arm: Arm, position: Sequence[Any], *, back: bool) -> sql.Composable:
    # The query walks index entries only; documents are fetched for the page itself.
    after = [arm.order.after(position, arm.types, back=back)] if position else []
    return sql.SQL(
        "select r.pk, r.type, r.id{columns} from record r {joins} where {where} order by {order} limit {limit}"
    ).format(
        columns=arm.order.columns,
        joins=arm.order.joins,
        where=arm.narrowed(after).live,
        order=arm.order.clause(back=back),
        limit=sql.Literal(asked.count + 1),
    )


def _united(asked: Asked, arms: Sequence[sql.Composable], *, back: bool) -> sql.Composable:
    """Every type gives its own first records; the first of those are the page."""
    return sql.SQL("select * from ({}) u order by {} limit {}").format(
        sql.SQL(" union all ").join(sql.SQL("({})").format(arm) for arm in arms),
        asked.arms[0].order.clause(back=back, named=True),
        sql.Literal(asked.count + 1),
    )


def _closed(row: Sequence[Any], *, back: bool) -> str:
    position = [int(back), *map(portable, row[1:])]
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def _opened(cursor: str) -> tuple[bool, list[Any]]:
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    match position:
        case [0 | 1 as back, int(), str(), *values] if all(isinstance(v, str | int | None) for v in values):
            return back == 1, position[1:]
    raise Malformed("the link to the next page is damaged", where="_cursor")
