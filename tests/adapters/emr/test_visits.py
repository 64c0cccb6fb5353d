"""Rows into changes: what is read, corrected, refused, and taken back."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.emr import ADAPTER
from adapters.emr.results import results
from mappings.codecs.keyed import record_id
from terminology import snapshots, store
from terminology.concepts import Concept, Edition
from terminology.icd10 import SYSTEM
from tests.adapters.emr.conftest import CSV, read
from tracker_core.changes import RecordChange
from tracker_core.database import Session
from tracker_core.errors import Unsupported
from tracker_core.issues import Report

HEAD = "patient_id,visit_id,visit_date"


def documents(changes: list[RecordChange], type_: str) -> list[dict[str, Any]]:
    """The documents of one type, without what is taken back."""
    return [c.document for c in changes if c.type == type_ and c.method == "merge" and isinstance(c.document, dict)]


def test_clean_file_becomes_records(visits: bytes) -> None:
    """Two patients on three rows, with every number kept to its digits."""
    reading = read(visits)
    changes = reading.changes.records
    assert reading.issues == []
    assert not reading.changes.atomic
    assert [c.name for c in changes if c.type == "Patient"] == ["#Patient-P001", "#Patient-P002"]
    patient = documents(changes, "Patient")[0]
    assert patient["identifier"] == [
        {"system": "urn:tracker-hub:peer:hc1:patient-number", "value": "P001"},
        {"system": "urn:tracker-hub:national-id", "value": "NID-17"},
    ]
    assert patient["name"] == [{"use": "official", "family": "Banda", "given": ["Chipo", "Mary"]}]
    assert (patient["gender"], patient["birthDate"]) == ("female", "1990-04-02")
    assert documents(changes, "Patient")[1]["birthDate"] == "1984"
    weight = documents(changes, "Observation")[1]
    assert weight["valueQuantity"]["value"].as_tuple() == Decimal("72.50").as_tuple()
    assert weight["identifier"][0]["value"] == "V001/29463-7"
    result = documents(changes, "Observation")[2]["valueCodeableConcept"]["coding"]
    assert result == [{"system": "http://snomed.info/sct", "code": "10828004"}]


def test_diagnoses_are_ranked_and_certain(visits: bytes) -> None:
    """Rank stands in the Encounter, certainty in the Condition; both refer by local names."""
    changes = read(visits).changes.records
    encounter = documents(changes, "Encounter")[0]
    assert [(d["condition"]["reference"], d["rank"]) for d in encounter["diagnosis"]] == [
        ("#Condition-V001/B54", 1),
        ("#Condition-V001/A09.9", 2),
    ]
    statuses = [c["verificationStatus"] for c in documents(changes, "Condition")]
    assert [status and status["coding"][0]["code"] for status in statuses] == ["confirmed", "provisional", None]
    assert {c["encounter"]["reference"] for c in documents(changes, "Condition")[:2]} == {"#Encounter-V001"}
    assert encounter["serviceProvider"]["identifier"] == {"value": "HC1", "system": "urn:tracker-hub:org-unit"}


def test_row_takes_back_what_it_no_longer_says(visits: bytes) -> None:
    """Diagnoses as a whole, measurements by their empty cells; columns that are not there take nothing back."""
    retracted = {(c.where, c.type): c.match for c in read(visits).changes.records if c.method == "retract"}
    number = "identifier=urn:tracker-hub:peer:hc1:visit-number"
    assert retracted["line 2", "Condition"] == (f"{number}|V001",)
    assert retracted["line 3", "Observation"] == ()
    gone = [c.id for c in read(visits).changes.records if c.method == "retract" and c.type == "Observation"]
    assert record_id("hc1", "Observation", "V002", "29463-7") in gone
    assert ("line 2", "Observation") not in retracted
    assert [c for c in read(f"{HEAD}\nP1,V1,2024-01-01\n").changes.records if c.method == "retract"] == []


def test_every_row_of_a_dirty_file_is_right(dirty: bytes) -> None:
    """Each line is corrected or rejected for its own reasons, and only those rows are applied that hold."""
    reading = read(dirty, dates=["%d/%m/%Y"])
    found = {r.line: (r.status, r.columns, r.reasons) for r in results(Report(issues=reading.issues))}
    assert found[2] == (
        "corrected",
        ["Family-Name", "sex", "birth_date", "visit_date", "diagnoses", "temperature_c", "weight_kg", "malaria_test"],
        [
            "read as Banda (' Banda ')", "read as F ('f')", "read as 1990-04-02 ('02/04/1990')",
            "read as 2024-03-01 ('01/03/2024')", "read as B54; A09.9 ('b54. / a099')", "read as 38.5 ('38,5')",
            "read as 72.50 ('72.50 kg')", "read as positive ('POS')",
        ],
    )  # fmt: skip
    reasons = {
        line: (status, columns, [why.split(" (")[0] for why in whys]) for line, (status, columns, whys) in found.items()
    }
    assert {line: reasons[line] for line in range(4, 18) if line in reasons} == {
        4: ("rejected", ["birth_date"], ["no such day"]),
        5: ("rejected", ["diagnoses"], ["malaria is no ICD-10 code"]),
        6: ("rejected", ["sex"], ["not a sex we know"]),
        7: ("rejected", ["visit_date"], ["the visit lies in the future"]),
        8: ("rejected", ["birth_date"], ["born after the visit"]),
        9: ("rejected", ["temperature_c"], ["not between 25 and 45 Cel"]),
        10: ("rejected", ["Patient ID"], ["patient_id is empty"]),
        11: ("rejected", [""], ["3 cells where the header has 12"]),
        12: ("rejected", [""], ["a quote does not fit: unexpected end of data"]),
        13: ("accepted", ["diagnoses", ""], ["O80 for a male person", "line 15 says this visit again"]),
        14: ("rejected", [""], ["visit V12 is another patient's on line 13"]),
        17: ("rejected", ["weight_kg", "birth_date"], ["not a number", "older than 130 years at the visit"]),
    }
    applied = [c.where for c in reading.changes.records if c.type == "Encounter"]
    assert applied == ["line 2", "line 3", "line 15"]
    assert documents(reading.changes.records, "Patient")[1]["birthDate"] == "1990"


@pytest.mark.parametrize(
    ("header", "code", "message"),
    [
        (f"{HEAD},gender\n", "unknown-column", "'gender' is no column of the table emr/visits"),
        (f"{HEAD},diagnosis\n", "unknown-column", "did you mean diagnoses?"),
        ("patient_id,visit_date\n", "missing-column", "the column visit_id, which the table emr/visits requires"),
    ],
)
def test_wrong_columns_refuse_the_file(header: str, code: str, message: str) -> None:
    """A file whose columns are not the table's changes nothing at all."""
    reading = read(f"{header}P1,V1,2024-01-01,x\n")
    assert reading.rejected
    assert reading.changes.records == []
    assert [(issue.code, message in issue.text) for issue in reading.issues] == [(code, True)]
    assert reading.issues[0].where.startswith("line 1 column ")


