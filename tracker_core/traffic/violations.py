"""What was wrong with the messages of a peer, by rule and place, from their reports."""

from dataclasses import dataclass
from datetime import datetime

from tracker_core.database import Session

# The newest so many messages are looked at.
LOOKED_AT = 20_000
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Violation:
    """Issues of one code at one place (numbers of segments and repetitions left out), with the newest few messages."""

    code: str
    severity: str
    place: str
    text: str
    count: int
    messages: list[int]


def violations(session: Session, peer: int, prefix: str, since: datetime | None, limit: int) -> list[Violation]:
    """Return the issues whose code begins with `prefix` in what the peer sent, the most frequent first."""
    rows = session.execute(
        "with looked as (select id, report from message where peer = %s and direction = 'in'"
        "  and (%s::timestamptz is null or created >= %s) order by id desc limit %s)"
        " select i ->> 'code', i ->> 'severity',"
        "  regexp_replace(coalesce(i ->> 'where', ''), '[\\[(][0-9]+[\\])]', '', 'g') as place,"
        "  (array_agg(i ->> 'text' order by id desc))[1], count(*), (array_agg(distinct id order by id desc))[:%s]"
        " from looked cross join lateral jsonb_array_elements(report -> 'issues') i"
        " where starts_with(i ->> 'code', %s) group by 1, 2, 3 order by 5 desc, 1, 3 limit %s",
        (peer, since, since, LOOKED_AT, EXAMPLES, prefix, limit),
    )
    return [Violation(*row) for row in rows]
