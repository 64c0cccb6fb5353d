"""FHIR transaction import over HTTP against raw COPY of the same rows on the same database.

Bundles of one patient each are posted to the hub (its HTTP face, login, message store, validation, references, index,
persons and response included) by four clients to two processes of the hub, which take connections from one socket.
The ceiling copies the finished rows of the records back into the same tables, all indexes on, one commit per bundle, by
as many connections; a second one copies the bare documents under a key, without any index. Servers, clients and
database share the cores. Reads fetch random records by id.
"""

import base64
import gzip
import http.client
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg

from benchmarks.wire import PASSWORD, serving
from tracker_core.records import documents

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "fhir" / "synthea"
CLIENTS = 4
CODES = ("8302-2", "29463-7", "8480-6", "8462-4", "8867-4")
TABLES = ("record", "record_version", "record_string", "record_date", "record_number", "record_ranked")


@dataclass(frozen=True, slots=True)
class Rate:
    """What was measured, per second: resources imported, copied as finished rows, copied bare; records read."""

    ours: float
    ceiling: float
    bare: float
    reads: float
    resources: int

    def __str__(self) -> str:
        share = self.ours / self.ceiling
        return (
            f"FHIR transaction import: {self.ours:,.0f} resources/s of {self.resources:,}; "
            f"COPY ceiling {self.ceiling:,.0f}/s; ratio {share:.0%} (bare documents: {self.bare:,.0f}/s)\n"
            f"FHIR read: {self.reads:,.0f}/s"
        )


def bundles() -> list[bytes]:
    """Return transaction bundles in the order they must be sent: those of Synthea where they are, else our own."""
    files = sorted(CORPUS.glob("*.json.gz"))
    if files:
        return [gzip.decompress(file.read_bytes()) for file in files]
    return [_invented(number) for number in range(40)]


def _invented(number: int) -> bytes:
    chance = random.Random(number)
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:bench", "value": f"{number:06d}"}],
        "name": [{"family": f"Family{number}", "given": ["Given"]}],
        "gender": chance.choice(["male", "female"]),
        "birthDate": f"{chance.randint(1940, 2020)}-05-17",
    }
    entries: list[dict[str, Any]] = [_entry(patient, "urn:uuid:p")]
    for visit in range(20):
        seen = f"20{visit + 5:02d}-03-0{chance.randint(1, 9)}T08:00:00Z"
        encounter = {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": "urn:uuid:p"},
            "period": {"start": seen},
        }
        entries.append(_entry(encounter, f"urn:uuid:e{visit}"))
        entries += [_entry(_observation(code, seen, visit, chance), f"urn:uuid:o{visit}{code}") for code in CODES]
    return documents.encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _observation(code: str, seen: str, visit: int, chance: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "urn:uuid:p"},
        "encounter": {"reference": f"urn:uuid:e{visit}"},
        "effectiveDateTime": seen,
        "valueQuantity": {"value": chance.randint(1, 999) / 10, "unit": "1", "code": "1"},
    }


def _entry(resource: dict[str, Any], name: str) -> dict[str, Any]:
    return {"fullUrl": name, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def measure(url: str) -> Rate:
    """Measure on an empty database at `url`: the import, then reads, then the ceiling."""
    sent = bundles()
    resources = [split(bundle) for bundle in sent]
    count = sum(map(len, resources))
    with serving(url) as where:
        base = f"http://{where}/fhir"
        imported = _import(base, sent)
        read = _read(base)
    return Rate(count / imported, count / _copy_rows(url), count / _copy_bare(url, resources), read, count)


def split(bundle: bytes) -> list[bytes]:
    """Return the bytes of each resource of a bundle."""

    class Entry(msgspec.Struct):
        resource: msgspec.Raw

    class Bundle(msgspec.Struct):
        entry: list[Entry]

    return [bytes(one.resource) for one in msgspec.json.decode(bundle, type=Bundle).entry]


def _import(base: str, sent: Sequence[bytes]) -> float:
    with httpx.Client(auth=("admin", PASSWORD), timeout=300) as client:

        def post(bundle: bytes) -> None:
            answer = client.post(base, content=bundle, headers={"content-type": "application/fhir+json"})
            assert answer.status_code == 200, answer.text[:500]

        _wait(client, base)
        # The first two of Synthea are hospitals and practitioners, which the others refer to.
        first = time.perf_counter()
        for bundle in sent[:2]:
            post(bundle)
        _spread(post, sent[2:])
        return time.perf_counter() - first


def _wait(client: httpx.Client, base: str) -> None:
    for _ in range(200):
        try:
            client.get(f"{base}/metadata")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


def _spread(work: Callable[[Any], None], items: Sequence[Any]) -> None:
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(work, items))


def _read(base: str, count: int = 3_000) -> float:
    login = httpx.BasicAuth("admin", PASSWORD)
    found = httpx.get(f"{base}/Observation", params={"_count": "1000"}, auth=login).json()["entry"]
    paths = [urlsplit(random.choice(found)["fullUrl"]).path for _ in range(count)]
    token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()

    def read(share: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(urlsplit(base).netloc)
        for path in share:
            connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()

    started = time.perf_counter()
    _spread(read, [paths[n::CLIENTS] for n in range(CLIENTS)])
    return count / (time.perf_counter() - started)


def _copy_rows(url: str) -> float:
    """Take the records out, bundle by bundle, and copy them in again."""
    with psycopg.connect(url) as session:
        sets = [row[0] for row in session.execute("select distinct created_in from record order by 1")]
        taken = [{table: _taken(session, table, number) for table in TABLES} for number in sets]
        session.execute(f"truncate {', '.join(TABLES)}")

    def copy(one: dict[str, bytes]) -> None:
        with psycopg.connect(url) as session, session.cursor() as cursor:
            for table, rows in one.items():
                with cursor.copy(f"copy {table} from stdin (format binary)") as into:
                    into.write(rows)

    started = time.perf_counter()
    _spread(copy, taken)
    return time.perf_counter() - started


def _taken(session: psycopg.Connection[Any], table: str, number: int) -> bytes:
    rows = f"select t.* from {table} t join record r on r.pk = t.pk where r.created_in = {number}"
    with session.cursor() as cursor, cursor.copy(f"copy ({rows}) to stdout (format binary)") as out:
        return b"".join(bytes(part) for part in out)


def _copy_bare(url: str, resources: Sequence[Sequence[bytes]]) -> float:
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("create table raw_copy (pk bigint primary key, doc bytea not null)")
    numbered = [(n * 100_000, group) for n, group in enumerate(resources)]

    def copy(one: tuple[int, Sequence[bytes]]) -> None:
        statement = "copy raw_copy (pk, doc) from stdin (format binary)"
        with psycopg.connect(url) as session, session.cursor() as cursor, cursor.copy(statement) as into:
            into.set_types(["int8", "bytea"])
            for offset, doc in enumerate(one[1]):
                into.write_row((one[0] + offset, doc))

    started = time.perf_counter()
    _spread(copy, numbered)
    return time.perf_counter() - started


if __name__ == "__main__":
    print(measure(sys.argv[1]))