def test_patients_of_many_rows_are_united() -> None:
    """A later row adds and replaces; an empty cell says nothing about a person."""
    raw = f"{HEAD},national_id,phone,sex\nP1,V1,2024-01-01,,+1,F\nP1,V2,2024-01-02,N1,,F\n"
    (patient,) = documents(read(raw).changes.records, "Patient")
    assert [i["value"] for i in patient["identifier"]] == ["P1", "N1"]
    assert patient["telecom"] == [{"system": "phone", "value": "+1"}]


def test_peer_names_its_systems_and_place() -> None:
    """Systems by `naming`, the place of rows without facility by `org_unit`, times without offset by `zone`."""
    settings = {
        "naming": {"national-id": "urn:x:nid", "patient-number": "urn:x:mrn"},
        "org_unit": "HC9",
        "zone": "Africa/Lusaka",
    }
    reading = read(f"{HEAD},national_id\nP1,V|1,2024-01-01 08:00,N1\n", **settings)
    changes = reading.changes.records
    assert [i["system"] for i in documents(changes, "Patient")[0]["identifier"]] == ["urn:x:mrn", "urn:x:nid"]
    encounter = documents(changes, "Encounter")[0]
    assert encounter["serviceProvider"]["identifier"]["value"] == "HC9"
    assert encounter["period"]["start"] == "2024-01-01T08:00:00+02:00"
    corrected = read(f"{HEAD},diagnoses\nP1,V|1,2024-01-01,B54\n", **settings).changes.records
    taken_back = next(c for c in corrected if c.method == "retract")
    assert taken_back.match == ("identifier=urn:tracker-hub:peer:hc1:visit-number|V%5C%7C1",)
    assert taken_back.inside == f"Encounter/{changes[1].id}"
    assert [i.text for i in reading.issues] == ["read as 2024-01-01T08:00:00+02:00"]


