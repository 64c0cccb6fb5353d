"""From the facts of a source to the members of cells, in SQL: which fact counts in which cell, and which in none."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from tracker_core.aggregates.ages import UNKNOWN
from tracker_core.aggregates.definitions import Definition
from tracker_core.aggregates.frames import ALL, Frame
from tracker_core.database import Session

_DIAGNOSES = """
select d.record as target, {unit} as unit, d.subject, {place} as org_unit, d.day, d.code, p.born, p.sex
from diagnosis d
join tracked_entity t on t.pk = d.subject and not t.deleted
left join report_person p on p.subject = d.subject
where {within}"""

_ENROLLMENTS = """
select n.pk as target, {unit} as unit, n.entity as subject, {place} as org_unit, n.{date}::date as day, '' as code,
    {person}
from enrollment n
join tracked_entity t on t.pk = n.entity and not t.deleted
left join report_person p on p.subject = n.entity
left join attribute_value b on b.entity = n.entity and b.attribute = %(birth_date)s
left join attribute_value s on s.entity = n.entity and s.attribute = %(sex)s
where n.program = %(program)s and not n.deleted and n.status = any(%(statuses)s) and {within}"""

_EVENTS = """
select e.pk as target, {unit} as unit, e.entity as subject, {place} as org_unit, e.{date}::date as day,
    case when %(element)s = '' then '' else upper(replace(e.data ->> %(element)s, '.', '')) end as code, {person}
from event e
left join enrollment n on n.pk = e.enrollment
left join tracked_entity t on t.pk = e.entity
left join report_person p on p.subject = e.entity
left join attribute_value b on b.entity = e.entity and b.attribute = %(birth_date)s
left join attribute_value s on s.entity = e.entity and s.attribute = %(sex)s
where e.program = %(program)s and (%(stage)s::bigint is null or e.stage = %(stage)s)
    and not e.deleted and t.deleted is not true and e.status = any(%(statuses)s) and {within}"""

# Attributes of the tracked entity are asked first: a program may know better than the sender of the Patient.
_PERSON = """coalesce(left(b.value, 10)::date, p.born) as born,
    coalesce(substring(upper(s.value) from '^[MFO]'), p.sex) as sex"""

_SOURCES = {"diagnoses": _DIAGNOSES, "enrollments": _ENROLLMENTS, "events": _EVENTS}
_DATES = {
    "visit": "day",
    "enrolledAt": "enrolled_at",
    "occurredAt": "occurred_at",
    "scheduledAt": "scheduled_at",
}
_ALIAS = {"diagnoses": "d", "enrollments": "n", "events": "e"}
_SUBJECT = {"diagnoses": "d.subject", "enrollments": "n.entity", "events": "e.entity"}
_UNITS = {
    ("diagnoses", "conditions"): "d.record",
    ("diagnoses", "encounters"): "coalesce(d.encounter, d.record)",
    ("enrollments", "enrollments"): "n.pk",
    ("events", "events"): "e.pk",
    ("events", "enrollments"): "coalesce(e.enrollment, e.pk)",
}
_PLACES = {"visit": "d.org_unit", "enrollment": "n.org_unit", "event": "e.org_unit", "registration": "t.org_unit"}
_STATUSES = {
    "diagnoses": [],
    "enrollments": ["ACTIVE", "COMPLETED"],
    "events": ["ACTIVE", "COMPLETED", "VISITED"],
}

_MEMBERS = """
insert into case_member (element, combo, org_unit, target, unit, subject, reason)
with fact as ({source}),
grouped as (
    select distinct on (g.element, f.target) g.element, f.*
    from fact f
    join unnest(%(elements)s::text[], %(lows)s::text[], %(highs)s::text[]) as g (element, low, high)
        on f.code >= g.low and left(f.code, length(g.high)) <= g.high
),
aged as (
    select *, first_value(day) over (partition by element, org_unit, unit order by day, target) as first_day
    from grouped
),
placed as (
    select f.*, case when not %(by_age)s then %(all)s when f.born is null then %(unknown)s else a.code end as age,
        case when not %(by_sex)s then %(all)s else coalesce(f.sex, %(unknown)s) end as kind
    from aged f
    left join unnest(%(ages)s::text[], %(from)s::interval[], %(to)s::interval[]) as a (code, low, high)
        on f.born <= f.first_day - a.low and (a.high is null or f.born > f.first_day - a.high)
)
select f.element, s.combo, f.org_unit, f.target, f.unit, f.subject,
    case when f.org_unit is null then 'no facility'
        when s.combo is not null then null
        when %(by_age)s and f.born is null and not %(unknown)s = any(%(slot_ages)s) then 'no birth date'
        when f.age is null then 'age outside the groups'
        else 'sex outside the groups' end
