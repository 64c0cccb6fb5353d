"""Case counts: a year of generated coded visits counted by the hub, and by independent SQL over the same file."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from adapters.contract import Envelope
from hub.imports import cut_files, work_off_all
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tracker_core import imports, metadata, peers, records
from tracker_core.database import Pool, transaction

CODES = ("B50.9", "B54", "A15.0", "A09.9", "J06.9", "I10", "E11.9", "S61.0", "R50.9", "Z34.9")


def write_year(path: Path, visits: int) -> None:
    """A year of visits at ten facilities: one to three codes each, some undotted, a few rows unusable."""
    chance = random.Random(23)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["patient_id", "visit_id", "visit_date", "facility", "sex", "diagnoses"])
        for n in range(visits):
            day = date(2023, 1, 1) + timedelta(days=chance.randrange(365))
            codes = chance.sample(CODES, chance.choice((1, 1, 1, 2, 3)))
            written = [code.replace(".", "") if chance.random() < 0.2 else code for code in codes]
            shown = "2023-02-30" if chance.random() < 0.01 else day.isoformat()
            person = chance.randrange(max(1, visits // 5))
            row = [f"P{person}", f"V{n}", shown, f"F{chance.randrange(10)}", "FM"[person % 2], "; ".join(written)]
            out.writerow(row)


def by_sql(path: Path) -> dict[tuple[str, str], int]:
    """Diagnoses by month and three-character code, reckoned from the file alone."""
    rows = duckdb.sql(
        f"""
        with rows as (select try_cast(visit_date as date) as day, unnest(string_split(diagnoses, '; ')) as code
            from read_csv('{path}', all_varchar = true))
        select strftime(day, '%Y-%m'), left(code, 3), count(*) from rows where day is not null group by 1, 2
        """
    ).fetchall()
    return {(month, code): count for month, code, count in rows}


def by_hub(pool: Pool) -> dict[tuple[str, str], int]:
    """The same counts, from the records that the hub holds."""
    counts: dict[tuple[str, str], int] = {}
    with transaction(pool) as session:
        rows = session.execute(
            "select left(d ->> 'recordedDate', 7), left(d #>> '{code,coding,0,code}', 3), count(*) from"
            " (select convert_from(v.doc, 'UTF8')::jsonb as d from record r join record_version v"
            " on v.pk = r.pk and v.version = r.version where r.type = %s and not r.deleted) s group by 1, 2",
            (records.definitions.resource_types()["Condition"],),
        )
        counts.update({(month, code): count for month, code, count in rows})
    return counts


@pytest.mark.parametrize("visits", [2000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_counts_are_those_of_independent_sql(pool: Pool, database_url: str, tmp_path: Path, visits: int) -> None:
    """Cases per month and code are equal to the last one, unusable rows left out by both."""
    path = tmp_path / "year.csv"
    write_year(path, visits)
    with transaction(pool) as session:
        metadata.bootstrap(session)
        peer = peers.save(session, "hc1", "emr")
    found = cut_files(Runtime(pool, ADAPTERS), peer, [path], Envelope(), "test")
    work_off_all(database_url, found)
    with transaction(pool) as session:
        assert imports.progress(session, found.id).state == "done"
    expected = by_sql(path)
    assert sum(expected.values()) > visits
    assert by_hub(pool) == expected
