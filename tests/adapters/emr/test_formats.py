"""Spreadsheets and Parquet as rows, sets with joins (OMOP), long rows, and what is refused."""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from adapters.contract import Envelope, Sender
from adapters.emr import ADAPTER
from adapters.emr.formats import cell_text, open_file
from adapters.emr.sources import open_source
from adapters.emr.visits import read as read_sheet_of
from tests.adapters.emr.conftest import RECEIVED, emr
from tracker_core.changes import RecordChange
from tracker_core.context import Peer
from tracker_core.errors import Malformed
from tracker_core.issues import Issue

HEAD = ("patient_id", "visit_id", "visit_date", "weight_kg")


def read_file(path: Path, **parameters: str) -> list[dict[str, str]]:
    """The cells of a file's rows."""
    with open_file(path, Envelope(parameters=parameters)) as sheet:
        return [row.cells for row in sheet.rows]


def read_set(paths: list[Path], table: str) -> tuple[list[RecordChange], list[Issue]]:
    """What a set of files says, in its order."""
    peer = Peer(7, "hc1", "Health Centre", "emr", None, {"table": table})
    changes, issues = [], []
    with open_source(paths, Envelope(), peer) as source:
        for file in source.files:
            with file.open() as sheet:
                sender = Sender(peer, RECEIVED, {"table": file.table} if file.table else {})
                reading = read_sheet_of(sheet, sender)
            changes += reading.changes.records
            issues += reading.issues
    return changes, issues


def test_spreadsheets_are_rows(tmp_path: Path) -> None:
    """The first sheet with rows, or the one named; numbers without a point, days as days; merged cells are empty."""
    book = openpyxl.Workbook()
    rows = book.create_sheet("Visits")
    for row in (HEAD, ("P1", 7, date(2024, 3, 1), 72.5), ("P2", 8, datetime(2024, 3, 1, 8, 30), 60)):  # noqa: DTZ001 - workbooks have no zones
        rows.append(row)
    rows.merge_cells("A2:A3")
    other = book.create_sheet("Other")
    other.append(["patient_id"])
    other.append(["X"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert read_file(path) == [
        {"patient_id": "P1", "visit_id": "7", "visit_date": "2024-03-01", "weight_kg": "72.5"},
        {"patient_id": "", "visit_id": "8", "visit_date": "2024-03-01T08:30:00", "weight_kg": "60"},
    ]
    assert read_file(path, sheet="Other") == [{"patient_id": "X"}]
    with pytest.raises(Malformed, match="no sheet 'None'"):
        read_file(path, sheet="None")
    sheet = ADAPTER.parse(path.read_bytes(), Envelope())
    assert [row.line for row in sheet.rows] == [2, 3]


def test_parquet_is_rows(tmp_path: Path) -> None:
    """Columns of any type are texts as a CSV would have them."""
    path = tmp_path / "visits.parquet"
    table = {
        "patient_id": ["P1", None],
        "visit_date": [date(2024, 3, 1), None],
        "weight_kg": [Decimal("72.50"), None],
        "diagnoses": [["B54", "I10"], None],
    }
    parquet.write_table(pa.table(table), path)
    assert read_file(path) == [
        {"patient_id": "P1", "visit_date": "2024-03-01", "weight_kg": "72.50", "diagnoses": "B54; I10"}
    ]
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(Malformed, match="no Parquet"):
        read_file(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (3.0, "3"),
        (0.1, "0.1"),
        (RECEIVED, "2024-06-01T00:00:00+00:00"),
    ],
)
def test_cells_as_texts(value: Any, text: str) -> None:
    """Values of typed files as the texts that a person would have written."""
    assert cell_text(value) == text


def write(path: Path, *rows: str) -> Path:
    """A CSV of these lines."""
    path.write_text("\n".join(rows))
    return path


OMOP = Path(__file__).parent / "samples" / "omop"


def test_omop_joins_its_files() -> None:
    """Concepts and places by their keys, partial birth dates, references to records that other files bring."""
    changes, issues = read_set([OMOP], "omop")
    found = {change.type: change for change in changes if isinstance(change.document, dict)}
    documents: dict[str, Any] = {type_: change.document for type_, change in found.items()}
    patient = documents["Patient"]
    assert (patient["gender"], patient["birthDate"]) == ("female", "1990-04")
    assert patient["address"] == [{"city": "Kivu", "state": "North"}]
    reference = {"reference": f"Patient/{found['Patient'].id}"}
    assert [documents[type_]["subject"] for type_ in ("Encounter", "Condition", "Observation")] == [reference] * 3
    weight = documents["Observation"]
    assert weight["code"]["coding"][0]["code"] == "29463-7"
    assert str(weight["valueQuantity"]["value"]) == "72.50"
    codes = [c.document["code"]["coding"] for c in changes if c.type == "Condition" and isinstance(c.document, dict)]
    assert codes[0][0]["code"] == "A15.0"
    assert codes[1] == [{"system": "https://fhir-terminology.ohdsi.org", "code": "77"}]
    unknown = [(issue.concept_map, issue.value, issue.severity) for issue in issues if issue.concept_map]
    assert unknown == [("omop-concept", "77", "warning")]


def test_folder_and_files_are_one(tmp_path: Path) -> None:
    """A folder says what its files say; a set without a file that it knows is refused."""
    paths = sorted(OMOP.iterdir(), reverse=True)
    assert [c.id for c in read_set([OMOP], "omop")[0]] == [c.id for c in read_set(paths, "omop")[0]]
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Malformed, match="no file"):
        read_set([other], "omop")
    with pytest.raises(Malformed, match="none of"):
        read_set([write(other / "payers.csv", "a", "1")], "omop")


