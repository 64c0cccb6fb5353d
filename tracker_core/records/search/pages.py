"""One page of a search: matches in a stable order, what they include, and where the next page begins."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import errors, sql

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.horizon import horizon
from tracker_core.issues import Issue
from tracker_core.records.definitions import resource_types
from tracker_core.records.search import criteria
from tracker_core.records.search.conditions import condition
from tracker_core.records.search.criteria import Criterion
from tracker_core.records.search.includes import included
from tracker_core.records.search.sorting import Order, order_of
from tracker_core.records.stored import Stored, by_pk

USUAL_COUNT = 20
MOST_COUNT = 1_000


@dataclass(slots=True)
class Page:
    """What a search found. `next` is the opaque cursor of the following page, empty on the last one.

    `total` is None unless it was asked for. `issues` are the parameters that were ignored, and why.
    """

    matches: list[Stored] = field(default_factory=list)
    includes: list[Stored] = field(default_factory=list)
    next: str = ""
    total: int | None = None
    issues: list[Issue] = field(default_factory=list)


def search(session: Session, type_: str, pairs: Sequence[tuple[str, str]]) -> Page:
    """Return the page of records of `type_` that `pairs` (decoded query parameters, in order) ask for.

    Without `_sort` records come in the order of their ids: every record that is there throughout is found exactly once,
    whatever is written meanwhile. Raises `Malformed` for a value that cannot be read, `Unsupported` for what is not
    offered or too costly.
    """
    reading = criteria.read(type_, pairs)
    wrong = [issue for issue in reading.issues if issue.severity == "error"]
    if wrong:
        raise Malformed("; ".join(issue.text for issue in wrong), where=wrong[0].where)
    page = Page(issues=reading.issues)
    count = _count(reading.result)
    order = order_of(type_, reading.result.get("_sort", []), reading.criteria, page.issues)
    where: list[sql.Composable] = [
        sql.SQL("r.type = {} and not r.deleted").format(sql.Literal(resource_types()[type_]))
    ]
    where += [condition(session, type_, criterion) for criterion in reading.criteria]
    if _wants_total(reading.result):
        page.total = _total(session, where)
    if count and "count" not in reading.result.get("_summary", []):
        _fill(session, page, order, _settled(session, where, order, reading.criteria), count, reading.result)
        page.includes = included(session, type_, page.matches, reading.result, page.issues)
    return page


def _count(result: dict[str, list[str]]) -> int:
    text = result.get("_count", [str(USUAL_COUNT)])[-1]
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Malformed(f"_count is a whole number, not {text!r}", where="_count")
    return min(int(text), MOST_COUNT)


def _wants_total(result: dict[str, list[str]]) -> bool:
    total = result.get("_total", ["none"])[-1]
    if total not in ("none", "accurate", "estimate"):
        raise Malformed(f"_total is none, estimate or accurate, not {total!r}", where="_total")
    summary = result.get("_summary", ["false"])[-1]
    if summary not in ("true", "false", "text", "data", "count"):
        raise Malformed(f"_summary is true, false, text, data or count, not {summary!r}", where="_summary")
    return total != "none" or summary == "count" or result.get("_count") == ["0"]


def _total(session: Session, where: Sequence[sql.Composable]) -> int:
    query = sql.SQL("select count(*) from record r where {}").format(sql.SQL(" and ").join(where))
    row = session.execute(query, prepare=False).fetchone()
    return int(row[0]) if row else 0


def _settled(
    session: Session, where: list[sql.Composable], order: Order, read: Sequence[Criterion]
) -> list[sql.Composable]:
    """Keep a feed by time away from what is still being written: see `tracker_core.horizon`."""
    by_time = order.by_time or any(c.parameter.code == "_lastUpdated" for c in read)
    return [*where, sql.SQL("r.updated < {}").format(sql.Literal(horizon(session)))] if by_time else where


def _fill(
    session: Session,
    page: Page,
    order: Order,
    where: Sequence[sql.Composable],
    count: int,
    result: dict[str, list[str]],
) -> None:
    cursor = result.get("_cursor", [""])[-1]
    after = [order.after(_opened(cursor))] if cursor else []
    # The inner query walks index entries only; documents are fetched for the page itself.
    query = sql.SQL(
        "select r.pk, r.id, {key} from record r {join} where {where} order by {order} limit {limit}"
    ).format(
        key=order.key,
        join=order.join,
        where=sql.SQL(" and ").join([*where, *after]),
        order=order.clause,
        limit=sql.Literal(count + 1),
    )
    try:
        rows = session.execute(query, prepare=False).fetchall()
    except errors.DataError as error:
        if not cursor:
            raise
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    documents = by_pk(session, [row[0] for row in rows[:count]])
    page.matches = [documents[row[0]] for row in rows[:count] if row[0] in documents]
    if len(rows) > count:
        page.next = _closed([order.portable(rows[count - 1][2]), rows[count - 1][1]])


def _closed(position: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def _opened(cursor: str) -> list[Any]:
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Malformed("the link to the next page is damaged", where="_cursor") from error
    match position:
        case [str() | int() | None, str()]:
            return list(position)
    raise Malformed("the link to the next page is damaged", where="_cursor")
