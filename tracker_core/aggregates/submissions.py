"""Submissions: what is sent to a receiver, only what differs from what it has, and what it answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from tracker_core import metadata
from tracker_core.aggregates import describing, reports, runs
from tracker_core.aggregates.describing import Cell
from tracker_core.aggregates.reports import Stored
from tracker_core.aggregates.values import Key
from tracker_core.context import Context, Peer
from tracker_core.database import Session
from tracker_core.errors import Conflict, NotFound
from tracker_core.messages import Arrival, enqueue, lane_of

MESSAGE_TYPE = "dataValueSet"

LOCKED = frozenset("E2017 E2025 E7640 E7641 E7642 E7643 E7644 E8030 E8031 E8032 E8033".split())
"""Codes by which a DHIS2 receiver says that a period is closed to it: the value stays owed and is offered again."""

# Every cell offered to a receiver and what became of it. A message that ended without an answer was never taken.
_OFFERED = """
offered as materialized (
    select sv.value, sv.sent, sv.reason, sv.submission, sv.position, s.report, s.period,
        coalesce(s.answered, 'infinity') as answered,
        case when sv.state = 'sent' and exists (select from message m where m.peer = s.peer and m.direction = 'out'
            and m.dedup = 'report:' || s.pk and m.state = 'rejected') then 'refused' else sv.state end as state
    from submission_value sv join submission s on s.pk = sv.submission
    where s.peer = %(peer)s
        and (%(report)s::bigint is null or s.report = %(report)s and s.period = %(period)s)
)"""

# What the receiver has, as far as we know: the last thing that it took. What is still on its way counts as taken, so
# that nothing is sent twice; when it is turned away, the one before counts again.
_KNOWN = """
known as (
    select distinct on (value) value, sent from offered where state in ('sent', 'acknowledged')
    order by value, answered desc, submission desc
)"""

_DIFFERS = """(k.value is null and not v.deleted
    or k.value is not null and k.sent is distinct from case when not v.deleted then v.value end)"""

_PENDING = f"""
with {_OFFERED}, {_KNOWN}
select v.pk, case when not v.deleted then v.value end as sent
from aggregate_value v
left join known k on k.value = v.pk
join org_unit u on u.pk = v.org_unit
where v.definition = %(report)s and v.period = %(period)s
    and (%(org_units)s::bigint[] is null or v.org_unit = any(%(org_units)s)) and {_DIFFERS}
order by u.path, v.data_element, v.category_option_combo, v.pk"""

_OWED = f"""
with {_OFFERED}, {_KNOWN},
last as (select distinct on (value) * from offered order by value, answered desc, submission desc)
select v.pk, v.period, case when not v.deleted then v.value end, coalesce(l.reason, 'not delivered'), l.state,
    l.submission
