"""An export of a million records: records a second beside a plain COPY of the same bytes, and the memory it takes.

    python -m benchmarks.bulk_export URL 1000000

`URL` is a migrated, empty database. Records are made in the database: a patient, then thirteen observations of about
900 bytes each. Both readers are processes of their own, and read the same rows from the same cache.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapters.fhir.bulk import exporting
from adapters.fhir.bulk.asking import Asked
from tracker_core.bulk import orders
from tracker_core.database import Pool, Session, open_pool, transaction
from tracker_core.records.definitions import resource_types

PER_PATIENT = 14
_META = '"meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00.000Z"}'
_PATIENT = (
    '{"resourceType":"Patient","id":"p%s",' + _META + ',"identifier":[{"system":"urn:national","value":"%s"}],'
    '"name":[{"family":"%s"}],"gender":"female","birthDate":"1990-01-01"}'
)
_OBSERVATION = (
    '{"resourceType":"Observation","id":"o%s",' + _META + ',"status":"final","category":[{"coding":[{"system":'
    '"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":'
    '"http://loinc.org","code":"8310-5","display":"Body temperature"}],"text":"Body temperature"},"subject":'
    '{"reference":"Patient/p%s"},"effectiveDateTime":"2025-06-01T10:00:00Z","valueQuantity":{"value":37.%s,"unit":"Cel",'
    '"system":"http://unitsofmeasure.org","code":"Cel"},"note":[{"text":"%s %s %s %s"}]}'
)


def main() -> None:
    """Fill the database, then measure; with `--part`, be one of the two readers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("records", type=int)
    parser.add_argument("--part", choices=["export", "copy"])
    asked = parser.parse_args()
    pool = open_pool(asked.url, 2)
    if asked.part:
        seconds, size = (export if asked.part == "export" else copy)(pool)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{seconds:.3f} {size} {peak:.0f}")
    else:
        with transaction(pool) as session:
            fill(session, asked.records)
        with pool.connection() as opened:
            opened.autocommit = True
            opened.execute("vacuum analyze record, record_version")
        compare(asked.url, asked.records)
    pool.close()


def fill(session: Session, count: int) -> None:
    """Write records past the hub's checks, without index entries: an export reads none."""
    types = resource_types()
    values = {"count": count, "patient": types["Patient"], "observation": types["Observation"]}
    session.execute(
        f"insert into record (pk, type, id, version, updated, subject, created, created_in, updated_in)"
        f" select n, case when n %% {PER_PATIENT} = 0 then %(patient)s else %(observation)s end,"
        f" case when n %% {PER_PATIENT} = 0 then 'p' else 'o' end || n, 1, '2026-01-01', n - n %% {PER_PATIENT},"
        " '2026-01-01', 0, 0 from generate_series(1, %(count)s) n",
        values,
    )
    patient = "format(%(patient_as)s, n, n, md5(n::text))"
    texts = ", ".join(f"md5((n + {more})::text)" for more in range(4))
    observation = f"format(%(observation_as)s, n, n - n %% {PER_PATIENT}, n %% 10, {texts})"
    session.execute(
        "insert into record_version (pk, version, updated, change_set, doc) select n, 1, '2026-01-01', 0, convert_to("
        f"case when n %% {PER_PATIENT} = 0 then {patient} else {observation} end, 'UTF8')"
        " from generate_series(1, %(count)s) n",
        {"count": count, "patient_as": _PATIENT, "observation_as": _OBSERVATION},
    )


def compare(url: str, count: int) -> None:
    """Run both readers twice, the first time to fill caches; print the second."""
    for last in (False, True):
        for part in ("copy", "export"):
            command = [sys.executable, "-m", "benchmarks.bulk_export", url, str(count), "--part", part]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            seconds, size, peak = float(printed[0]), int(printed[1]), printed[2]
            if last:
                print(
                    f"{part}: {count / seconds:,.0f} records/s, {size / seconds / 2**20:,.0f} MiB/s, {peak} MiB at most"
                )


def export(pool: Pool) -> tuple[float, int]:
    """Export everything; return the seconds it took and the bytes it wrote."""
    asked = Asked("system", types=list(resource_types()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with transaction(pool) as session:
            uid = orders.place(session, "export", "benchmark", "", asked.stored())
        began = time.perf_counter()
        done = 1
        while done:
            with transaction(pool) as session:
                done = exporting.advance(session, folder)
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in (folder / uid).iterdir())
    return seconds, size


def copy(pool: Pool) -> tuple[float, int]:
    """Read the documents by a plain COPY; return the seconds it took and the bytes that came."""
    began, size = time.perf_counter(), 0
    with transaction(pool) as session, session.cursor() as cursor:
        query = (
            "copy (select v.doc from record r join record_version v on v.pk = r.pk and v.version = r.version)"
            " to stdout (format binary)"
        )
        with cursor.copy(query) as rows:
            for row in rows:
                size += len(row)
    return time.perf_counter() - began, size


if __name__ == "__main__":
    main()
