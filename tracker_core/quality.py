"""What validation found in each peer's documents: counted by place and day, with samples."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson

from tracker_core.database import Session
from tracker_core.issues import Issue

SAMPLES = 5
_POSITION = re.compile(r"\[\d+\]")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Examined:
    """One document that was validated: its type and what was found, at places that begin with the type."""

    type: str
    issues: Sequence[Issue] = ()

    @property
    def valid(self) -> bool:
        """Whether nothing of it is an error."""
        return not any(one.severity == "error" for one in self.issues)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong again and again. `path` has no positions; `days` counts by day, `samples` are the first
    few: message, place and value."""

    peer: str
    type: str
    path: str
    code: str
    severity: str
    text: str
    first: datetime
    last: datetime
    count: int
    days: dict[date, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Total:
    """How many documents of a type came from a peer on a day, and how many of them were not valid."""

    peer: str
    type: str
    day: date
    documents: int
    invalid: int


def note(session: Session, peer: int, message: int, examined: Sequence[Examined]) -> None:
    """Count what was found in the documents of one message. A message that is replayed counts again."""
    if not examined:
        return
    today = datetime.now(UTC).date()
    _note_totals(session, peer, today, examined)
    counts: Counter[tuple[str, ...]] = Counter()
    samples: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for one in examined:
        for issue in one.issues:
            key = one.type, _POSITION.sub("", issue.where), issue.code, issue.severity, issue.text[:_LONGEST]
            counts[key] += 1
            if len(samples[key]) < SAMPLES:
                samples[key].append({"message": message, "where": issue.where, "value": issue.value})
    if counts:
        _note_findings(session, peer, today, counts, samples)


def _note_totals(session: Session, peer: int, today: date, examined: Iterable[Examined]) -> None:
    totals: Counter[str] = Counter()
    invalid: Counter[str] = Counter()
    for one in examined:
        totals[one.type] += 1
        invalid[one.type] += not one.valid
    # In one order for all messages: two never wait for each other in a circle.
    types = sorted(totals)
    session.execute(
        "insert into quality_total as t (peer, type, day, documents, invalid)"
        " select %s, type, %s, documents, invalid"
        " from unnest(%b::text[], %b::bigint[], %b::bigint[]) n (type, documents, invalid)"
        " on conflict (peer, type, day) do update set documents = t.documents + excluded.documents,"
        " invalid = t.invalid + excluded.invalid",
        (peer, today, types, [totals[one] for one in types], [invalid[one] for one in types]),
    )


def _note_findings(
    session: Session,
    peer: int,
    today: date,
    counts: Counter[tuple[str, ...]],
    samples: dict[tuple[str, ...], list[dict[str, Any]]],
) -> None:
    keys = sorted(counts)
    columns = [list(column) for column in zip(*keys, strict=True)]
    shown = [orjson.dumps(samples[key]).decode() for key in keys]
    session.execute(
        "with found as (select * from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
        " %b::bigint[]) f (type, path, code, severity, text, samples, count)), kept as ("
        " insert into quality_finding as q (peer, type, path, code, severity, text, samples)"
        "  select %s, type, path, code, severity, text, samples::jsonb from found"
        "  on conflict (peer, type, path, code, severity, text) do update set last = now(),"
        "  samples = case when jsonb_array_length(q.samples) < %s then q.samples || excluded.samples else q.samples end"
        "  returning pk, type, path, code, severity, text)"
        " insert into quality_count as c (finding, day, count) select k.pk, %s, f.count from kept k"
        " join found f using (type, path, code, severity, text)"
        " on conflict (finding, day) do update set count = c.count + excluded.count",
        (*columns, shown, [counts[key] for key in keys], peer, SAMPLES, today),
    )


def findings(
    session: Session, peer: int | None = None, since: date | None = None, type: str = "", limit: int = 500
) -> list[Finding]:
    """Return what was found, most frequent first: of one peer or all, of one type or all, counted since a day."""
    rows = session.execute(
        "select p.code, q.type, q.path, q.code, q.severity, q.text, q.first, q.last, c.count, c.days, q.samples"
        " from quality_finding q join peer p on p.id = q.peer cross join lateral (select sum(count)::bigint as count,"
        "  jsonb_object_agg(day, count) as days from quality_count where finding = q.pk"
        "  and (%s::date is null or day >= %s)) c"
        " where c.count > 0 and (%s::int is null or q.peer = %s) and %s in ('', q.type)"
        " order by c.count desc, q.pk limit %s",
        (since, since, peer, peer, type, limit),
    )
    return [_finding(*row) for row in rows]


def _finding(*row: Any) -> Finding:
    peer, type_, path, code, severity, text, first, last, count, days, samples = row
    kept = samples[:SAMPLES]
    return Finding(peer, type_, path, code, severity, text, first, last, count, _by_day(days), kept)


def _by_day(counts: dict[str, int]) -> dict[date, int]:
    return {date.fromisoformat(day): count for day, count in sorted(counts.items())}


def totals(session: Session, peer: int | None = None, since: date | None = None) -> list[Total]:
    """Return how many documents came and how many were not valid, by peer, type and day."""
    rows = session.execute(
        "select p.code, t.type, t.day, t.documents, t.invalid from quality_total t join peer p on p.id = t.peer"
        " where (%s::int is null or t.peer = %s) and (%s::date is null or t.day >= %s)"
        " order by p.code, t.type, t.day",
        (peer, peer, since, since),
    )
    return [Total(*row) for row in rows]
