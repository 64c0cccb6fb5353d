"""Computed values as MeasureReports: one per case report, period and org unit, read and searched."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from adapters.fhir.measures.evaluating import code_of
from adapters.fhir.measures.rendering import Told, measure_report
from adapters.fhir.replies import Pairs
from tracker_core import metadata, periods
from tracker_core.aggregates import evaluating, reports
from tracker_core.database import Session
from tracker_core.errors import Malformed, NotFound
from tracker_core.metadata import Metadata
from tracker_core.records import Stored, documents, forms
from tracker_core.records.definitions import parameters
from tracker_core.records.search.criteria import split, split_prefix, unescape
from tracker_core.records.terms import date_range

_START = ("", "", 0)
_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Asked:
    """Which reports: codes of case reports and org units (pks), None for all; `fits` decides about a period's days."""

    codes: tuple[str, ...] | None = None
    units: tuple[int, ...] | None = None
    fits: tuple[Callable[[int, int], bool], ...] = ()


def read(session: Session, _type: str, id: str) -> Stored | None:
    """Return the report with this id, None when nothing is stored of it."""
    known = metadata.load(session)
    mark, _, rest = id.partition("-")
    pk, _, rest = rest.partition("-")
    period, _, unit = rest.partition("-")
    if mark != "v" or unit not in known.org_units:
        return None
    codes = [one.definition.code for one in reports.active(session) if str(one.pk) == pk]
    units = [known.org_units[unit].pk]
    found = evaluating.value_pages(session, codes, [period], units, _START, 1)
    return _rendered(session, known, found)[0] if found else None


def page(session: Session, type_: str, pairs: Pairs, position: str, room: int) -> tuple[list[Stored], str]:
    """Return up to `room` reports by code, period and org unit, and where the next page begins.

    Raises `ValueError` for a position that is none, `Malformed` for a date that is none.
    """
    asked = _asked(session, type_, pairs)
    if asked is None:
        return [], ""
    code, period, unit = position.rsplit(" ", 2) if position else ("", "", "0")
    found, after = _pages(session, asked, (code, period, int(unit)), room)
    return _rendered(session, metadata.load(session), found), " ".join(map(str, after)) if after else ""


def count(session: Session, type_: str, pairs: Pairs) -> int:
    """Return how many reports there are."""
    asked = _asked(session, type_, pairs)
    return len(_pages(session, asked, _START, 10**6)[0]) if asked else 0


Key = tuple[str, str, int]


def _pages(session: Session, asked: Asked, after: Key, room: int) -> tuple[list[Key], Key | None]:
    """Return the next keys whose periods fit, and the last of them when there may be more."""
    known = metadata.load(session)
    names = _periods(session, asked) if asked.fits else None
    found = evaluating.value_pages(session, asked.codes, names, asked.units, after, room + 1)
    live = {unit.pk for unit in known.org_units.values()}
    kept = [key for key in found[:room] if key[2] in live]
    return kept, found[room - 1] if len(found) > room else None


def _periods(session: Session, asked: Asked) -> list[str]:
    return [one.id for one in evaluating.computed_periods(session) if all(fits(*_micros(one)) for fits in asked.fits)]


def _micros(period: periods.Period) -> tuple[int, int]:
    return (period.start.toordinal() - _EPOCH) * _DAY, (period.end.toordinal() - _EPOCH + 1) * _DAY


def _rendered(session: Session, known: Metadata, keys: Sequence[Key]) -> list[Stored]:
    by_code = {one.definition.code: one for one in reports.active(session)}
    uids = {unit.pk: uid for uid, unit in known.org_units.items()}
    return [_report(session, by_code[code], period, unit, uids[unit]) for code, period, unit in keys]


def _report(session: Session, report: reports.Stored, name: str, unit: int, uid: str) -> Stored:
    period = periods.parse(name)
    assert period is not None
    cells, frame = evaluating.read_cells(session, report, [name], [unit])
    made = evaluating.written_at(session, report, name, unit)
    subject = {"reference": f"Location/{uid}"}
    told = Told("summary", subject, period.start, period.end, made, {})
    id = f"v-{report.pk}-{name}-{uid}"
    head = {"resourceType": "MeasureReport", "id": id}
    doc = head | measure_report(report.definition, frame.elements, cells, told)
    return Stored(-unit, "MeasureReport", id, 1, made, False, None, None, documents.encode(doc))


def _asked(session: Session, type_: str, pairs: Pairs) -> Asked | None:
    """Return what a search asks of the values; None when it asks for what none of these reports has."""
    asked = Asked()
    for key, text in pairs:
        narrow = _PARAMETERS.get(key)
        if narrow is not None and text.strip():
            asked = narrow(session, asked, [unescape(one) for one in split(text)])
        elif key.partition(":")[0].partition(".")[0] in parameters(type_) or key == "_lastUpdated":
            return None
    return asked


def _measure(session: Session, asked: Asked, values: Sequence[str]) -> Asked:
    codes = []
    for value in values:
        try:
            codes.append(code_of(session, value))
        except NotFound:
            continue
    return replace(asked, codes=tuple(codes))


def _subject(session: Session, asked: Asked, values: Sequence[str]) -> Asked:
    known = metadata.load(session).org_units
    forms_ = [form for value in values if (form := forms.target(value)) and form[0] in ("Location", "Organization")]
    return replace(asked, units=tuple(known[uid].pk for _, uid in forms_ if uid in known))


def _period(_session: Session, asked: Asked, values: Sequence[str]) -> Asked:
    prefix, text = split_prefix(values[0])
    found = date_range(text)
    if found is None:
        raise Malformed(f"period is a date, not {text!r}", where="period")
    low, high = found
    tests: Mapping[str, Callable[[int, int], bool]] = {
        "": lambda start, end: start >= low and end <= high,
        "ge": lambda _, end: end > low,
        "gt": lambda _, end: end > high,
        "le": lambda start, _: start < high,
        "lt": lambda start, _: start < low,
        "sa": lambda start, _: start >= high,
        "eb": lambda _, end: end <= low,
    }
    fits = tests.get(prefix if prefix != "eq" else "", lambda start, end: start < high and end > low)
    return replace(asked, fits=(*asked.fits, fits))


def _status(_session: Session, asked: Asked, values: Sequence[str]) -> Asked:
    return asked if "complete" in [value.rpartition("|")[2] for value in values] else replace(asked, codes=())


def _id(session: Session, asked: Asked, values: Sequence[str]) -> Asked:
    # Ids of values are read one by one: a search by id finds those that are.
    found = [one for value in values if (one := read(session, "MeasureReport", value))]
    keys = [one.id.split("-") for one in found]
    known = metadata.load(session).org_units
    by_pk = {str(one.pk): one.definition.code for one in reports.active(session)}
    wanted = {parts[2] for parts in keys}
    return replace(
        asked,
        codes=tuple(by_pk[parts[1]] for parts in keys),
        units=tuple(known[parts[3]].pk for parts in keys),
        fits=(*asked.fits, lambda start, end: any(_micros(p) == (start, end) for p in map(periods.parse, wanted) if p)),
    )


_PARAMETERS: Mapping[str, Callable[[Session, Asked, Sequence[str]], Asked]] = {
    "_id": _id,
    "measure": _measure,
    "subject": _subject,
    "period": _period,
    "status": _status,
}
