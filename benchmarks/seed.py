"""Fill a hub's database with invented persons, fast: `python -m benchmarks.seed URL --entities 1000000`.

Each person has six attributes, one enrollment with its owner and two events of ten values; every fifth brings a single
event, every tenth a relationship. The rows are what imports would have made, without their change log. They go in by
COPY while the secondary indexes and the foreign keys rest; both are back when the seed ends.
"""

import argparse
import random
import secrets
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from benchmarks import population as p
from hub import migrations
from tracker_core import history, metadata
from tracker_core.database import Session

CHUNK = 5_000
_LETTERS = bytes(ord(string.ascii_letters[n % 52]) for n in range(256))
_ALL = bytes(ord((string.ascii_letters + string.digits)[n % 62]) for n in range(256))
_STAMPS = "created, updated, created_in, updated_in"
_TABLES = {
    "tracked_entity": f"pk, uid, type, org_unit, {_STAMPS}",
    "attribute_value": "entity, attribute, value, folded, unique_key, created, updated, updated_in",
    "enrollment": f"pk, uid, entity, program, org_unit, status, enrolled_at, occurred_at, {_STAMPS}",
    "program_owner": "entity, program, org_unit, created, updated, updated_in",
    "event": "pk, uid, enrollment, entity, program, stage, org_unit, status, occurred_at, scheduled_at, data,"
    f" {_STAMPS}",
    "relationship": f"pk, uid, type, from_kind, from_pk, to_kind, to_pk, {_STAMPS}",
}


@dataclass(slots=True)
class Seed:
    """What the rows are made of: keys of the metadata, the change set, chance, and how many of each were made."""

    keys: dict[str, int]
    change_set: int
    chance: random.Random
    lines: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in _TABLES})
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TABLES, 0))


def seed(url: str, entities: int) -> dict[str, int]:
    """Bring the schema up to date, import the metadata and add persons; return how many rows each table got."""
    migrations.upgrade(url)
    with psycopg.connect(url, options="-c timezone=UTC") as session:
        made = _begin(session)
        with _unhindered(session):
            for start in range(0, entities, CHUNK):
                _add(session, made, min(CHUNK, entities - start))
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("vacuum analyze")
    return made.counts


def _begin(session: Session) -> Seed:
    metadata.bootstrap(session)
    context = history.open_change_set(session, actor="seed")
    report = metadata.import_objects(session, context, p.configuration())
    assert not report.errors, report.errors[:3]
    session.execute("update change_set set dispatched = true where id = %s", (context.change_set,))
    keys = {uid: pk for pk, uid in metadata.load(session).uids.items()}
    session.commit()
    return Seed(keys, context.change_set, random.Random(secrets.randbits(64)))


@contextmanager
def _unhindered(session: Session) -> Iterator[None]:
    """Take secondary indexes away and let foreign keys rest, which needs a superuser; put all of it back after."""
    rows = session.execute(
        "select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = any(%s)"
        " and indexname not in (select conname from pg_constraint)",
        (list(_TABLES),),
    ).fetchall()
    for name, _ in rows:
        session.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    session.execute("set session_replication_role = replica")
    session.execute("set synchronous_commit = off")
    session.execute("set maintenance_work_mem = '512MB'")
    session.commit()
    try:
        yield
    finally:
        session.rollback()
        for _, definition in rows:
            session.execute(definition)
        session.commit()


def _add(session: Session, made: Seed, count: int) -> None:
    first = _reserve(session, count * 6)
    uids = _uids(made.chance, count * 6)
    for n in range(count):
        _person(made, first + n * 6, uids[n * 6 : n * 6 + 6], linked=n > 0)
    for table, lines in made.lines.items():
        with session.cursor().copy(f"copy {table} ({_TABLES[table]}) from stdin") as copy:
            copy.write("".join(lines))
        made.counts[table] += len(lines)
        lines.clear()
    session.commit()


def _reserve(session: Session, count: int) -> int:
    """Take `count` consecutive object keys."""
    row = session.execute("select setval('object_pk', nextval('object_pk') + %s)", (count,)).fetchone()
    assert row is not None
    return int(row[0]) - count


def _uids(chance: random.Random, count: int) -> list[str]:
    heads = chance.randbytes(count).translate(_LETTERS).decode()
    tails = chance.randbytes(10 * count).translate(_ALL).decode()
    return [heads[n] + tails[10 * n : 10 * n + 10] for n in range(count)]


