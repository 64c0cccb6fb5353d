"""Lineage: from a reported number to its cases, and from each case to the bytes that brought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tracker_core.aggregates.values import Key
from tracker_core.database import Session
from tracker_core.errors import NotFound
from tracker_core.records.definitions import type_names


@dataclass(frozen=True, slots=True)
class Origin:
    """The change that gave a fact its state, and the message that brought it; no message: entered here.

    `size` is in bytes, `digest` the SHA-256 of them in hexadecimal.
    """

    change_set: int
    at: datetime
    actor: str
    message: int | None
    format: str | None
    type: str | None
    peer: str | None
    size: int | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One case of a number. `kind` is `enrollment`, `event` or a record type; `id` its uid or record id.

    `version` is that of the record that counted; 0 for tracker objects. `person` is the uid of the tracked entity.
    """

    pk: int
    kind: str
    id: str
    version: int
    person: str | None
    day: date | None
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """A number and what it is made of. `submission` is 0 for the number as it stands now."""

    value: int
    key: Key
    org_unit: str
    number: str | None
    report: str | None
    definition_version: int | None
    submission: int
    facts: list[Fact]


_ORIGIN = """s.id, s.at, s.actor, m.id, m.format, m.type, p.code, octet_length(m.body), encode(m.digest, 'hex')"""
_ORIGIN_JOINS = "left join message m on m.id = s.message left join peer p on p.id = coalesce(m.peer, s.peer)"

# What a run saw: changes visible in its snapshot, and those of its own transaction.
_SEEN = """(%(run)s::bigint is null or exists (select from report_run r join change_set own on own.id = r.change_set
    where r.pk = %(run)s and (pg_visible_in_snapshot(s.xid, r.snapshot) or s.xid = own.xid)))"""

_RECORDS = f"""
select r.pk, r.type, r.id, v.version, t.uid, d.day, {_ORIGIN}
from record r
join lateral (select v.version, v.change_set from record_version v join change_set s on s.id = v.change_set
    where v.pk = r.pk and {_SEEN} order by v.version desc limit 1) v on true
join change_set s on s.id = v.change_set
left join tracked_entity t on t.pk = r.subject
left join lateral (select min(day) as day from diagnosis where record = r.pk) d on true
{_ORIGIN_JOINS}
where r.pk = any(%(targets)b) order by d.day, r.pk"""

_ROWS = """
select x.pk, '{kind}', x.uid, 0, t.uid, x.{date}::date, {origin}
from {kind} x
left join lateral (select c.change_set from change c join change_set s on s.id = c.change_set
    where c.kind = '{kind}' and c.target = x.pk and {seen} order by c.id desc limit 1) c on true
left join change_set s on s.id = coalesce(c.change_set, x.created_in)
left join tracked_entity t on t.pk = x.entity
{joins}
where x.pk = any(%(targets)b) order by 6, 1"""


def why(session: Session, value: int, submission: int = 0) -> Lineage:
    """Return what the value `value` (pk) is made of now, or was when `submission` was made of it.

    A past number is explained by the versions that its run saw, even when the cases were edited or deleted since.
    Raises `NotFound` for a value, or a submission, that does not exist or does not hold the value.
    """
    head = session.execute(
        "select v.data_element, v.period, v.org_unit, v.category_option_combo, v.attribute_option_combo, u.uid,"
        " case when not v.deleted then v.value end, d.code, d.version from aggregate_value v"
        " join org_unit u on u.pk = v.org_unit left join report_definition d on d.pk = v.definition where v.pk = %s",
        (value,),
    ).fetchone()
    if head is None:
        raise NotFound(f"there is no aggregate value {value}")
    number, version, run, targets = head[6], head[8], None, _targets(session, value)
    if submission:
        number, version, run, targets = _as_sent(session, value, submission)
    facts = _facts(session, targets, run)
    return Lineage(value, Key(*head[:5]), head[5], number, head[7], version, submission, facts)


def find(session: Session, key: Key) -> int:
    """Return the pk of the value stored under `key`. Raises `NotFound`."""
    row = session.execute(
        "select pk from aggregate_value where (data_element, period, org_unit, category_option_combo,"
        " attribute_option_combo) = (%s, %s, %s, %s, %s)",
        tuple(key),
    ).fetchone()
    if row is None:
        raise NotFound("there is no such value")
    return int(row[0])


def _targets(session: Session, value: int) -> list[int]:
    rows = session.execute("select target from aggregate_fact where value = %s order by target", (value,))
    return [row[0] for row in rows]


def _as_sent(session: Session, value: int, submission: int) -> tuple[str | None, int | None, int, list[int]]:
    row = session.execute(
        "select sv.sent, (s.definition ->> 'version')::int, s.run, sv.facts from submission_value sv"
        " join submission s on s.pk = sv.submission where sv.submission = %s and sv.value = %s",
        (submission, value),
    ).fetchone()
    if row is None:
        raise NotFound(f"submission {submission} does not hold the value {value}")
    return row[0], row[1], row[2], list(row[3])


def _facts(session: Session, targets: Sequence[int], run: int | None) -> list[Fact]:
    names = type_names()
    terms = {"targets": list(targets), "run": run}
    records = [(row[0], names[row[1]], *row[2:]) for row in session.execute(_RECORDS, terms)]
    rows = []
    for kind, day in (("enrollment", "enrolled_at"), ("event", "occurred_at")):
        query = _ROWS.format(kind=kind, date=day, origin=_ORIGIN, joins=_ORIGIN_JOINS, seen=_SEEN)
        rows += session.execute(query, terms).fetchall()
    return [_fact(*row) for row in [*records, *rows]]


def _fact(pk: int, kind: str, id: str, version: int, person: str | None, day: date | None, *origin: Any) -> Fact:
    return Fact(pk, kind, id, version, person, day, Origin(*origin) if origin[0] is not None else None)
