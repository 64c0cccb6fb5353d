"""Conditions on composites: all parts hold in one repetition of an element (FHIR R4 3.1.1.4.16)."""

from collections.abc import Callable, Sequence

from psycopg import sql

from tracker_core.database import Session
from tracker_core.records import composites
from tracker_core.records.definitions import Parameter
from tracker_core.records.extraction import sources
from tracker_core.records.search import ranges
from tracker_core.records.search.composing import any_of, has_any
from tracker_core.records.search.criteria import cut, split_prefix, unescape
from tracker_core.records.search.lookups import pks_of_references
from tracker_core.records.search.probing import entry_exists
from tracker_core.records.search.sides import malformed, matching_units, starts
from tracker_core.records.terms import fold, hashed, unit_token


def pair(session: Session, type_: str, parameter: Parameter, value: str) -> sql.Composable:
    """Return the condition for one value of a composite. Raises `Malformed` when it is not of the parameter's form."""
    parts = cut(value, "$")
    kinds = composites.kinds(type_, parameter)
    numbers = sources(type_)[parameter.code].numbers
    found = _KINDS[kinds](session, numbers, parts) if len(parts) == len(kinds) else None
    if found is None:
        raise malformed(parameter, value)
    return found


def _coded(_session: Session, numbers: Sequence[int], parts: Sequence[str]) -> sql.Composable:
    first, second = map(unescape, parts)
    return has_any([composites.pair_token(n, first, second) for n in numbers])


def _measured(session: Session, numbers: Sequence[int], parts: Sequence[str]) -> sql.Composable | None:
    code = unescape(parts[0])
    prefix, text = split_prefix(parts[1])
    value, *unit = (unescape(part) for part in cut(text, "|"))
    number = ranges.read_number(prefix, value)
    if number is None or len(unit) not in (0, 2):
        return None
    measure = sql.Literal(composites.measure_token(code))
    within = sql.SQL("unit = {} and {}")
    if not any(unit):
        return entry_exists(session, "record_number", numbers, within.format(measure, number.condition()))
    by_unit = [
        sql.SQL("({} and {})").format(
            has_any([composites.measured_token(n, code, unit_token(form)) for n in numbers]),
            entry_exists(session, "record_number", numbers, within.format(measure, one.condition())),
        )
        for form, one in matching_units(session, number, unit[0], unit[1]).items()
    ]
    return any_of(by_unit)


def _dated(_session: Session, numbers: Sequence[int], parts: Sequence[str]) -> sql.Composable | None:
    code = unescape(parts[0])
    fits = ranges.date_condition(*split_prefix(parts[1]))
    if fits is None:
        return None
    return sql.SQL(
        "r.pk in (select pk from (select a.pk, a.value as lo, b.value as hi from record_number a"
        " join record_number b on b.pk = a.pk and b.param = a.param and b.unit = {hi}"
        " where a.param = any({numbers}::smallint[]) and a.unit = {lo}) spans where {fits})"
    ).format(
        lo=sql.Literal(composites.measure_token(code, "lo")),
        hi=sql.Literal(composites.measure_token(code, "hi")),
        numbers=sql.Literal(list(numbers)),
        fits=fits,
    )


def _worded(session: Session, numbers: Sequence[int], parts: Sequence[str]) -> sql.Composable:
    start = composites.said(unescape(parts[0]), fold(unescape(parts[1])))
    return entry_exists(session, "record_string", numbers, starts(start))


def _related(session: Session, numbers: Sequence[int], parts: Sequence[str]) -> sql.Composable:
    """The two parts of R4's one such parameter are published in one order and meant in the other: both are taken."""
    first, second = map(unescape, parts)
    known = pks_of_references(session, [first, second])
    keys = [(str(pk), second) for pk in known[first]] + [(str(pk), first) for pk in known[second]]
    keys += [(first, second), (second, first)]
    return has_any([composites.related_token(n, target, code) for n in numbers for target, code in keys])


def _spans(session: Session, numbers: Sequence[int], parts: Sequence[str]) -> sql.Composable | None:
    ends = [ranges.read_number(*split_prefix(part)) for part in parts[1:]]
    if ends[0] is None or ends[1] is None:
        return None
    code = has_any([hashed(n, "p", unescape(parts[0])) for n in numbers])
    fits = sql.SQL("{} and {}").format(ends[0].condition("lo"), ends[1].condition("hi"))
    return sql.SQL("({} and {})").format(code, entry_exists(session, "record_date", numbers, fits))


_KINDS: dict[tuple[str, ...], Callable[[Session, Sequence[int], Sequence[str]], sql.Composable | None]] = {
    ("token", "token"): _coded,
    ("token", "quantity"): _measured,
    ("token", "date"): _dated,
    ("token", "string"): _worded,
    ("reference", "token"): _related,
    ("token", "reference"): _related,
    ("token", "number", "number"): _spans,
}
