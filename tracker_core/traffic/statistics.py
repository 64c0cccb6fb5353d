"""How much went through, how fast, what failed and what waits: counted from the messages themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.tracker.clauses import Clause, all_of, clause

MOST_BUCKETS = 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """Messages that arrived from `since` to before `until`, of one peer (its code) or of all, in buckets of seconds."""

    since: datetime
    until: datetime
    bucket: int
    peer: str = ""


def statistics(session: Session, span: Span) -> dict[str, Any]:
    """Return the figures of a span, all of one moment.

    `states`: counts by peer, direction and state, waiting and parked ones of any age included: they agree with the
    queue. `series`: counts by bucket, direction, type and state. `latency`: seconds from arrival to the end, of what is
    done (50th, 95th and 99th percentile, maximum), with messages per second. `waiting`: how many wait, since when the
    oldest. `errors`: the most frequent issue codes. Raises `Malformed` for more than 2,000 buckets.
    """
    if not 1 <= (span.until - span.since).total_seconds() <= span.bucket * MOST_BUCKETS:
        raise Malformed(f"a span of 1 to {MOST_BUCKETS} buckets is needed", "bucket")
    session.execute("set transaction isolation level repeatable read")
    of_peer = clause("p.code = %s", span.peer) if span.peer else clause("true")
    within = all_of(of_peer, clause("m.created >= %s and m.created < %s", span.since, span.until))
    return {
        "states": _rows(session, _STATES, all_of(of_peer, _counted(span))),
        "series": _rows(session, _SERIES, within, f"{span.bucket} seconds", span.since),
        "latency": _rows(session, _LATENCY, within, (span.until - span.since).total_seconds()),
        "waiting": _rows(session, _WAITING, of_peer),
        "errors": _rows(session, _ERRORS, within),
    }


def _counted(span: Span) -> Clause:
    return clause("(m.state in ('waiting', 'parked') or m.created >= %s and m.created < %s)", span.since, span.until)


_FROM = "from message m join peer p on p.id = m.peer"
_STATES = (
    f"select p.code as peer, m.direction, m.state, count(*) as count {_FROM} where %W group by 1, 2, 3 order by 1, 2, 3"
)
_SERIES = (
    f"select date_bin(%s::interval, m.created, %s) as at, m.direction, m.type, m.state, count(*) as count {_FROM}"
    " where %W group by 1, 2, 3, 4 order by 1, 2, 3, 4"
)
_TAKEN = "extract(epoch from m.finished - m.created)::float"
_LATENCY = (
    "select p.code as peer, m.direction, count(*) as count, round(count(*) / %s::numeric, 3)::float as per_second,"
    f" percentile_cont(0.5) within group (order by {_TAKEN}) as p50,"
    f" percentile_cont(0.95) within group (order by {_TAKEN}) as p95,"
    f" percentile_cont(0.99) within group (order by {_TAKEN}) as p99, max({_TAKEN}) as max"
    f" {_FROM} where m.state = 'done' and m.finished is not null and %W group by 1, 2 order by 1, 2"
)
_WAITING = (
    f"select p.code as peer, m.direction, count(*) as count, min(m.created) as oldest {_FROM}"
    " where m.state = 'waiting' and %W group by 1, 2 order by 1, 2"
)
_ERRORS = (
    "select p.code as peer, m.direction, i ->> 'code' as code, i ->> 'severity' as severity, count(*) as count,"
    f" max(m.id) as newest {_FROM} cross join lateral jsonb_array_elements(m.report -> 'issues') i"
    " where %W and i ->> 'severity' <> 'information' group by 1, 2, 3, 4 order by 5 desc, 3 limit 100"
)


def _rows(session: Session, query: str, condition: Clause, *first: Any) -> list[dict[str, Any]]:
    """Return the rows of a query, `%W` being the condition; `first` are the arguments before it."""
    rows = session.execute(query.replace("%W", condition.text), (*first, *condition.arguments))
    names = [column.name for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]
