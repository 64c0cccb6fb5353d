"""Conditions on the side tables: texts, dates, numbers, quantities, places (FHIR R4 3.1.1.4.5 to 3.1.1.4.11)."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

from psycopg import sql

from tracker_core.database import Session
from tracker_core.errors import Malformed
from tracker_core.records import vocabulary
from tracker_core.records.definitions import Parameter
from tracker_core.records.entries import LATITUDE, LONGITUDE, PART
from tracker_core.records.extraction import sources
from tracker_core.records.search import ranges
from tracker_core.records.search.composing import any_of
from tracker_core.records.search.criteria import Criterion, cut, unescape
from tracker_core.records.search.probing import entry_exists
from tracker_core.records.search.ranges import Number
from tracker_core.records.terms import fold, unit_token
from tracker_core.records.units import UCUM, scale

TABLES = {
    "string": "record_string",
    "date": "record_date",
    "number": "record_number",
    "quantity": "record_number",
    "special": "record_number",
}
_LAST = "\U0010ffff"
_EARTH = 6_371.0088  # km, the mean radius
_USUAL_DISTANCE = "50"  # km; R4 leaves it to the server


def side(session: Session, type_: str, criterion: Criterion) -> sql.Composable:
    """Return the condition that an entry of a side table fits the one value of the criterion."""
    parameter, value = criterion.parameter, criterion.values[0]
    numbers = sources(type_)[parameter.code].numbers
    if parameter.type == "special":
        return _near(parameter, numbers, value)
    if parameter.type == "string":
        return _worded(session, numbers, criterion.modifier, unescape(value))
    fits = _fits(session, parameter, criterion.prefixes[0], value)
    if fits is None:
        raise malformed(parameter, value)
    return entry_exists(session, TABLES[parameter.type], numbers, fits)


def malformed(parameter: Parameter, value: str) -> Malformed:
    """Return the refusal of a value that is not what its parameter takes."""
    return Malformed(f"{value!r} is no {parameter.type} for {parameter.code}", where=parameter.code)


def _fits(session: Session, parameter: Parameter, prefix: str, value: str) -> sql.Composable | None:
    if parameter.type == "date":
        return ranges.date_condition(prefix, value)
    parts = [unescape(part) for part in cut(value, "|")]
    number = ranges.read_number(prefix, parts[0])
    if number is None or len(parts) > (3 if parameter.type == "quantity" else 1) or len(parts) == 2:
        return None
    if not any(parts[1:]):
        return sql.SQL("unit = 0 and {}").format(number.condition())
    return _in_units(matching_units(session, number, *parts[1:]))


def _in_units(units: Mapping[str, Number]) -> sql.Composable:
    by_number: dict[Number, list[int]] = {}
    for form, one in units.items():
        by_number.setdefault(one, []).append(unit_token(form))
    parts = [
        sql.SQL("(unit = any({}::bigint[]) and {})").format(sql.Literal(tokens), one.condition())
        for one, tokens in by_number.items()
    ]
    return any_of(parts)


def matching_units(session: Session, number: Number, system: str, code: str) -> dict[str, Number]:
    """Return the units that some quantity is written in and that stand for `code`, with the number in each of them.

    A UCUM code stands for every unit that measures the same; without a system, `code` may also be the unit as shown.
    """
    here = scale(code) if system == UCUM else None
    out: dict[str, Number] = {}
    for form in vocabulary.units(session):
        its_system, its_code, shown = form.split("|", 2)
        same = its_system == system and code in ("", its_code)
        if same or (not system and code in (its_code, shown)):
            out[form] = number
        elif here is not None and its_system == UCUM:
            there = scale(its_code)
            if there is not None and there.dimension == here.dimension:
                out[form] = number.scaled(here, there)
    return out


def _worded(session: Session, numbers: Sequence[int], modifier: str, text: str) -> sql.Composable:
    folded = fold(text)
    literal = sql.Literal(folded)
    if modifier == "contains":
        return entry_exists(session, "record_string", numbers, sql.SQL("strpos(value, {}) > 0").format(literal))
    if modifier == "ends":
        return entry_exists(
            session, "record_string", numbers, sql.SQL("right(value, {}) = {}").format(len(folded), literal)
        )
    if modifier == "exact":
        found = entry_exists(session, "record_string", numbers, sql.SQL("value = {}").format(literal))
        return sql.SQL("({} and {})").format(found, _says(text))
    return entry_exists(session, "record_string", numbers, starts(folded))


def starts(folded: str) -> sql.Composable:
    """Return the condition that a text begins with `folded`: a range, which an index answers."""
    low, high = sql.Literal(folded.replace(PART, "")), sql.Literal(folded.replace(PART, "") + _LAST)
    return sql.SQL("value >= {} and value < {}").format(low, high)


def _says(text: str) -> sql.Composable:
    """Return the condition that the document holds this very text: entries are folded, `:exact` is not."""
    forms = sorted({json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()})
    return sql.SQL("exists (select from record_version v where v.pk = r.pk and v.version = r.version and ({}))").format(
        any_of([sql.SQL("position({}::bytea in v.doc) > 0").format(sql.Literal(form)) for form in forms])
    )


def _near(parameter: Parameter, numbers: Sequence[int], value: str) -> sql.Composable:
    """Return the condition that a place is within a distance: `latitude|longitude|distance|unit` (R4 Location)."""
    parts = [unescape(part) for part in cut(value, "|")]
    latitude, longitude = (_decimal(part) for part in [*parts, ""][:2])
    distance = _decimal((parts[2] if len(parts) > 2 else "") or _USUAL_DISTANCE)
    here, km = scale((parts[3] if len(parts) > 3 else "") or "km"), scale("km")
    if latitude is None or longitude is None or distance is None or len(parts) > 4 or distance < 0:
        raise Malformed(f"{value!r} is not written latitude|longitude|distance|unit", where=parameter.code)
    if here is None or km is None or here.dimension != km.dimension or abs(latitude) > 90:
        raise Malformed(f"{value!r} names no length in UCUM, or no place on earth", where=parameter.code)
    reach = float(km.from_other(distance, here))
    degrees = reach / 111.19 * 1.01 + 1e-6
    return sql.SQL(
        "r.pk in (select a.pk from record_number a join record_number o on o.pk = a.pk and o.param = a.param"
        " and o.unit = {lon} where a.param = any({numbers}::smallint[]) and a.unit = {lat}"
        " and a.value between {south} and {north} and {earth} * 2 * asin(least(1, sqrt("
        "sind((a.value - {y}) / 2) ^ 2 + cosd(a.value) * cosd({y}) * sind((o.value - {x}) / 2) ^ 2))) <= {reach})"
    ).format(
        lat=LATITUDE,
        lon=LONGITUDE,
        numbers=sql.Literal(list(numbers)),
        south=sql.Literal(float(latitude) - degrees),
        north=sql.Literal(float(latitude) + degrees),
        earth=sql.Literal(_EARTH),
        y=sql.Literal(float(latitude)),
        x=sql.Literal(float(longitude)),
        reach=sql.Literal(reach),
    )


def _decimal(text: str) -> Decimal | None:
    number = ranges.read_number("eq", text)
    return number.exact if number else None