from last l
join aggregate_value v on v.pk = l.value
left join known k on k.value = v.pk
where l.state in ('owed', 'refused') and {_DIFFERS}
order by v.period, l.submission, l.position"""


@dataclass(frozen=True, slots=True)
class Owed:
    """A cell whose present value the receiver has not got: it was locked or refused there, for `reason`."""

    value: int
    period: str
    current: str | None
    reason: str
    state: str
    submission: int


def submit(
    session: Session, context: Context, peer: Peer, code: str, period: str, org_units: Sequence[int] | None = None
) -> int | None:
    """Make a submission of what `peer` lacks of a computed report; return its pk, None when it lacks nothing.

    Each cell is sent as it is now, a cell that fell to nothing as 0 or as a deletion, by the report's rule. The
    facts of each are kept with it. Raises `NotFound` for an unknown report, `Conflict` when it was never computed.
    """
    report = reports.load(session, code)
    wanted = runs.parse_period(period)
    terms = _terms(peer, report, wanted.id, org_units)
    session.execute("select pg_advisory_xact_lock(hashtextextended(%s, 11))", (_slice(peer, report, wanted.id),))
    run = session.execute(
        "select max(pk) from report_run where definition = %s and period = %s", (report.pk, wanted.id)
    ).fetchone()
    if run is None or run[0] is None:
        raise Conflict(f"{code} was not computed for {wanted.id} yet")
    pending = session.execute(_PENDING, terms).fetchall()
    if not pending:
        return None
    submission = _insert(session, context, peer, report, wanted.id, run[0])
    session.execute(
        "insert into submission_value (submission, value, position, sent, facts)"
        " select %s, p.value, p.n - 1, p.sent,"
        " array(select f.target from aggregate_fact f where f.value = p.value order by f.target)"
        " from unnest(%b::bigint[], %b::text[]) with ordinality as p (value, sent, n)",
        (submission, [row[0] for row in pending], [row[1] for row in pending]),
    )
    return submission


def queue(session: Session, peer: Peer, submission: int) -> None:
    """Queue the message that carries a submission; submissions of one report and period leave in their order."""
    row = session.execute("select report, period from submission where pk = %s", (submission,)).fetchone()
    if row is None:
        raise NotFound(f"there is no submission {submission}")
    arrival = Arrival(
        peer=peer.id,
        format=peer.format,
        body=None,
        type=MESSAGE_TYPE,
        dedup=f"report:{submission}",
        about={"report": submission},
        lane=lane_of(peer.id, f"report:{row[0]}:{row[1]}"),
    )
    enqueue(session, [arrival])


def record_answer(session: Session, submission: int, accepted: bool, items: Mapping[str, str]) -> None:
    """Note a receiver's verdict on a submission: per cell where `items` has one, else for all of it.

    Keys of `items` are positions in the submission as text, values the reason why the cell was not taken, empty when
    it was. A reason that begins with a code of `LOCKED` leaves the cell owed; any other makes it refused.
    """
    general = "" if accepted else "refused"
    positions = session.execute("select position from submission_value where submission = %s", (submission,)).fetchall()
    verdicts = [(position, items.get(str(position), general)) for (position,) in positions]
    session.execute(
        "update submission_value sv set state = a.state, reason = nullif(a.reason, '')"
        " from unnest(%b::int[], %b::text[], %b::text[]) as a (position, state, reason)"
        " where sv.submission = %s and sv.position = a.position",
        (
            [position for position, _ in verdicts],
            [_state(reason) for _, reason in verdicts],
            [reason for _, reason in verdicts],
            submission,
        ),
    )
    session.execute(
        "update submission s set answered = clock_timestamp(), message = (select max(id) from message m"
        " where m.direction = 'out' and m.peer = s.peer and m.dedup = 'report:' || s.pk) where s.pk = %s",
        (submission,),
    )


def owed(session: Session, peer: Peer) -> list[Owed]:
    """Return every cell whose present value `peer` did not take when it was last offered, oldest period first.

    A cell that came back to what the receiver has is not owed any more. The next `submit` offers what is left.
    """
    rows = session.execute(_OWED, {"peer": peer.id, "report": None, "period": None})
    return [Owed(*row) for row in rows]


def report_view(session: Session, submission: int) -> dict[str, Any]:
    """Return a submission as an adapter writes it: `report`, `dataSet`, `created`, and its `cells` (see `describing`).

    Cells are in the order of their positions. Raises `NotFound`.
    """
    row = session.execute(
        "select data_set, created, definition, pk from submission where pk = %s", (submission,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no submission {submission}")
    rows = session.execute(
        "select v.data_element, v.period, v.org_unit, v.category_option_combo, v.attribute_option_combo, sv.sent"
        " from submission_value sv join aggregate_value v on v.pk = sv.value where sv.submission = %s"
        " order by sv.position",
        (submission,),
    ).fetchall()
    known = metadata.load(session)
    cells = [Cell(Key(*row[:5]), row[5]) for row in rows]
    return {
        "submission": submission,
        "report": {"code": row[2].get("code"), "name": row[2].get("name") or row[2].get("code")},
        "dataSet": describing.name_of(known, "dataSets", row[0]),
        "created": row[1].isoformat(),
        "cells": describing.describe(known, cells),
    }


def sent_on(session: Session, day: date, peer: Peer | None = None) -> list[int]:
    """Return the submissions made on a day (UTC), to `peer` or to anyone, in their order."""
    rows = session.execute(
        "select pk from submission where created >= %s and created < %s::date + 1"
        " and (%s::int is null or peer = %s) order by pk",
        (day, day, peer.id if peer else None, peer.id if peer else None),
    )
    return [row[0] for row in rows]


def _state(reason: str) -> str:
    if not reason:
        return "acknowledged"
    return "owed" if reason.partition(" ")[0].rstrip(":") in LOCKED else "refused"


def _slice(peer: Peer, report: Stored, period: str) -> str:
    return f"{peer.id} {report.pk} {period}"


def _terms(peer: Peer, report: Stored, period: str, org_units: Sequence[int] | None) -> dict[str, Any]:
    units = list(org_units) if org_units is not None else None
    return {"peer": peer.id, "report": report.pk, "period": period, "org_units": units}


def _insert(session: Session, context: Context, peer: Peer, report: Stored, period: str, run: int) -> int:
    data_set = metadata.load(session).uid_of("dataSets", report.definition.data_set)
    row = session.execute(
        "insert into submission (peer, report, run, data_set, period, definition, created_in)"
        " values (%s, %s, %s, %s, %s, %s::jsonb, %s) returning pk",
        (
            peer.id,
            report.pk,
            run,
            data_set or report.definition.data_set,
            period,
            orjson.dumps(report.doc | {"version": report.version}).decode(),
            context.change_set,
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def receivers(session: Session, code: str, period: str) -> list[int]:
    """Return the peers (ids) that were ever sent this report for this period: those to be told of corrections."""
    rows = session.execute(
        "select distinct s.peer from submission s join report_definition d on d.pk = s.report"
        " join peer p on p.id = s.peer where d.code = %s and s.period = %s and p.active order by 1",
        (code, period),
    )
    return [row[0] for row in rows]