from placed f
left join unnest(%(slot_elements)s::text[], %(slot_ages)s::text[], %(slot_sexes)s::text[], %(slot_combos)s::text[])
    as s (element, age, sex, combo) on s.element = f.element and s.age = f.age and s.sex = f.kind"""


def collect(
    session: Session, definition: Definition, frame: Frame, start: date, end: date, org_units: Sequence[int] | None
) -> None:
    """Fill the temporary table `case_member` with every fact of the report between two days, both inclusive.

    `reason` is null where the fact counts, and says why it counts nowhere otherwise.
    """
    session.execute(
        'create temporary table if not exists case_member (element text collate "C", combo text collate "C",'
        " org_unit bigint, target bigint, unit bigint, subject bigint, reason text) on commit delete rows"
    )
    session.execute("truncate case_member")
    day = _column(definition)
    within = f"{day} >= %(start)s and {day} < %(end)s::date + 1"
    place = _PLACES[definition.source.place]
    if org_units is not None:
        within += f" and {place} = any(%(org_units)s)"
    values = _values(definition, frame) | {"start": start, "end": end, "org_units": list(org_units or ())}
    session.execute(_MEMBERS.format(source=_source(definition, within)), values)
    session.execute("analyze case_member")


def places(session: Session, definition: Definition, frame: Frame, subjects: Sequence[int]) -> list[tuple[int, date]]:
    """Return where and on which days these persons have facts of the report's source: (org unit, day)."""
    within = f"{_SUBJECT[definition.source.kind]} = any(%(subjects)s)"
    rows = session.execute(
        f"select distinct org_unit, day from ({_source(definition, within)}) f"
        " where org_unit is not null and day is not null",
        _values(definition, frame) | {"subjects": list(subjects)},
    )
    return [(row[0], row[1]) for row in rows]


def _column(definition: Definition) -> str:
    return f"{_ALIAS[definition.source.kind]}.{_DATES[definition.source.date]}"


def _source(definition: Definition, within: str) -> str:
    source = definition.source
    return _SOURCES[source.kind].format(
        unit=_UNITS.get((source.kind, source.count), _SUBJECT[source.kind]),
        place=_PLACES[source.place],
        date=_DATES[source.date],
        person=_PERSON,
        within=within,
    )


def _values(definition: Definition, frame: Frame) -> dict[str, Any]:
    ranges = [
        (element, code.low, code.high)
        for element, group in zip(frame.elements, definition.groups, strict=True)
        for code in group.ranges
    ]
    ranges += [(e, "", "") for e, group in zip(frame.elements, definition.groups, strict=True) if not group.ranges]
    return {
        "program": frame.program,
        "stage": frame.stage,
        "element": frame.element,
        "birth_date": frame.birth_date,
        "sex": frame.sex,
        "statuses": list(definition.source.statuses) or _STATUSES[definition.source.kind],
        "elements": [row[0] for row in ranges],
        "lows": [row[1] for row in ranges],
        "highs": [row[2] for row in ranges],
        "by_age": definition.age is not None,
        "by_sex": definition.sex is not None,
        "all": ALL,
        "unknown": UNKNOWN,
        "ages": [group.code for group in definition.age_groups],
        "from": [group.low for group in definition.age_groups],
        "to": [group.high for group in definition.age_groups],
        "slot_elements": [slot.element for slot in frame.slots],
        "slot_ages": [slot.age for slot in frame.slots],
        "slot_sexes": [slot.sex for slot in frame.slots],
        "slot_combos": [slot.combo for slot in frame.slots],
    }
