"""Case reports evaluated for any span of whole periods and any part of the org unit tree, writing nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tracker_core import history, metadata, periods
from tracker_core.aggregates import following, frames, reports
from tracker_core.aggregates.frames import Frame
from tracker_core.aggregates.reports import Stored
from tracker_core.context import Context
from tracker_core.database import Session
from tracker_core.errors import Conflict, Malformed
from tracker_core.metadata import Metadata
from tracker_core.periods import Period

MOST_PERIODS = 120


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of an evaluation: data element and option combo by uid, our age code and sex (`*` for all).

    `persons` are the tracked entities (pks) of the facts that make it.
    """

    element: str
    combo: str
    age: str
    sex: str
    count: int
    persons: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A case report over its periods. `elements` are data element uids in the order of its groups."""

    report: Stored
    periods: tuple[Period, ...]
    elements: tuple[str, ...]
    cells: list[Cell]


_CELLS = """
select v.data_element, v.category_option_combo, sum(v.value::numeric)::bigint,
    coalesce((select array_agg(distinct f.subject order by f.subject) from aggregate_fact f
        join aggregate_value w on w.pk = f.value
        where w.definition = %(definition)s and w.period = any(%(periods)s) and not w.deleted
            and w.data_element = v.data_element and w.category_option_combo = v.category_option_combo
            and (%(units)s::bigint[] is null or w.org_unit = any(%(units)s)) and f.subject is not null), '{}')
from aggregate_value v
where v.definition = %(definition)s and v.period = any(%(periods)s) and not v.deleted
    and (%(units)s::bigint[] is null or v.org_unit = any(%(units)s))
group by v.data_element, v.category_option_combo"""


def evaluate(
    session: Session, actor: str, code: str, start: date, end: date, units: Sequence[int] | None = None
) -> Evaluation:
    """Compute the case report `code` from `start` to `end` (both days included) at org units (pks), or at all.

    The numbers are those of runs of the periods in between, as the facts stand now; the sum of several periods counts
    a person once in each. Everything that was written for it is undone. Raises `NotFound` for an unknown report,
    `Malformed` for days that are not the ends of its periods, `Conflict` when its metadata is not here.
    """
    report = reports.load(session, code)
    spanned = _periods(report, start, end)
    with session.transaction(force_rollback=True):
        context = history.open_change_set(session, actor)
        return _evaluated(session, context, report, spanned, units)


def _evaluated(
    session: Session, context: Context, report: Stored, spanned: Sequence[Period], units: Sequence[int] | None
) -> Evaluation:
    for period in spanned:
        following.run(session, context, report.definition.code, period.id)
    found = [period.id for period in spanned]
    cells, frame = read_cells(session, report, found, units)
    return Evaluation(report, tuple(spanned), frame.elements, cells)


def _periods(report: Stored, start: date, end: date) -> list[Period]:
    """Return the report's periods that these days are made of."""
    type_ = report.definition.period_type
    found: list[Period] = []
    day = start
    while day <= end and len(found) <= MOST_PERIODS:
        period = periods.containing(type_, day)
        found.append(period)
        day = period.end + timedelta(1)
    if not found or found[0].start != start or found[-1].end != end:
        text = f"{report.definition.code} is evaluated for whole {type_} periods, at most {MOST_PERIODS}"
        raise Malformed(f"{text}; {start} to {end} is none", where="periodStart")
    return found


def within(known: Metadata, uid: str) -> list[int]:
    """Return the pks of an org unit and all below it. Raises `Conflict` for one that is not here."""
    unit = known.org_units.get(uid)
    if unit is None:
        raise Conflict(f"there is no org unit {uid}")
    return [one.pk for one in known.org_units.values() if one.path.startswith(unit.path)]


def value_pages(
    session: Session,
    codes: Sequence[str] | None,
    spanned: Sequence[str] | None,
    units: Sequence[int] | None,
    after: tuple[str, str, int],
    limit: int,
) -> list[tuple[str, str, int]]:
    """Return (report code, period, org unit pk) of stored computed values in that order, those after `after`."""
    rows = session.execute(
        "select distinct d.code, v.period, v.org_unit from aggregate_value v"
        " join report_definition d on d.pk = v.definition where not v.deleted and d.active"
        " and (%(codes)s::text[] is null or d.code = any(%(codes)s))"
        " and (%(periods)s::text[] is null or v.period = any(%(periods)s))"
        " and (%(units)s::bigint[] is null or v.org_unit = any(%(units)s))"
        " and (d.code, v.period, v.org_unit) > (%(code)s, %(period)s, %(unit)s)"
        " order by d.code, v.period, v.org_unit limit %(limit)s",
        {
            "codes": list(codes) if codes is not None else None,
            "periods": list(spanned) if spanned is not None else None,
            "units": list(units) if units is not None else None,
            **dict(zip(("code", "period", "unit"), after, strict=True)),
            "limit": limit,
        },
    )
    return [(code, period, unit) for code, period, unit in rows]


def read_cells(
    session: Session, report: Stored, spanned: Sequence[str], units: Sequence[int] | None
) -> tuple[list[Cell], Frame]:
    """Return the stored numbers of a report, summed over periods and org units (all for None), and their frame."""
    frame = frames.bind(metadata.load(session), report.definition)
    slots = {(slot.element, slot.combo): (slot.age, slot.sex) for slot in frame.slots}
    terms = {"definition": report.pk, "periods": list(spanned), "units": list(units) if units is not None else None}
    found = {(element, combo): (count, persons) for element, combo, count, persons in session.execute(_CELLS, terms)}
    cells = [
        Cell(element, combo, age, sex, found[element, combo][0], tuple(found[element, combo][1]))
        for (element, combo), (age, sex) in slots.items()
        if (element, combo) in found
    ]
    return cells, frame


def computed_periods(session: Session) -> list[Period]:
    """Return the periods that any case report was computed for."""
    rows = session.execute("select distinct period from aggregate_value where definition is not null order by period")
    return [period for (name,) in rows if (period := periods.parse(name))]


def written_at(session: Session, report: Stored, period: str, unit: int) -> datetime:
    """Return when the numbers of a report for one period and org unit were last written."""
    row = session.execute(
        "select max(updated) from aggregate_value where definition = %s and period = %s and org_unit = %s",
        (report.pk, period, unit),
    ).fetchone()
    assert row is not None
    written: datetime = row[0]
    return written
