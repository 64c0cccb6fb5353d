"""A search from its parameters to a page with what it includes."""

from collections.abc import Mapping, Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound, TooCostly
from tracker_core.horizon import horizon
from tracker_core.issues import Issue
from tracker_core.records import custom
from tracker_core.records.definitions import resource_types
from tracker_core.records.search import criteria, frequencies
from tracker_core.records.search.conditions import condition, is_by_time
from tracker_core.records.search.criteria import Reading
from tracker_core.records.search.includes import included
from tracker_core.records.search.links import in_compartment
from tracker_core.records.search.lookups import pks_of_references
from tracker_core.records.search.pages import MOST_COUNT, USUAL_COUNT, Arm, Asked, Page, fill
from tracker_core.records.search.sorting import Order, orders_of
from tracker_core.records.search.tokens import Codes, no_codes
from tracker_core.records.search.totals import total

_TOTALS = ("none", "estimate", "accurate")
_SUMMARIES = ("true", "false", "text", "data", "count")


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
    custom.refresh(session, seconds=1)
    frequencies.refresh(session)
    names = [types] if isinstance(types, str) else list(types)
    readings = {name: criteria.read(name, pairs) for name in names}
    page = Page(issues=_issues(readings))
    first = readings[names[0]]
    count = counted(first.result)
    orders = orders_of(readings, page.issues)
    wanted = _wanted(first.result)
    arms = _arms(session, readings, orders, page.issues, codes, within)
    if wanted:
        page.total = total(session, [arm.live for arm in arms], wanted, page.issues)
    if count and "count" not in first.result.get("_summary", []):
        late = _unsettled(session, orders[names[0]], readings)
        cursor = first.result.get("_cursor", [""])[-1]
        fill(session, page, Asked([arm.narrowed(late) for arm in arms], count, cursor))
        page.includes = included(session, names, page.matches, first.result, page.issues)
    return page


def _arms(
    session: Session,
    readings: Mapping[str, Reading],
    orders: Mapping[str, Order],
    issues: Sequence[Issue],
    codes: Codes,
    within: tuple[str, str] | None,
) -> list[Arm]:
    """Return an arm for each type that has every parameter; what no type has is in `issues`, and passed over."""
    owner = _owner(session, within)
    passed = {issue.where for issue in issues}
    arms = []
    for name, reading in readings.items():
        if {issue.where for issue in reading.issues} <= passed:
            belongs = [in_compartment(name, within[0], owner)] if within else []
            conditions = [condition(session, name, one, codes) for one in reading.criteria]
            arms.append(Arm((resource_types()[name],), (*belongs, *conditions), orders[name]))
    return arms


def _issues(readings: Mapping[str, Reading]) -> list[Issue]:
    """Return what is wrong for every type; raise what makes the search unreadable."""
    each = list(readings.values())
    refuse_wrong(each)
    everywhere = set.intersection(*({issue.where for issue in reading.issues} for reading in each))
    return [issue for issue in each[0].issues if issue.where in everywhere]


def refuse_wrong(readings: Sequence[Reading]) -> None:
    """Raise what makes a search unreadable."""
    wrong = [issue for reading in readings for issue in reading.issues if issue.severity == "error"]
    if wrong:
        text = "; ".join(dict.fromkeys(issue.text for issue in wrong))
        raise (TooCostly if wrong[0].code == "too-costly" else Malformed)(text, where=wrong[0].where)


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
