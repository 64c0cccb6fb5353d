"""Codes of peers that no concept map had: counted, shown with examples, answered once by a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker_core.database import Session
from tracker_core.issues import Issue

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A code as a peer sends it. `messages` are the first few that held it; `waiting` of them all are parked."""

    id: int
    peer: str
    concept_map: str
    code: str
    count: int
    first: datetime
    last: datetime
    messages: list[int]
    waiting: int
    answered: datetime | None


def untranslated(issues: Iterable[Issue]) -> list[tuple[str, str]]:
    """Return (concept map, code) of every issue that is about a code which could not be translated, each once."""
    return list(dict.fromkeys((one.concept_map, one.value) for one in issues if one.concept_map and one.value))


def note(session: Session, peer: int, message: int, codes: Sequence[tuple[str, str]]) -> None:
    """Count one message that held `codes` (concept map, code); a message that is replayed counts once."""
    if not codes:
        return
    # In one order for all messages: two that share codes never wait for each other in a circle.
    codes = sorted(codes)
    session.execute(
        "with said as (select * from unnest(%b::text[], %b::text[]) as c (concept_map, code)), kept as ("
        " insert into unmapped_code (peer, concept_map, code) select %s, concept_map, code from said"
        " on conflict (peer, concept_map, code) do update set last = now() returning pk)"
        " insert into unmapped_message (unmapped, message) select pk, %s from kept on conflict do nothing",
        ([name for name, _ in codes], [code for _, code in codes], peer, message),
    )


def listed(session: Session, peer: int | None = None, answered: bool = False, limit: int = 500) -> list[Unmapped]:
    """Return the codes that wait for an answer, those that hold up most messages first; or those answered."""
    rows = session.execute(
        "select u.pk, p.code, u.concept_map, u.code, m.count, u.first, u.last, m.examples, m.waiting, u.answered"
        " from unmapped_code u join peer p on p.id = u.peer cross join lateral ("
        "  select count(*) as count, coalesce((array_agg(x.message order by x.message))[:%s], '{}') as examples,"
        "  count(*) filter (where s.state = 'parked') as waiting"
        "  from unmapped_message x join message s on s.id = x.message where x.unmapped = u.pk) m"
        " where (%s::bigint is null or u.peer = %s) and (u.answered is not null) = %s"
        " order by m.waiting desc, m.count desc, u.pk limit %s",
        (EXAMPLES, peer, peer, answered, limit),
    )
    return [Unmapped(*row) for row in rows]


def answer(session: Session, id: int, actor: str) -> tuple[int, str, str, list[int]] | None:
    """Mark a code as answered; return its peer, concept map, code, and the messages that wait. None if unknown."""
    found = session.execute(
        "update unmapped_code set answered = now(), answered_by = %s where pk = %s returning peer, concept_map, code",
        (actor, id),
    ).fetchone()
    if found is None:
        return None
    held = session.execute(
        "select m.id from unmapped_message x join message m on m.id = x.message"
        " where x.unmapped = %s and m.state in ('parked', 'rejected') order by m.id",
        (id,),
    )
    return found[0], found[1], found[2], [row[0] for row in held]
