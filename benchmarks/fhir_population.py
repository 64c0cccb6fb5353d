"""Patients with a record each of a few years, written past the hub's checks by COPY, for searches at size.

    python -m benchmarks.fhir_population URL 100000

`URL` is a migrated, empty database. Per patient: one Patient, three Encounters, eight Observations, two Conditions;
every thousandth an Organization. Indexes are dropped first and built at the end.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tracker_core import history
from tracker_core.changes import RecordChange
from tracker_core.context import Context
from tracker_core.database import Session, next_pks, open_pool, transaction
from tracker_core.records import references, writing
from tracker_core.records.definitions import resource_types
from tracker_core.records.drafts import Draft
from tracker_core.records.extraction import extract

FAMILIES = [f"{a}{b}" for a in ("Aba", "Bel", "Chi", "Dan", "Eze", "Fol", "Gan", "Hau", "Ibe", "Jos") for b in
            ("ra", "lo", "ma", "juma", "oke", "wole", "du", "sani", "kwe", "hua", "ni", "tobi")]  # fmt: skip
GIVEN = ["Ada", "Bola", "Chidi", "Dele", "Emeka", "Funmi", "Grace", "Hadiza", "Ife", "John", "Kemi", "Ladi", "Musa"]
CITIES = ["Lagos", "Kano", "Ibadan", "Abuja", "Jos", "Enugu", "Aba", "Ilorin", "Warri", "Sokoto"]
CATEGORIES = ["vital-signs", "laboratory", "survey", "exam"]
CODES = [f"{n}-{n % 10}" for n in range(8300, 8360)]
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
PER_BATCH = 300
_INDEXES = ("record_recent", "record_subject", "record_tokens", "record_string_value", "record_string_pk",
            "record_date_value", "record_date_pk", "record_number_value", "record_number_pk", "record_ranked_value",
            "record_ranked_pk", "record_version_change")  # fmt: skip


def main() -> None:
    """Fill the database named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("patients", type=int)
    asked = parser.parse_args()
    pool = open_pool(asked.url)
    began = time.perf_counter()
    with transaction(pool) as session:
        built = drop_indexes(session)
    count = 0
    for start in range(0, asked.patients, PER_BATCH):
        with transaction(pool) as session:
            count += fill(session, start, min(PER_BATCH, asked.patients - start))
    print(f"{count:,} records in {time.perf_counter() - began:.0f} s")
    with transaction(pool) as session:
        for statement in built:
            session.execute(statement)
    with pool.connection() as session:
        session.autocommit = True
        session.execute("vacuum analyze")
    print(f"indexes and statistics after {time.perf_counter() - began:.0f} s")
    pool.close()


def drop_indexes(session: Session) -> list[bytes]:
    """Drop the indexes that can be built at the end; return what builds them."""
    rows = session.execute("select indexdef from pg_indexes where indexname = any(%s)", (list(_INDEXES),)).fetchall()
    session.execute(f"drop index {', '.join(_INDEXES)}")
    return [row[0].encode() for row in rows]


def fill(session: Session, start: int, patients: int) -> int:
    """Write the records of some patients; return how many."""
    context = history.open_change_set(session, "benchmark")
    chance = random.Random(start)
    documents = [one for n in range(start, start + patients) for one in of_patient(chance, n)]
    drafts = [_draft(context, pk, one) for pk, one in zip(next_pks(session, len(documents)), documents, strict=True)]
    own = {draft.reference: (draft.pk, None) for draft in drafts}
    _write(session, drafts, own)
    return len(drafts)


def _write(session: Session, drafts: list[Draft], own: dict[str, tuple[int, None]]) -> None:
    person = 0
    for draft in drafts:
        references.index(draft, own)
        person = draft.pk if draft.change.type == "Patient" else person
        draft.subject = person or None
    writing.write(session, drafts)


def _draft(context: Context, pk: int, document: dict[str, Any]) -> Draft:
    type_, id = document["resourceType"], document["id"]
    doc = json.dumps(document, separators=(",", ":")).encode()
    draft = Draft(RecordChange(type_, doc, "put", id=id), resource_types()[type_], doc, document, context, id, pk)
    draft.action, draft.version, draft.doc = "created", 1, doc
    draft.entries = extract(type_, document)
    return draft


def of_patient(chance: random.Random, n: int) -> Iterator[dict[str, Any]]:
    """Yield the documents of patient `n`, each after what it refers to."""
    meta = {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000Z"}
    if n % 1000 == 0:
        name = f"{chance.choice(CITIES)} Clinic {n}"
        yield {"resourceType": "Organization", "id": f"org{n}", "meta": meta, "active": True, "name": name}
    born = datetime(1940, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(30_000))
    yield {
        "resourceType": "Patient",
        "id": f"p{n}",
        "meta": meta,
        "identifier": [{"system": "urn:national", "value": f"{n:09}"}],
        "active": True,
        "name": [{"use": "official", "family": chance.choice(FAMILIES), "given": [chance.choice(GIVEN)]}],
        "telecom": [{"system": "phone", "value": f"0{chance.randrange(10**9):09}"}],
        "gender": chance.choice(["female", "male"]),
        "birthDate": f"{born:%Y-%m-%d}",
        "address": [{"line": [f"{chance.randrange(200)} Road"], "city": chance.choice(CITIES), "country": "NG"}],
    }
    subject = {"reference": f"Patient/p{n}"}
    for k in range(3):
        at = _moment(chance)
        yield {
            "resourceType": "Encounter",
            "id": f"e{n}-{k}",
            "meta": meta,
            "status": "finished",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "AMB",
                "display": "ambulatory",
            },
            "subject": subject,
            "period": {"start": f"{at:%Y-%m-%dT%H:%M:%SZ}", "end": f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"},
        }
    for k in range(8):
        yield _observation(chance, f"o{n}-{k}", subject, {"reference": f"Encounter/e{n}-{k % 3}"}, meta)
    for k in range(2):
        code = f"{chance.choice('ABCDE')}{chance.randrange(99):02}"
        coding = {"system": "http://hl7.org/fhir/sid/icd-10", "code": code, "display": f"Condition {code}"}
        day = f"{_moment(chance):%Y-%m-%d}"
        yield {"resourceType": "Condition", "id": f"c{n}-{k}", "meta": meta, "code": {"coding": [coding]},
               "subject": subject, "recordedDate": day}  # fmt: skip


def _observation(chance: random.Random, id: str, subject: Any, encounter: Any, meta: Any) -> dict[str, Any]:
    code = chance.choice(CODES)
    coding = {"system": "http://loinc.org", "code": code, "display": f"Measure {code}"}
    category = {"system": CATEGORY, "code": chance.choice(CATEGORIES)}
    return {
        "resourceType": "Observation",
        "id": id,
        "meta": meta,
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [coding], "text": f"Measure {code}"},
        "subject": subject,
        "encounter": encounter,
        "effectiveDateTime": f"{_moment(chance):%Y-%m-%dT%H:%M:%SZ}",
        "valueQuantity": {"value": chance.randrange(10, 2000) / 10, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
    }


def _moment(chance: random.Random) -> datetime:
    return datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 2900))


if __name__ == "__main__":
    main()
