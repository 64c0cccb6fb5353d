"""The facts derived from records, coded diagnoses and persons, kept in step with what the documents say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import orjson

from tracker_core.aggregates import extraction
from tracker_core.aggregates.extraction import Document, Visit
from tracker_core.aggregates.places import Place, find_org_units
from tracker_core.database import Session
from tracker_core.records.definitions import resource_types

BATCH = 2000
"""Persons whose documents are held in memory at a time."""


@dataclass(frozen=True, slots=True)
class _Record:
    pk: int
    type: int
    id: str
    subject: int
    source: int | None
    doc: Document


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One ICD-10 code of one Condition record, and where and when it was made. `org_unit` None: nobody says where."""

    record: int
    code: str
    subject: int
    encounter: int | None
    org_unit: int | None
    day: date


def refresh(session: Session, subjects: Sequence[int]) -> None:
    """Bring what reports know of these persons (pks of tracked entities) to what their records say now."""
    for start in range(0, len(subjects), BATCH):
        batch = list(subjects[start : start + BATCH])
        records = _read(session, batch)
        _write_persons(session, batch, records)
        _write_diagnoses(session, batch, _diagnoses(session, records))


def rebuild(session: Session) -> None:
    """Derive everything anew from all records: after an upgrade of the rules, or when org units were renamed."""
    session.execute("truncate diagnosis, report_person")
    last = 0
    query = "select distinct subject from record where subject > %s order by subject limit %s"
    while batch := [row[0] for row in session.execute(query, (last, BATCH))]:
        refresh(session, batch)
        last = batch[-1]


def _read(session: Session, subjects: list[int]) -> list[_Record]:
    types = resource_types()
    rows = session.execute(
        "select r.pk, r.type, r.id, r.subject, r.source, v.doc from record r"
        " join record_version v on v.pk = r.pk and v.version = r.version"
        " where r.subject = any(%b) and r.type = any(%b) and not r.deleted order by r.updated desc, r.pk desc",
        (subjects, [types["Patient"], types["Encounter"], types["Condition"]]),
    )
    return [_Record(pk, type, id, subject, source, orjson.loads(doc)) for pk, type, id, subject, source, doc in rows]


def _of_type(records: Iterable[_Record], type: str) -> list[_Record]:
    number = resource_types()[type]
    return [record for record in records if record.type == number]


def _write_persons(session: Session, subjects: list[int], records: list[_Record]) -> None:
    patients: dict[int, list[Document]] = {subject: [] for subject in subjects}
    for record in _of_type(records, "Patient"):
        patients[record.subject].append(record.doc)
    known = [(subject, *extraction.person(documents)) for subject, documents in patients.items() if documents]
    session.execute(
        "delete from report_person where subject = any(%b) and not subject = any(%b)",
        (subjects, [subject for subject, _, _ in known]),
    )
    session.execute(
        "insert into report_person as p select * from unnest(%b::bigint[], %b::date[], %b::text[])"
        " on conflict (subject) do update set born = excluded.born, sex = excluded.sex"
        " where (p.born, p.sex) is distinct from (excluded.born, excluded.sex)",
        ([row[0] for row in known], [row[1] for row in known], [row[2] for row in known]),
    )


def _diagnoses(session: Session, records: list[_Record]) -> list[Diagnosis]:
    encounters = {f"Encounter/{record.id}": record for record in _of_type(records, "Encounter")}
    visits = {reference: extraction.visit(record.doc) for reference, record in encounters.items()}
    coded = [(r, extraction.diagnoses(r.doc)) for r in _of_type(records, "Condition")]
    made = [(r, found, _visit_of(r, encounters)) for r, found in coded if found]
    wanted = {
        reference: Place(visits[reference].places, encounters[reference].source)
        for _, _, reference in made
        if reference in visits
    }
    strays = {f"#{r.pk}": Place((), r.source) for r, _, reference in made if reference not in visits}
    units = find_org_units(session, wanted | strays)
    facts = []
    for record, found, reference in made:
        day = _day(record, visits.get(reference))
        unit = units.get(reference if reference in visits else f"#{record.pk}")
        encounter = encounters[reference].pk if reference in encounters else None
        if day is not None:
            facts += [Diagnosis(record.pk, code, record.subject, encounter, unit, day) for code in found]
    return facts


def _visit_of(condition: _Record, encounters: dict[str, _Record]) -> str:
    reference = condition.doc.get("encounter")
    text = str(reference.get("reference", "")) if isinstance(reference, dict) else ""
    return text.partition("/_history/")[0] if text.partition("/_history/")[0] in encounters else ""


def _day(condition: _Record, visit: Visit | None) -> date | None:
    """Return the day of the case: that of its visit, else the Condition's own. A visit that was none makes no case."""
    if visit is None:
        return extraction.condition_day(condition.doc)
    return (visit.day or extraction.condition_day(condition.doc)) if visit.held else None


def _write_diagnoses(session: Session, subjects: list[int], facts: list[Diagnosis]) -> None:
    keys = ([f.record for f in facts], [f.code for f in facts])
    session.execute(
        "delete from diagnosis d where (d.subject = any(%b) or d.record = any(%b)) and not exists"
        " (select from unnest(%b::bigint[], %b::text[]) as k (record, code)"
        " where k.record = d.record and k.code = d.code)",
        (subjects, keys[0], *keys),
    )
    session.execute(
        "insert into diagnosis as d select * from unnest(%b::bigint[], %b::text[], %b::bigint[], %b::bigint[],"
        " %b::bigint[], %b::date[]) on conflict (record, code) do update set subject = excluded.subject,"
        " encounter = excluded.encounter, org_unit = excluded.org_unit, day = excluded.day"
        " where (d.subject, d.encounter, d.org_unit, d.day)"
        " is distinct from (excluded.subject, excluded.encounter, excluded.org_unit, excluded.day)",
        (
            *keys,
            [f.subject for f in facts],
            [f.encounter for f in facts],
            [f.org_unit for f in facts],
            [f.day for f in facts],
        ),
    )
