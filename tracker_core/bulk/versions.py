"""The records of one moment, walked by key and streamed as bytes: no snapshot is held, and nothing is kept in memory.

Versions are never changed, so the records as of a time below the horizon are the same whenever they are asked for: an
export can be interrupted and go on, hours later, and still be of one moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import sql

from tracker_core.database import Session
from tracker_core.records.definitions import compartments, resource_types, type_names
from tracker_core.records.search.composing import all_of, any_of
from tracker_core.records.search.conditions import condition
from tracker_core.records.search.criteria import Condition
from tracker_core.records.search.everything import patient_numbers
from tracker_core.records.search.tokens import Codes, no_codes
from tracker_core.records.terms import reference_token

_TYPES = ("int8", "int2", "bool", "text", "bytea")


@dataclass(frozen=True, slots=True)
class Line:
    """One record as it was; `doc` is empty when it was `deleted` by then."""

    pk: int
    type: str
    deleted: bool
    id: str
    doc: bytes


@dataclass(frozen=True, slots=True)
class Members:
    """The persons that an export is limited to; of those who have other Patients besides, `shared`, only `patients`."""

    persons: Sequence[int]
    shared: Sequence[int] = ()
    patients: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """What is exported: records of `types` as of `before`, changed at or after `since` (then deletions, too).

    `of_patients` leaves out what belongs to nobody. `filters` are alternatives, by type, each a list of conditions
    that all hold; they are judged by what a record is now.
    """

    types: Sequence[str]
    before: datetime
    since: datetime | None = None
    of_patients: bool = False
    filters: Mapping[str, Sequence[Sequence[Condition]]] = field(default_factory=dict)
    codes: Codes = no_codes


def check(session: Session, reach: Reach) -> None:
    """Raise `Malformed` or `Unsupported` for a filter that cannot be searched by."""
    _kinds(session, reach)


def count(session: Session, reach: Reach) -> int:
    """Return about how many records there are to walk past, for telling how far a walk has come."""
    row = session.execute(
        sql.SQL("select count(*) from record r where {}").format(_all_types(reach)),
    ).fetchone()
    return int(row[0]) if row else 0


def walk(session: Session, reach: Reach, after: int, limit: int) -> Iterator[Line | int]:
    """Yield the next `limit` records with keys above `after`, by key; fewer mean that it is the end.

    One that is not to be given, because it was not there or was deleted by then, is its key alone. Rows are not held
    back: a record of many megabytes takes its own size in memory, and no more.
    """
    chosen = _chosen(session, reach, [sql.SQL("r.pk > {}").format(sql.Literal(after))])
    yield from _stream(session, reach, sql.SQL("{} order by r.pk limit {}").format(chosen, sql.Literal(limit)))


def walk_members(session: Session, reach: Reach, members: Members) -> Iterator[Line | int]:
    """Yield, as `walk` does, the records of these members: their Patients and what refers to those (R4 2.11)."""
    chosen = _chosen(session, reach, [_of_members(members)])
    yield from _stream(session, reach, sql.SQL("{} order by r.pk").format(chosen))


def _of_members(members: Members) -> sql.Composable:
    """Others' records of the same person are not the member's; telling costs, and few persons have any."""
    belongs = sql.SQL("r.subject = any({}::bigint[])").format(sql.Literal(list(members.persons)))
    if not members.shared:
        return belongs
    tokens = [reference_token(n, pk) for pk in members.patients for n in patient_numbers()]
    own = sql.SQL(
        "(r.subject <> all({shared}::bigint[]) or r.pk = any({patients}::bigint[]) or r.tokens && {tokens}::bigint[])"
    ).format(
        shared=sql.Literal(list(members.shared)),
        patients=sql.Literal(list(members.patients)),
        tokens=sql.Literal(tokens),
    )
    return all_of([belongs, own])


def _chosen(session: Session, reach: Reach, parts: Sequence[sql.Composable]) -> sql.Composable:
    """Return the query for the heads of records that may be given."""
    conditions = [*parts, _kinds(session, reach), *_bounds(reach)]
    return sql.SQL("select r.pk, r.type, r.id from record r where {}").format(all_of(conditions))


def _bounds(reach: Reach) -> list[sql.Composable]:
    # What was changed since is changed still; the version that is given is looked at, too.
    since = [sql.SQL("r.updated >= {}").format(sql.Literal(reach.since))] if reach.since else []
    return [*since, *([sql.SQL("r.subject is not null")] if reach.of_patients else [])]


def _kinds(session: Session, reach: Reach) -> sql.Composable:
    numbers = resource_types()
    whole = [numbers[name] for name in reach.types if name not in reach.filters]
    parts: list[sql.Composable] = [sql.SQL("r.type = any({}::smallint[])").format(sql.Literal(whole))] if whole else []
    for name, alternatives in reach.filters.items():
        chosen = [all_of([condition(session, name, one, reach.codes) for one in all_]) for all_ in alternatives]
        parts.append(sql.SQL("(r.type = {} and {})").format(sql.Literal(numbers[name]), any_of(chosen)))
    return any_of(parts)


def _all_types(reach: Reach) -> sql.Composable:
    numbers = resource_types()
    types = sql.SQL("r.type = any({}::smallint[])").format(sql.Literal([numbers[name] for name in reach.types]))
    return all_of([types, *_bounds(reach)])


def _stream(session: Session, reach: Reach, chosen: sql.Composable) -> Iterator[Line | int]:
    """Yield the version of each chosen record that was current then: heads first, so that no plan reads them all."""
    since = sql.Literal(reach.since)
    given = sql.SQL("v.updated >= {}").format(since) if reach.since else sql.SQL("not v.deleted")
    query = sql.SQL(
        "copy (select r.pk, r.type, v.deleted, r.id, v.doc from ({chosen}) r left join lateral (select * from"
        " record_version x where x.pk = r.pk and x.updated < {before} order by x.version desc limit 1) v on {given}"
        " order by r.pk) to stdout (format binary)"
    ).format(chosen=chosen, before=sql.Literal(reach.before), given=given)
    names = type_names()
    with session.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types(_TYPES)
        for pk, type_, deleted, id, doc in copy.rows():
            yield pk if doc is None else Line(pk, names[type_], deleted, id, doc)


def patient_types() -> list[str]:
    """Return the types that belong to a patient: the members of the Patient compartment."""
    return [name for name in compartments()["Patient"] if name in resource_types()]
