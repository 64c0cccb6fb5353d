"""Stored records as values, and the ways to read them by what they are: reference, key, person, change set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker_core.database import AsyncSession, Session
from tracker_core.records.definitions import resource_types, type_names


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a record. `doc` is what was stored, to the byte; empty when `deleted`.

    `subject` is the person it belongs to (pk of a tracked entity), `source` the peer that sent it.
    """

    pk: int
    type: str
    id: str
    version: int
    updated: datetime
    deleted: bool
    subject: int | None
    source: int | None
    doc: bytes

    @property
    def reference(self) -> str:
        """The record as others refer to it: `Patient/abc`."""
        return f"{self.type}/{self.id}"


COLUMNS = "r.pk, r.type, r.id, v.version, v.updated, v.deleted, r.subject, r.source, v.doc"
_CURRENT = f"select {COLUMNS} from record r join record_version v on v.pk = r.pk and v.version = r.version"


def stored(row: Sequence[Any]) -> Stored:
    """Return a row of `COLUMNS` as a value."""
    return Stored(row[0], type_names()[row[1]], *row[2:])


def read(session: Session, references: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
    """Return the current version of each `(type, id)` that was ever stored, deleted ones included."""
    numbers = resource_types()
    known = [(numbers[t], id) for t, id in references if t in numbers]
    rows = session.execute(
        f"{_CURRENT} join unnest(%b::smallint[], %b::text[]) w (type, id) on r.type = w.type and r.id = w.id",
        ([t for t, _ in known], [id for _, id in known]),
    )
    return {(one.type, one.id): one for one in map(stored, rows)}


async def read_one(session: AsyncSession, type_: str, id: str) -> Stored | None:
    """Return the current version of one record, as `read` does, in the event loop."""
    cursor = await session.execute(f"{_CURRENT} where r.type = %s and r.id = %s", (resource_types()[type_], id))
    row = await cursor.fetchone()
    return stored(row) if row else None


def by_pk(session: Session, pks: Iterable[int]) -> dict[int, Stored]:
    """Return the current version of each record by its key, deleted ones included."""
    rows = session.execute(f"{_CURRENT} where r.pk = any(%b::bigint[])", (list(pks),))
    return {one.pk: one for one in map(stored, rows)}


def of_subject(session: Session, subjects: Sequence[int], types: Sequence[str] = ()) -> list[Stored]:
    """Return the live records of these persons, by person, type and age; of all types unless some are given."""
    numbers = [resource_types()[t] for t in types]
    rows = session.execute(
        f"{_CURRENT} where r.subject = any(%b::bigint[]) and not r.deleted"
        " and (%b::smallint[] = '{}' or r.type = any(%b::smallint[])) order by r.subject, r.type, r.pk",
        (list(subjects), numbers, numbers),
    )
    return [stored(row) for row in rows]


def sent_by(session: Session, source: int, references: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Return those of these records (type, id) that a peer sent, as references."""
    numbers, names = resource_types(), type_names()
    known = [(numbers[t], id) for t, id in references if t in numbers]
    rows = session.execute(
        "select r.type, r.id from record r join unnest(%b::smallint[], %b::text[]) w (type, id)"
        " on r.type = w.type and r.id = w.id where r.source = %s",
        ([t for t, _ in known], [id for _, id in known], source),
    )
    return frozenset(f"{names[type]}/{id}" for type, id in rows)


def patients_of(session: Session, source: int, references: Sequence[tuple[str, str]]) -> list[Stored]:
    """Return the live Patient records that a peer sent of the persons whom these records (type, id) belong to."""
    numbers = resource_types()
    known = [(numbers[t], id) for t, id in references if t in numbers]
    rows = session.execute(
        f"{_CURRENT} where r.type = %s and r.source = %s and not r.deleted and r.subject in (select s.subject"
        " from record s join unnest(%b::smallint[], %b::text[]) w (type, id) on s.type = w.type and s.id = w.id)"
        " order by r.pk",
        (numbers["Patient"], source, [t for t, _ in known], [id for _, id in known]),
    )
    return [stored(row) for row in rows]


def latest_of_subject(session: Session, subject: int, count: int) -> list[Stored]:
    """Return the newest `count` live Observations of each code of a person, by code and age: only these are read."""
    rows = session.execute(
        "with placed as (select r.pk, k.token, row_number() over (partition by k.token order by k.at desc, r.pk desc)"
        " as place from record r join record_ranked k on k.pk = r.pk where r.subject = %s and r.type = %s"
        " and not r.deleted), kept as (select pk, min(token) as token, min(place) as place from placed"
        " where place <= %s group by pk)"
        f" {_CURRENT} join kept on kept.pk = r.pk order by kept.token, kept.place",
        (subject, resource_types()["Observation"], count),
    )
    return [stored(row) for row in rows]


def read_version(session: Session, type_: str, id: str, version: int) -> Stored | None:
    """Return one version of a record, or None."""
    row = session.execute(
        f"select {COLUMNS} from record r join record_version v on v.pk = r.pk"
        " where r.type = %s and r.id = %s and v.version = %s",
        (resource_types()[type_], id, version),
    ).fetchone()
    return stored(row) if row else None


def earlier(session: Session, versions: Sequence[Stored]) -> dict[int, Stored]:
    """Return, by key, the version before each of these; a record's first version has none."""
    rows = session.execute(
        f"select {COLUMNS} from unnest(%b::bigint[], %b::int[]) w (pk, version) join record r on r.pk = w.pk"
        " join record_version v on v.pk = w.pk and v.version = w.version - 1",
        ([one.pk for one in versions], [one.version for one in versions]),
    )
    return {one.pk: one for one in map(stored, rows)}


def walk(session: Session, types: Sequence[str], after: int, count: int) -> list[Stored]:
    """Return the next `count` live records of these types whose key is greater than `after`, by key."""
    rows = session.execute(
        f"{_CURRENT} where r.pk > %s and not r.deleted and r.type = any(%b::smallint[]) order by r.pk limit %s",
        (after, [resource_types()[t] for t in types], count),
    )
    return [stored(row) for row in rows]
