"""One page of a search: matches in a stable order, what they include, and where the pages beside it begin."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import errors, sql

from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.horizon import horizon
from tracker_core.issues import Issue
from tracker_core.records.definitions import resource_types
from tracker_core.records.search import criteria, running
from tracker_core.records.search.composing import all_of
from tracker_core.records.search.conditions import condition, is_by_time
from tracker_core.records.search.criteria import Reading
from tracker_core.records.search.includes import included
from tracker_core.records.search.links import in_compartment
from tracker_core.records.search.lookups import pks_of_references
from tracker_core.records.search.sorting import Order, order_of, portable
from tracker_core.records.search.tokens import Codes, no_codes
from tracker_core.records.search.totals import total
from tracker_core.records.stored import Stored, by_pk

USUAL_COUNT = 20
MOST_COUNT = 1_000
_TOTALS = ("none", "estimate", "accurate")
_SUMMARIES = ("true", "false", "text", "data", "count")


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
class Asked:
    """A search ready to run: for each type the conditions on a row `r` of `record`, and the order of all."""

    arms: Mapping[str, list[sql.Composable]]
    order: Order = field(default_factory=Order)
    count: int = USUAL_COUNT
    cursor: str = ""


def search(
    session: Session,
    types: str | Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    codes: Codes = no_codes,
    within: tuple[str, str] | None = None,
) -> Page:
    """Return the page of records of one type or several that `pairs` (decoded query parameters, in order) ask for.

    `codes` resolves value sets and hierarchies of codes; `within` is the compartment (type, id) to stay in.
    Without `_sort` records come in the order of their ids: every record that is there throughout is found exactly once,
    whatever is written meanwhile. A type that lacks a parameter which others have contributes nothing. Raises
    `Malformed` for a value that cannot be read, `Unsupported` for what is not offered or too costly, `NotFound` for a
    compartment of nobody.
    """
    names = [types] if isinstance(types, str) else list(types)
    readings = {name: criteria.read(name, pairs) for name in names}
    page = Page(issues=_issues(readings))
    first = readings[names[0]]
    count = counted(first.result)
    order = order_of(names[0], first.result.get("_sort", []), first.criteria if len(names) == 1 else (), page.issues)
    wanted = _wanted(first.result)
    owner = _owner(session, within)
    late = _unsettled(session, order, readings)
    arms = {
        name: [
            *([in_compartment(name, within[0], owner)] if within else []),
            *(condition(session, name, one, codes) for one in reading.criteria),
        ]
        for name, reading in readings.items()
        if not _unknown(reading) - {issue.where for issue in page.issues}
    }
    asked = Asked(
        {name: [*parts, *late] for name, parts in arms.items()}, order, count, first.result.get("_cursor", [""])[-1]
    )
    if wanted:
        page.total = total(session, [live(name, parts) for name, parts in arms.items()], wanted, page.issues)
    if count and "count" not in first.result.get("_summary", []):
        fill(session, page, asked)
        page.includes = included(session, names, page.matches, first.result, page.issues)
    return page


def _issues(readings: Mapping[str, Reading]) -> list[Issue]:
    """Return what is wrong for every type; raise what makes the search unreadable."""
    each = list(readings.values())
    wrong = [issue for reading in each for issue in reading.issues if issue.severity == "error"]
    if wrong:
        text = "; ".join(dict.fromkeys(issue.text for issue in wrong))
        raise (running.TooCostly if wrong[0].code == "too-costly" else Malformed)(text, where=wrong[0].where)
    everywhere = set.intersection(*({issue.where for issue in reading.issues} for reading in each))
    return [issue for issue in each[0].issues if issue.where in everywhere]


def _unknown(reading: Reading) -> set[str]:
    return {issue.where for issue in reading.issues}


def _owner(session: Session, within: tuple[str, str] | None) -> int:
    if within is None:
        return 0
    reference = "/".join(within)
    found = pks_of_references(session, [reference])[reference]
    if not found:
        raise NotFound(f"there is no {reference}")
    return found[0]


def counted(result: Mapping[str, list[str]]) -> int:
    """Return how many matches a page is to have. Raises `Malformed` for what is no number."""
    text = result.get("_count", [str(USUAL_COUNT)])[-1]
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Malformed(f"_count is a whole number, not {text!r}", where="_count")
    return min(int(text), MOST_COUNT)


def _wanted(result: Mapping[str, list[str]]) -> str:
    """Return how exactly matches are to be counted: `accurate`, `estimate`, or empty for not at all."""
    asked = result.get("_total", ["none"])[-1]
    if asked not in _TOTALS:
        raise Malformed(f"_total is none, estimate or accurate, not {asked!r}", where="_total")
    summary = result.get("_summary", ["false"])[-1]
    if summary not in _SUMMARIES:
        raise Malformed(f"_summary is true, false, text, data or count, not {summary!r}", where="_summary")
    if asked == "none":
        return "accurate" if summary == "count" or result.get("_count") == ["0"] else ""
    return asked


def _unsettled(session: Session, order: Order, readings: Mapping[str, Reading]) -> list[sql.Composable]:
    """Keep a feed by time away from what is still being written: see `tracker_core.horizon`."""
    by_time = order.by_time or any(is_by_time(one) for reading in readings.values() for one in reading.criteria)
    return [sql.SQL("r.updated < {}").format(sql.Literal(horizon(session)))] if by_time else []


def live(type_: str, parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the condition of one arm: live records of a type that meet all conditions."""
    head = sql.SQL("r.type = {} and not r.deleted").format(sql.Literal(resource_types()[type_]))
    return all_of([head, *parts])


def fill(session: Session, page: Page, asked: Asked) -> None:
    """Find one page's matches and its neighbours."""
    back, position = _opened(asked.cursor) if asked.cursor else (False, [])
    if not asked.arms:
        return
    arms = [_arm(asked, name, parts, position, back=back) for name, parts in asked.arms.items()]
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


def _arm(
    asked: Asked, name: str, parts: Sequence[sql.Composable], position: Sequence[Any], *, back: bool
) -> sql.Composable:
    # The query walks index entries only; documents are fetched for the page itself.
    after = [asked.order.after(position, resource_types()[name], back=back)] if position else []
    return sql.SQL(
        "select r.pk, r.type, r.id{columns} from record r {joins} where {where} order by {order} limit {limit}"
    ).format(
        columns=asked.order.columns,
        joins=asked.order.joins,
        where=live(name, [*parts, *after]),
        order=asked.order.clause(back=back),
        limit=sql.Literal(asked.count + 1),
    )


def _united(asked: Asked, arms: Sequence[sql.Composable], *, back: bool) -> sql.Composable:
    """Every type gives its own first records; the first of those are the page."""
    return sql.SQL("select * from ({}) u order by {} limit {}").format(
        sql.SQL(" union all ").join(sql.SQL("({})").format(arm) for arm in arms),
        asked.order.clause(back=back, named=True),
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
