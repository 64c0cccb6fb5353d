"""Messages that came to nothing: parked ones, which wait for a person, and rejected ones, by what was wrong."""

from dataclasses import dataclass
from datetime import datetime

from tracker_core.database import Session
from tracker_core.tracker.clauses import all_of, clause

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """Dead letters of one peer and type that failed for the same reason. `code` is that of the first issue.

    `text` is what the newest of them says; `messages` are the newest few.
    """

    peer: str
    direction: str
    type: str
    state: str
    code: str
    text: str
    count: int
    first: datetime
    last: datetime
    messages: list[int]


def reasons(session: Session, peer: str = "", state: str = "", limit: int = 200) -> list[Reason]:
    """Return why messages are parked or rejected, the most frequent reason first; discarded ones are not among them."""
    wanted = all_of(
        clause("p.code = %s", peer) if peer else clause("true"),
        clause("m.state = %s", state) if state else clause("m.state in ('parked', 'rejected')"),
        clause("m.discarded is null"),
    )
    rows = session.execute(
        "with dead as (select p.code as peer, m.direction, m.type, m.state, m.id, m.created, f.issue,"
        " coalesce(f.issue ->> 'code', case m.direction when 'out' then 'delivery' else 'fault' end) as code,"
        " coalesce(m.error, f.issue ->> 'text', '') as text from message m join peer p on p.id = m.peer"
        " left join lateral (select i from jsonb_array_elements(m.report -> 'issues') with ordinality t (i, n)"
        "  order by i ->> 'severity' <> 'error', n limit 1) f (issue) on true"
        f" where {wanted.text})"
        " select peer, direction, type, state, code, (array_agg(text order by id desc))[1], count(*), min(created),"
        " max(created), (array_agg(id order by id desc))[:%s] from dead group by 1, 2, 3, 4, 5"
        " order by 7 desc, 9 desc limit %s",
        (*wanted.arguments, EXAMPLES, limit),
    )
    return [Reason(*row) for row in rows]


def discard(session: Session, ids: list[int], reason: str) -> int:
    """Give up parked and rejected messages for good, so that lanes move on and nobody looks at them again.

    Return how many were. `reason` stands in place of the error, which stays in the report.
    """
    return session.execute(
        "update message set state = 'rejected', discarded = now(), error = %s, finished = coalesce(finished, now())"
        " where id = any(%b) and state in ('parked', 'rejected') and discarded is null",
        (reason, ids),
    ).rowcount