def _person(made: Seed, pk: int, uids: list[str], *, linked: bool) -> None:
    chance, keys, lines = made.chance, made.keys, made.lines
    unit = keys[p.facility(int(chance.random() * p.FACILITIES))]
    at = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(seconds=int(chance.random() * 94_000_000))
    day, stamps = at.date().isoformat(), f"{at.isoformat()}\t{at.isoformat()}\t{made.change_set}\t{made.change_set}\n"
    lines["tracked_entity"].append(f"{pk}\t{uids[0]}\t{keys[p.PERSON]}\t{unit}\t{stamps}")
    _attributes(made, pk, uids[0], at)
    status = "COMPLETED" if chance.random() < 0.3 else "ACTIVE"
    places = f"{keys[p.PROGRAM]}\t{unit}"
    lines["enrollment"].append(f"{pk + 1}\t{uids[1]}\t{pk}\t{places}\t{status}\t{day}\t{day}\t{stamps}")
    lines["program_owner"].append(f"{pk}\t{places}\t{at.isoformat()}\t{at.isoformat()}\t{made.change_set}\n")
    for offset, stage in ((2, p.VISIT), (3, p.RESULT)):
        parents = f"{pk + 1}\t{pk}\t{keys[p.PROGRAM]}\t{keys[stage]}\t{unit}"
        lines["event"].append(
            f"{pk + offset}\t{uids[offset]}\t{parents}\t{status}\t{day}\t{day}\t{_data(chance)}\t{stamps}"
        )
    if chance.random() < 0.2:
        parents = f"\\N\t\\N\t{keys[p.SINGLE]}\t{keys[p.SINGLE_STAGE]}\t{unit}"
        lines["event"].append(f"{pk + 4}\t{uids[4]}\t{parents}\tACTIVE\t{day}\t\\N\t{_data(chance)}\t{stamps}")
    if linked and chance.random() < 0.1:
        sides = f"trackedEntity\t{pk}\ttrackedEntity\t{pk - 6}"
        lines["relationship"].append(f"{pk + 5}\t{uids[5]}\t{keys[p.HOUSEHOLD]}\t{sides}\t{stamps}")


def _attributes(made: Seed, pk: int, uid: str, at: datetime) -> None:
    chance = made.chance
    given = p.GIVEN[int(chance.random() * len(p.GIVEN))]
    family = p.FAMILY[int(chance.random() * len(p.FAMILY))]
    born = f"{1940 + int(chance.random() * 84)}-0{1 + int(chance.random() * 9)}-{10 + int(chance.random() * 18)}"
    phone, number = f"+255{int(chance.random() * 10**9):09d}", f"S{pk:011d}"
    values = (
        (p.FIRST, given),
        (p.LAST, family),
        (p.BORN, born),
        (p.SEX, "F" if uid[0] > "Z" else "M"),
        (p.PHONE, phone),
    )
    stamps = f"{at.isoformat()}\t{at.isoformat()}\t{made.change_set}\n"
    lines, keys = made.lines["attribute_value"], made.keys
    lines += [f"{pk}\t{keys[name]}\t{value}\t{value.lower()}\t\\N\t{stamps}" for name, value in values]
    lines.append(f"{pk}\t{keys[p.NUMBER]}\t{number}\t{number.lower()}\t{number.lower()}\t{stamps}")


def _data(chance: random.Random) -> str:
    n, e = int(chance.random() * 1_000_000), p.element
    return (
        f'{{"{e(0)}": "{n % 900 / 10}", "{e(1)}": "{n % 200}", "{e(2)}": "{"true" if n % 3 else "false"}",'
        f' "{e(3)}": "202{n % 5}-0{1 + n % 9}-{10 + n % 18}", "{e(4)}": "word {n % 1000}", "{e(5)}": "{n % 411 / 10}",'
        f' "{e(6)}": "{n % 17}", "{e(7)}": "{p.CODES[n % 3]}", "{e(8)}": "true", "{e(9)}": "{n % 101}"}}'
    )


def main() -> None:
    """Seed and print what was made, and how fast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the PostgreSQL database, as a superuser")
    parser.add_argument("--entities", type=int, default=1_000_000)
    given = parser.parse_args()
    begun = time.perf_counter()
    counts = seed(given.url, given.entities)
    seconds = time.perf_counter() - begun
    print(", ".join(f"{count:,} {table}" for table, count in counts.items()))
    print(f"{seconds:.0f} s, {given.entities / seconds:,.0f} entities/s")


if __name__ == "__main__":
    main()