@pytest.mark.parametrize(
    ("age", "born"),
    [("34", "1990"), ("34 years", "1990"), ("8m", "2023-07"), ("2w", "2024-02-16"), ("3 d", "2024-02-27")],
)
def test_ages_become_birth_dates_of_their_precision(age: str, born: str) -> None:
    """An age in years gives a year, one in months a month."""
    changes = read(f"{HEAD},age\nP1,V1,2024-03-01,{age}\n").changes.records
    assert documents(changes, "Patient")[0]["birthDate"] == born


def test_birth_date_comes_before_age() -> None:
    """Where both are given the date counts; an age that is none is an error."""
    head = f"{HEAD},birth_date,age\n"
    changes = read(f"{head}P1,V1,2024-03-01,1980-01-01,34\n").changes.records
    assert documents(changes, "Patient")[0]["birthDate"] == "1980-01-01"
    assert read(f"{head}P1,V1,2024-03-01,,old\n").issues[0].text == "not an age"
    assert read(f"{head}P1,V1,soon,,34\n").issues[0].where == "line 2 column visit_date"


def test_overlays_adapt_the_table(tmp_path: Path) -> None:
    """A country's folder replaces, adds and removes rows, ignores columns, and brings words of its own."""
    (tmp_path / "visits.map").write_text(
        "visits\n  ignore remarks\n- phone Patient.telecom[system=phone].value\n"
        "birth_date <-> Patient.birthDate date:%d.%m.%Y\n"
        "muac_mm <-> Observation[code=loinc|56072-2].valueQuantity quantity:mm\n"
        "sex <-> Patient.gender code:jinsi\n"
    )
    (tmp_path / "concepts").mkdir()
    (tmp_path / "concepts" / "jinsi.map").write_text("jinsi urn:x -> fhir:administrative-gender\nKE female\nME male\n")
    head = f"{HEAD},birth_date,sex,muac_mm,remarks\n"
    reading = read(f"{head}P1,V1,2024-03-01,31.12.1990,KE,115,hello\n", overlay=str(tmp_path))
    assert reading.issues == []
    patient = documents(reading.changes.records, "Patient")[0]
    assert (patient["birthDate"], patient["gender"]) == ("1990-12-31", "female")
    assert documents(reading.changes.records, "Observation")[0]["valueQuantity"]["unit"] == "mm"
    assert read(f"{HEAD},phone\n", overlay=str(tmp_path)).rejected
    assert "not a date of the form" in read(f"{head}P1,V1,2024-03-01,1990,,,\n", overlay=str(tmp_path)).issues[0].text


def test_missing_table_is_named() -> None:
    """A peer that names no table of ours is misconfigured."""
    with pytest.raises(Unsupported, match="of hc1 is not usable: there is no such table"):
        read(HEAD, table="../x")


def test_codes_are_checked_against_the_loaded_version(session: Session) -> None:
    """An unknown category is refused, an unknown subdivision of a known one is only remarked on."""
    store.load(session, Edition(SYSTEM, "2099", "Tiny"), [Concept("B54", "x"), Concept("I10", "y")])
    snapshots.refresh(session)
    try:
        issues = read(f"{HEAD},diagnoses\nP1,V1,2024-03-01,B54; I10.3; Z99\n").issues
    finally:
        session.rollback()
        snapshots.refresh(session)
    assert [(i.text, i.severity) for i in issues] == [
        ("I10.3 is not in ICD-10 2099, I10 is", "warning"),
        ("Z99 is not in ICD-10 2099", "error"),
    ]


def test_adapter_answers_with_a_line_each(visits: bytes) -> None:
    """The adapter's parts fit together."""
    reading = read(visits)
    assert ADAPTER.answer(visits, CSV, Report(issues=reading.issues), None) == b"line,status,column,reason\r\n"


def test_what_was_read_names_the_tables_that_read_it(tmp_path: Path) -> None:
    """The edition is that of the built-in tables, and another one where a peer lays its own over them."""
    row = f"{HEAD}\n1,V1,2024-03-05\n"
    plain = read(row).mapping
    (tmp_path / "visits.map").write_text("visits\n  ignore ward\n")
    assert plain
    assert read(row).mapping == plain
    assert read(row, overlay=str(tmp_path)).mapping not in ("", plain)
