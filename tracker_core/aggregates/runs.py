"""Runs: a case report computed for a period, only what differs written, every number with the facts that make it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tracker_core import metadata, periods
from tracker_core.aggregates import cases, frames, values
from tracker_core.aggregates.frames import Frame
from tracker_core.aggregates.reports import Stored
from tracker_core.aggregates.values import Key, Value, Write
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.periods import Period

_DIFFERENCES = """
with counted as (
    select element, combo, org_unit, count(distinct unit) as n from case_member where reason is null group by 1, 2, 3
),
stored as (
    select * from aggregate_value
    where period = %(period)s and attribute_option_combo = 'default'
        and (definition = %(definition)s or data_element = any(%(elements)s))
        and (%(org_units)s::bigint[] is null or org_unit = any(%(org_units)s))
),
reporting as (
    select org_unit from counted union select org_unit from stored where definition = %(definition)s
    union select unnest(%(org_units)s::bigint[])
),
grid as (
    select s.element, s.combo, r.org_unit
    from unnest(%(slot_elements)s::text[], %(slot_combos)s::text[]) as s (element, combo) cross join reporting r
    where %(zeros)s
),
cell as (
    select element, combo, org_unit, coalesce(n, 0)::text as value
    from counted full join grid using (element, combo, org_unit)
),
compared as (
    select coalesce(c.element, s.data_element) as element, coalesce(c.combo, s.category_option_combo) as combo,
        coalesce(c.org_unit, s.org_unit) as org_unit, coalesce(c.value, %(empty)s) as value,
        s.pk, s.value as old, s.deleted, s.comment, s.follow_up, s.definition
    from cell c
    full join stored s
        on s.data_element = c.element and s.category_option_combo = c.combo and s.org_unit = c.org_unit
    where c.element is not null or s.definition = %(definition)s
)
select * from compared
where value is distinct from case when not deleted then old end
    or (value is not null and definition is distinct from %(definition)s)
order by org_unit, element, combo"""

_MATCH = """v.data_element = m.element and v.category_option_combo = m.combo and v.org_unit = m.org_unit
    and v.period = %(period)s and v.attribute_option_combo = 'default' and m.reason is null"""

_FORGET = f"""
delete from aggregate_fact f using aggregate_value v
where v.pk = f.value and v.definition = %(definition)s and v.period = %(period)s
    and (%(org_units)s::bigint[] is null or v.org_unit = any(%(org_units)s))
    and not exists (select from case_member m where {_MATCH} and m.target = f.target)"""

_REMEMBER = f"""
insert into aggregate_fact as f (value, target, subject)
select v.pk, m.target, m.subject from case_member m join aggregate_value v on {_MATCH}
on conflict (value, target) do update set subject = excluded.subject
    where f.subject is distinct from excluded.subject"""


@dataclass(slots=True)
class RunResult:
    """What a run did: `changed` holds the pks of the values it wrote, in the order of org unit, element and combo.

    `cells` and `cases` count what is reported now; `left_out` counts the cases that are in no cell, by reason.
    """

    report: str
    period: str
    run: int
    cells: int
    cases: int
    changed: list[int] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def compute(
    session: Session, context: Context, report: Stored, period: Period, org_units: Sequence[int] | None = None
) -> RunResult:
    """Compute `report` for `period` from the facts as they stand, at these org units or (None) at all.

    Values and facts that are right already are not touched. Concurrent runs of the same report wait for each other.
    Raises `Conflict` when the report counts by another type of period, or its metadata is not here.
    """
    if period.type != report.definition.period_type:
        raise Conflict(f"{report.definition.code} reports {report.definition.period_type} periods, not {period.id}")
    frame = frames.bind(metadata.load(session), report.definition)
    values.lock(session, [(element, period.id) for element in frame.elements])
    cases.collect(session, report.definition, frame, period.start, period.end, org_units)
    terms = _terms(report, frame, period, org_units)
    changed = _write(session, context, report, frame, terms)
    session.execute(_FORGET, terms)
    session.execute(_REMEMBER, terms)
    return _note(session, context, report, period, org_units, changed)


def parse_period(text: str) -> Period:
    """Return the period called `text`. Raises `Conflict` when there is none."""
    period = periods.parse(text)
    if period is None:
        raise Conflict(f"there is no period {text!r}")
    return period


def _terms(report: Stored, frame: Frame, period: Period, org_units: Sequence[int] | None) -> dict[str, Any]:
    return {
        "definition": report.pk,
        "period": period.id,
        "elements": list(frame.elements),
        "org_units": list(org_units) if org_units is not None else None,
        "slot_elements": [slot.element for slot in frame.slots],
        "slot_combos": [slot.combo for slot in frame.slots],
        "zeros": report.definition.zeros,
        "empty": "0" if report.definition.empty == "zero" else None,
    }


def _write(session: Session, context: Context, report: Stored, frame: Frame, terms: dict[str, Any]) -> list[int]:
    writes = [
        Write(
            Key(element, terms["period"], org_unit, combo),
            value,
            Value(pk, old, deleted, comment, follow_up, definition) if pk is not None else None,
            data_set=frame.data_set,
            comment=comment,
            follow_up=bool(follow_up),
            definition=report.pk,
        )
        for element, combo, org_unit, value, pk, old, deleted, comment, follow_up, definition in session.execute(
            _DIFFERENCES, terms
        )
    ]
    return values.write(session, context, writes)


def _note(
    session: Session,
    context: Context,
    report: Stored,
    period: Period,
    org_units: Sequence[int] | None,
    changed: list[int],
) -> RunResult:
    left_out: dict[str, int] = dict(
        session.execute(
            "select reason, count(distinct unit) from case_member where reason is not null group by 1"
        ).fetchall()
    )
    counts = session.execute(
        "select count(distinct (element, combo, org_unit)), count(distinct (element, unit)) from case_member"
        " where reason is null"
    ).fetchone()
    row = session.execute(
        "insert into report_run (definition, period, org_units, change_set, left_out)"
        " values (%s, %s, %s, %s, %s::jsonb) returning pk",
        (
            report.pk,
            period.id,
            list(org_units) if org_units is not None else None,
            context.change_set,
            orjson.dumps(left_out).decode(),
        ),
    ).fetchone()
    assert row is not None
    assert counts is not None
    return RunResult(report.definition.code, period.id, row[0], counts[0], counts[1], changed, left_out)
