"""Import of EMR files against raw COPY of the same finished rows on the same database.

Two files are made: Synthea's layout with most of its rows observations (one record a row), and wide visits (about four
records a row). Each is imported by `tracker-hub emr import`: read, cut into messages, applied by two processes, persons
and their likeness, index and results included. The ceiling copies the finished rows of the records back into the same
tables, all indexes on, a transaction per chunk, two at a time. Memory is the most that any process of the import held.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psycopg

from benchmarks.fhir_import import TABLES, _taken
from hub import migrations
from tracker_core import metadata, peers
from tracker_core.database import open_pool, transaction

LANES = 2
DAY = "2024-{:02d}-{:02d}"
CODES = (
    ("8302-2", "Body Height", "cm"), ("29463-7", "Body Weight", "kg"), ("8480-6", "Systolic Blood Pressure", "mm[Hg]"),
    ("8462-4", "Diastolic Blood Pressure", "mm[Hg]"), ("8867-4", "Heart rate", "/min"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """What was measured: rows and records per second, records copied per second, MiB of the largest process."""

    what: str
    rows: int
    rate: float
    records: float
    ceiling: float
    memory: float

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.rows:,} rows at {self.rate:,.0f} rows/s, {self.records:,.0f} records/s;"
            f" COPY {self.ceiling:,.0f} records/s; ratio {self.records / self.ceiling:.2f}; {self.memory:,.0f} MiB"
        )


def synthea(folder: Path, rows: int) -> int:
    """Write about `rows` rows in Synthea's layout: 40 observations to an encounter and two to a patient."""
    visits = max(1, rows // 42)
    with (folder / "patients.csv").open("w") as file:
        file.write("Id,BIRTHDATE,FIRST,LAST,GENDER\n")
        for n, (last, first, sex, born) in _people(visits // 2 + 1):
            file.write(f"p{n},{born},{first},{last},{sex}\n")
    with (folder / "encounters.csv").open("w") as file:
        file.write("Id,START,STOP,PATIENT,ORGANIZATION,ENCOUNTERCLASS\n")
        for n in range(visits):
            file.write(f"v{n},{_day(n)}T08:00:00Z,{_day(n)}T09:00:00Z,p{n // 2},o1,ambulatory\n")
    with (folder / "observations.csv").open("w") as file:
        file.write("DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE\n")
        for n in range(visits):
            for at in range(40):
                code, name, unit = CODES[at % 5]
                about = f"{_day(n)}T08:{at:02d}:00Z,p{n // 2},v{n},vital-signs,{code},{name}"
                file.write(f"{about},{60 + (n + at) % 40}.{at % 10},{unit},numeric\n")
    return visits * 41 + visits // 2 + 1


def wide(folder: Path, rows: int) -> int:
    """Write `rows` visits, four a person, each with a diagnosis and two measurements."""
    with (folder / "visits.csv").open("w") as file:
        file.write("patient_id,family_name,given_name,sex,birth_date,visit_id,visit_date,diagnoses,")
        file.write("temperature_c,weight_kg\n")
        for n, (last, first, sex, born) in _people(rows // 4 + 1):
            for visit in range(n * 4, min(n * 4 + 4, rows)):
                code = ("A09", "B54", "J18.9", "I10", "E11.9")[visit % 5]
                about = f"P{n:07d},{last},{first},{sex},{born},V{visit:08d},{_day(visit)},{code}"
                file.write(f"{about},{36 + visit % 4}.{visit % 10},{40 + visit % 50}\n")
    return rows


def _people(count: int) -> Iterator[tuple[int, tuple[str, str, str, str]]]:
    chance = Random(7)
    for n in range(count):
        born = f"{chance.randint(1940, 2020)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        yield n, (_name(chance), _name(chance), "FM"[n % 2], born)


def _name(chance: Random) -> str:
    syllables = (chance.choice("bcdfghklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(2, 4)))
    return "".join(syllables).title()


def _day(n: int) -> str:
    return DAY.format(n % 12 + 1, n % 28 + 1)


def measure(url: str, what: str, rows: int) -> Rate:
    """Measure one import on an empty database at `url`, then its ceiling."""
    _settle(url, what)
    with TemporaryDirectory() as name:
        folder = Path(name)
        count = (synthea if what == "synthea" else wide)(folder, rows)
        path = folder if what == "synthea" else folder / "visits.csv"
        command = [sys.executable, "-m", "hub", "emr", "import", str(path), "--peer", "bench", "--database-url", url]
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with psycopg.connect(url) as session:
        records = session.execute("select count(*) from record where version > 0").fetchone()[0]  # type: ignore[index]
    return Rate(what, count, count / seconds, records / seconds, records / _copy(url), memory)


def _settle(url: str, what: str) -> None:
    migrations.upgrade(url)
    pool = open_pool(url, 1)
    with transaction(pool) as session:
        metadata.bootstrap(session)
        peers.save(session, "bench", "emr", settings={"table": what if what == "synthea" else "visits", "lanes": LANES})
    pool.close()


def _copy(url: str) -> float:
    """Take the records out, change set by change set, and copy them in again; return the seconds."""
    with psycopg.connect(url) as session:
        sets = [row[0] for row in session.execute("select distinct created_in from record order by 1")]
        taken = [{table: _taken(session, table, number) for table in TABLES} for number in sets[:50]]
        share = session.execute(
            "select count(*) filter (where created_in = any(%s))::float8 / count(*) from record", (sets[:50],)
        ).fetchone()[0]  # type: ignore[index]
        session.execute(f"truncate {', '.join(TABLES)}")

    def copy(groups: Sequence[dict[str, bytes]]) -> None:
        for one in groups:
            with psycopg.connect(url) as session, session.cursor() as cursor:
                for table, rows in one.items():
                    with cursor.copy(f"copy {table} from stdin (format binary)") as into:
                        into.write(rows)

    begun = time.perf_counter()
    with ThreadPoolExecutor(LANES) as threads:
        list(threads.map(copy, [taken[n::LANES] for n in range(LANES)]))
    return float((time.perf_counter() - begun) / share)


if __name__ == "__main__":
    print(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))