def test_long_rows(tmp_path: Path) -> None:
    """One row a fact: a value makes an observation, none a diagnosis; local codes are kept and told."""
    head = "patient_id,visit_id,date,sex,age,code,value,unit,certainty"
    path = write(
        tmp_path / "long.csv", head,
        "P1,V1,2024-03-01,F,34,B54,,,suspected",
        "P1,V1,2024-03-01,F,34,29463-7,158,lb,",
        "P1,V1,2024-03-01,F,34,PALU,,,",
    )  # fmt: skip
    changes, issues = read_set([path], "long")
    assert [c.type for c in changes] == ["Patient", "Encounter", "Condition", "Observation", "Condition"]
    patient, _, condition, observation, local = (c.document for c in changes)
    assert isinstance(patient, dict)
    assert isinstance(condition, dict)
    assert isinstance(observation, dict)
    assert isinstance(local, dict)
    assert patient["birthDate"] == "1990"
    assert patient["_birthDate"]["extension"][0]["valueCode"] == "year"
    assert condition["verificationStatus"]["coding"][0]["code"] == "provisional"
    assert observation["valueQuantity"]["code"] == "[lb_av]"
    assert local["code"]["coding"] == [{"system": "urn:tracker-hub:local:long-diagnosis", "code": "PALU"}]
    assert [i.value for i in issues if i.concept_map == "long-diagnosis"] == ["PALU"]


def test_ranked_columns_and_declared_separators(tmp_path: Path) -> None:
    """Pairs of columns keep their rank; a declared separator is the only one."""
    (tmp_path / "visits.map").write_text(
        "visits\n- diagnoses,certainty Condition*\ndx1,c1,dx2,c2 <-> Condition* ranked_diagnoses\n"
    )
    raw = "patient_id,visit_id,visit_date,dx1,c1,dx2,c2\nP1,V1,2024-03-01,A15.0,confirmed,B54,provisional\n"
    sheet = ADAPTER.parse(raw.encode(), Envelope())
    reading = ADAPTER.read(sheet, emr(overlay=str(tmp_path)))
    assert reading.issues == []
    encounter = next(c.document for c in reading.changes.records if c.type == "Encounter")
    assert isinstance(encounter, dict)
    assert [one["condition"]["reference"][-5:] for one in encounter["diagnosis"]] == ["A15.0", "1/B54"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "visits.map").write_text(
        "visits\n- diagnoses,certainty Condition*\ndiagnoses,certainty <-> Condition* diagnoses:+\n"
    )
    sheet = ADAPTER.parse(b"patient_id,visit_id,visit_date,diagnoses\nP1,V1,2024-03-01,A15.0+B54\n", Envelope())
    reading = ADAPTER.read(sheet, emr(overlay=str(other)))
    assert len([c for c in reading.changes.records if c.type == "Condition" and c.method == "merge"]) == 2


def test_header_of_csv_writer_is_read_back(tmp_path: Path) -> None:
    """A file that Python's own writer makes, with every cell quoted, is the same rows."""
    path = tmp_path / "quoted.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([HEAD, ("P1", "V1", "2024-03-01", "70")])
    assert read_file(path)[0]["visit_id"] == "V1"


def test_rows_of_entities_stand_alone(tmp_path: Path) -> None:
    """A broken, an empty and a doubtful cell reject their row alone; of two rows of one record the later counts."""
    path = write(
        tmp_path / "conditions.csv",
        "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION",
        "2024-03-01,,p1,v1,icd10,b54.,Malaria",
        "2024-03-01,,p1,v1,icd10,b54.,Malaria again",
        "2024-03-01,,,v1,icd10,B54,nobody",
        "2024-03-01,,p1,v1,icd10,MALARIA,no code",
        "2024-02-30,,p1,v1,icd10,B54,no day",
        "2024-03-01,,p1",
        "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION",
    )
    changes, issues = read_set([path], "synthea")
    assert [(change.where, change.method) for change in changes] == [("line 3", "put")]
    errors = {issue.where: issue.text for issue in issues if issue.severity == "error"}
    assert errors == {
        "line 4 column PATIENT": "patient is empty",
        "line 5 column code": "MALARIA is no ICD-10 code",
        "line 6 column start": "no such day",
        "line 7": "3 cells where the header has 7",
        "line 8": "the header once more",
    }
    notes = [(issue.where, issue.code) for issue in issues if issue.severity == "information"]
    assert ("line 2 column CODE", "corrected") in notes
    assert ("line 2", "superseded") in notes
