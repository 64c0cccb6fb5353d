"""Handing out generated attribute values, each to one caller, for a time (Web API 2.42, "Reserved … values").

A value is free when no tracked entity has it and no reservation that still holds names it. Callers of one key follow
each other on the row of its counter, so that a value never goes to two of them. A sequence never gives a number again.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker_core.database import Session
from tracker_core.errors import Conflict
from tracker_core.metadata import Attribute
from tracker_core.tracker import patterns
from tracker_core.tracker.patterns import Resolved, Segment
from tracker_core.tracker.unique import folded

# Up to so many possible values all are looked through; of more, random ones are tried.
_FEW = 20_000
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Reservation:
    """One value and until when nobody else gets it."""

    key: str
    value: str
    created: datetime
    until: datetime


def reserve(
    session: Session, attribute: Attribute, given: Mapping[str, str], count: int, lasting: timedelta, username: str
) -> list[Reservation]:
    """Reserve `count` values of `attribute`, all or none; `given` has what the pattern requires of the caller.

    Raises `Conflict` when the attribute has no pattern, something required is missing, or too few values are left.
    """
    if not attribute.pattern:
        raise Conflict(f"The attribute {attribute.uid} is not generated")
    row = session.execute("select now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    resolved = patterns.resolve(patterns.parse_pattern(attribute.pattern), given, now.date())
    counter = _lock(session, attribute, resolved.key)
    session.execute(
        "delete from reserved_value where attribute = %s and key = %s and until <= %s",
        (attribute.pk, resolved.key, now),
    )
    spell = Spell(attribute, resolved, now, now + lasting, username)
    values = _take(session, spell, count, counter)
    if len(values) < count:
        raise Conflict(f"Not enough values left to reserve {count} values.")
    return [Reservation(resolved.key, value, now, spell.until) for value in values]


@dataclass(frozen=True, slots=True)
class Spell:
    """What the reservations of one call have in common."""

    attribute: Attribute
    resolved: Resolved
    since: datetime
    until: datetime
    username: str


def _lock(session: Session, attribute: Attribute, key: str) -> int:
    """Wait for the other callers of this key; return the next number of its sequence."""
    row = session.execute(
        "insert into value_counter (attribute, key) values (%s, %s)"
        " on conflict (attribute, key) do update set next = value_counter.next returning next",
        (attribute.pk, key),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _take(session: Session, spell: Spell, count: int, counter: int) -> list[str]:
    segment = spell.resolved.generated
    if segment is None:
        return _keep(session, spell, [""], 1)
    if segment.method == "SEQUENTIAL":
        return _take_numbers(session, spell, segment, count, counter)
    if patterns.space(segment) <= _FEW:
        all_values = list(patterns.every(segment))
        random.shuffle(all_values)
        return _keep(session, spell, all_values, count)
    values: list[str] = []
    for _ in range(_TRIES):
        tried = {patterns.random_value(segment) for _ in range(count - len(values))}
        values += _keep(session, spell, tried, count - len(values))
        if len(values) == count:
            break
    return values


def _take_numbers(session: Session, spell: Spell, segment: Segment, count: int, counter: int) -> list[str]:
    values: list[str] = []
    width = len(segment.format)
    while len(values) < count and counter < 10**width:
        upper = min(counter + count - len(values), 10**width)
        values += _keep(session, spell, [f"{number:0{width}d}" for number in range(counter, upper)], count)
        counter = upper
    session.execute(
        "update value_counter set next = %s where attribute = %s and key = %s",
        (counter, spell.attribute.pk, spell.resolved.key),
    )
    return values


def _keep(session: Session, spell: Spell, made: Iterable[str], most: int) -> list[str]:
    """Reserve the first `most` values around `made` that are free; return them in that order."""
    values = [spell.resolved.value(part) for part in made]
    rows = session.execute(
        "insert into reserved_value (attribute, value, key, since, until, username)"
        " select %s, a.value, %s, %s, %s, %s from unnest(%b::text[], %b::text[]) with ordinality"
        " as a (value, folded, n)"
        " where not exists (select from attribute_value v where v.attribute = %s and v.folded = a.folded"
        " and v.value = a.value) and not exists (select from reserved_value r where r.attribute = %s"
        " and r.value = a.value) order by a.n limit %s on conflict (attribute, value) do nothing returning value",
        (
            spell.attribute.pk,
            spell.resolved.key,
            spell.since,
            spell.until,
            spell.username,
            values,
            [folded(value) for value in values],
            spell.attribute.pk,
            spell.attribute.pk,
            most,
        ),
    ).fetchall()
    kept = {row[0] for row in rows}
    return [value for value in values if value in kept]


def reserved(session: Session, pairs: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return which of these (attribute pk, value) are reserved just now."""
    rows = session.execute(
        "select r.attribute, r.value from unnest(%b::bigint[], %b::text[]) as a (attribute, value)"
        " join reserved_value r on r.attribute = a.attribute and r.value = a.value where r.until > now()",
        ([pk for pk, _ in pairs], [value for _, value in pairs]),
    )
    return {(attribute, value) for attribute, value in rows}


def use(session: Session, pairs: Sequence[tuple[int, str]]) -> None:
    """End the reservations of (attribute pk, value) that tracked entities have from now on.

    When such a value is cleared again, it is free.
    """
    if pairs:
        session.execute(
            "delete from reserved_value r using unnest(%b::bigint[], %b::text[]) as a (attribute, value)"
            " where r.attribute = a.attribute and r.value = a.value",
            ([pk for pk, _ in pairs], [value for _, value in pairs]),
        )
