"""How long the bytes of messages are kept: rules by peer, direction and type, run by the clock."""

from dataclasses import dataclass
from datetime import datetime

from tracker_core.database import Session
from tracker_core.tracker.clauses import Clause, all_of, clause
from tracker_core.traffic.searching import begins

AT_ONCE = 2_000
EVERY = "1 hour"


@dataclass(frozen=True, slots=True)
class Rule:
    """The bytes of messages that are done go after `days`. Empty values say nothing; `type` may end with `*`."""

    code: str
    days: int
    peer: str = ""
    direction: str = ""
    type: str = ""
    ran: datetime | None = None


def rules(session: Session) -> list[Rule]:
    """Return every rule, by code."""
    rows = session.execute(
        "select r.code, r.days, coalesce(p.code, ''), coalesce(r.direction, ''), r.type, r.ran"
        " from retention r left join peer p on p.id = r.peer order by r.code"
    )
    return [Rule(*row) for row in rows]


def save(session: Session, rule: Rule, actor: str) -> None:
    """Create the rule called `rule.code`, or bring it to these values; an unknown peer stands for none."""
    session.execute(
        "insert into retention (code, peer, direction, type, days, updated_by)"
        " values (%s, (select id from peer where code = %s), nullif(%s, ''), %s, %s, %s) on conflict (code) do update"
        " set peer = excluded.peer, direction = excluded.direction, type = excluded.type, days = excluded.days,"
        " updated = now(), updated_by = excluded.updated_by, ran = null",
        (rule.code, rule.peer, rule.direction, rule.type, rule.days, actor),
    )


def remove(session: Session, code: str) -> bool:
    """Delete a rule; tell whether there was one."""
    return bool(session.execute("delete from retention where code = %s", (code,)).rowcount)


def count(session: Session, rule: Rule) -> int:
    """Return how many messages a rule would empty now."""
    condition = _condition(rule)
    row = session.execute(
        f"select count(*) from message m join peer p on p.id = m.peer where {condition.text}", condition.arguments
    ).fetchone()
    return int(row[0]) if row else 0


def sweep(session: Session) -> int:
    """Run every rule that has not run to its end within the hour, a batch each; return how many messages it emptied.

    Only what is done is touched: never what waits, is parked or was rejected. The message stays with its type, times,
    report and lineage; a repeat is still recognised by its fingerprint. Concurrent callers empty different messages.
    """
    total = 0
    for rule in rules(session):
        row = session.execute(
            f"select from retention where code = %s and (ran is null or ran < now() - interval '{EVERY}')"
            " for update skip locked",
            (rule.code,),
        ).fetchone()
        if row is None:
            continue
        emptied = _empty(session, rule)
        total += emptied
        if emptied < AT_ONCE:
            session.execute("update retention set ran = now() where code = %s", (rule.code,))
    return total


def _empty(session: Session, rule: Rule) -> int:
    condition = _condition(rule)
    return session.execute(
        "update message set body = null, answer = null, pruned = now() where id in (select m.id from message m"
        f" join peer p on p.id = m.peer where {condition.text} order by m.id limit %s for update of m skip locked)",
        (*condition.arguments, AT_ONCE),
    ).rowcount


def _condition(rule: Rule) -> Clause:
    parts = [
        clause("m.state = 'done' and m.pruned is null and (m.body is not null or m.answer is not null)"),
        clause("m.created < now() - make_interval(days => %s)", rule.days),
    ]
    if rule.peer:
        parts.append(clause("p.code = %s", rule.peer))
    if rule.direction:
        parts.append(clause("m.direction = %s", rule.direction))
    if rule.type.endswith("*"):
        parts.append(begins('m.type collate "C"', rule.type[:-1]))
    elif rule.type:
        parts.append(clause('m.type collate "C" = %s', rule.type))
    return all_of(*parts)
