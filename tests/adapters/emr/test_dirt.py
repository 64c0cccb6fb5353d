"""One file with every kind of dirt: what becomes of each row, and why."""

from pathlib import Path

import pytest

from adapters.emr.results import results
from tests.adapters.emr.conftest import read
from tracker_core.changes import RecordChange
from tracker_core.issues import Report

HEAD = b"patient_id,visit_id,visit_date,family_name,sex,birth_date,diagnoses,temperature_c,weight_kg"
OVERLAY = "visits\nnational_id  <-> Patient.identifier[system=hub:national-id].value  digits:8\n"
# kind -> row, status, the column that the reason names, a part of the reason
DIRT: dict[str, tuple[bytes, str, str, str]] = {
    "clean": (b"P1,V1,2024-03-01,Banda,F,1990-04-02,B54,38.5,60", "accepted", "", ""),
    "another charset on this line": ("P2,V2,2024-03-01,Zoë,F,1990-04-02,B54,,".encode("cp1252"), "accepted", "", ""),
    "UTF-8 on the next": ("P3,V3,2024-03-01,Kivú,F,1990-04-02,B54,,".encode(), "accepted", "", ""),
    "shifted one to the right": (b"P4,,V4,2024-03-01,Banda,F,1990-04-02,B54,", "rejected", "visit_id", "is empty"),
    "a cell too many": (b"P5,V5,2024-03-01,Banda,F,1990-04-02,B54,38.5,60,x", "rejected", "", "10 cells"),
    "shifted by a name of two cells": (
        b"P5,V5,2024-03-01,Ban,Da,F,1990-04-02,B54,38.5",
        "rejected",
        "sex",
        "not a sex",
    ),
    "cells missing": (b"P6,V6,2024-03-01,Banda", "rejected", "", "4 cells"),
    "a stray quote": (b'P7,V7,2024-03-01,"Banda,F,1990-04-02,B54,,', "rejected", "", "a quote does not fit"),
    "a quote inside": (b'P8,V8,2024-03-01,"Ban""da",F,1990-04-02,B54,,', "accepted", "", ""),
    "an impossible day": (b"P9,V9,2024-02-30,Banda,F,1990-04-02,B54,,", "rejected", "visit_date", "no such day"),
    "the letter O for a zero": (b"P10,V10,2024-03-01,Banda,F,1990-04-02,BO5,,", "corrected", "diagnoses", "B05"),
    "the letter l for a one": (b"P11,V11,2024-03-01,Banda,F,1990-04-02,Il0,,", "corrected", "diagnoses", "I10"),
    "the letter O in a number": (
        b"P12,V12,2024-03-01,Banda,F,1990-04-02,B54,,6O",
        "rejected",
        "weight_kg",
        "not in kg",
    ),
    "a trailing dot": (b"P13,V13,2024-03-01,Banda,F,1990-04-02,B54.,,", "corrected", "diagnoses", "read as B54"),
    "no dot, lower case": (b"P14,V14,2024-03-01,Banda,F,1990-04-02,a099,,", "corrected", "diagnoses", "A09.9"),
    "a chapter of the other sex": (b"P15,V15,2024-03-01,Banda,M,1990-04-02,O80,,", "accepted", "diagnoses", "male"),
    "a visit in the future": (b"P16,V16,2099-03-01,Banda,F,1990-04-02,B54,,", "rejected", "visit_date", "future"),
    "born after the visit": (b"P17,V17,2024-03-01,Banda,F,2025-04-02,B54,,", "rejected", "birth_date", "born after"),
    "a visit of another patient": (b"P18,V1,2024-03-01,Banda,F,1990-04-02,B54,,", "rejected", "", "another patient's"),
    "no-break spaces": (
        "P19,V19,2024-03-01,\xa0Ban\xa0da,F,1990-04-02,B54,,".encode(),
        "corrected",
        "family_name",
        "Ban da",
    ),
    "no width": (
        "P20\u200b,V20,2024-03-01,Banda,F,1990-04-02,B54,,".encode(),
        "corrected",
        "patient_id",
        "read as P20",
    ),
    "a tab in a cell": (b"P21,V21,2024-03-01,Ban\tda,F,1990-04-02,B54,,", "corrected", "family_name", "Ban da"),
    "a line break in a cell": (
        b'P22,V22,2024-03-01,"Ban\nda",F,1990-04-02,B54,,',
        "corrected",
        "family_name",
        "Ban da",
    ),
    "a decimal comma": (b'P23,V23,2024-03-01,Banda,F,1990-04-02,B54,"38,5",', "corrected", "temperature_c", "38.5"),
    "a unit in the cell": (b"P24,V24,2024-03-01,Banda,F,1990-04-02,B54,,60 kg", "corrected", "weight_kg", "read as 60"),
    "another unit": (
        b"P25,V25,2024-03-01,Banda,F,1990-04-02,B54,101.3 F,",
        "corrected",
        "temperature_c",
        "read as 38.50",
    ),
    "a unit of another kind": (
        b"P26,V26,2024-03-01,Banda,F,1990-04-02,B54,,60 mL",
        "rejected",
        "weight_kg",
        "not in kg",
    ),
    "a temperature in Fahrenheit": (
        b"P27,V27,2024-03-01,Banda,F,1990-04-02,B54,98.6,",
        "rejected",
        "temperature_c",
        "not between",
    ),
    "day and month swapped": (b"P28,V28,2024-13-03,Banda,F,1990-04-02,B54,,", "rejected", "visit_date", "no such day"),
    "day first, as declared": (b"P29,V29,13/03/2024,Banda,F,1990-04-02,B54,,", "corrected", "visit_date", "2024-03-13"),
    "month first, not declared": (
        b"P30,V30,03/13/2024,Banda,F,1990-04-02,B54,,",
        "rejected",
        "visit_date",
        "not a date",
    ),
    "merged cells": (b",V31,2024-03-01,,,,I10,,", "rejected", "patient_id", "is empty"),
    "the header once more": (HEAD, "rejected", "", "the header once more"),
    "a row of totals": (b"Total,,,,,,,,1240", "rejected", "visit_id", "is empty"),
    "a formula": (b"P34,V34,2024-03-01,=A1&B1,F,1990-04-02,B54,,", "rejected", "family_name", "a formula"),
    "a text as a formula": (
        b'P35,V35,2024-03-01,Banda,F,1990-04-02,"=""B54""",,',
        "corrected",
        "diagnoses",
        "read as B54",
    ),
    "a number cut by a spreadsheet": (
        b"1.23457E+11,V36,2024-03-01,Banda,F,1990-04-02,B54,,",
        "rejected",
        "patient_id",
        "cut this number",
    ),
    "a word for nothing": (b"P37,V37,2024-03-01,NULL,F,n/a,B54,,NULL", "corrected", "family_name", "read as"),
    "a sex nobody knows": (b"P38,V38,2024-03-01,Banda,Q,1990-04-02,B54,,", "rejected", "sex", "not a sex we know"),
    "words for a code": (b"P39,V39,2024-03-01,Banda,F,1990-04-02,malaria,,", "rejected", "diagnoses", "no ICD-10 code"),
    "several codes in a cell": (
        b'P40,V40,2024-03-01,Banda,F,1990-04-02,"B54 / A09, I10",,',
        "corrected",
        "diagnoses",
        "B54; A09; I10",
    ),
    "spaces around": (b" P41 ,V41,2024-03-01,Banda,F,1990-04-02,B54,,", "corrected", "patient_id", "read as P41"),
    "older than anybody": (b"P42,V42,2024-03-01,Banda,F,1850-04-02,B54,,", "rejected", "birth_date", "older than"),
    "empty": (b",,,,,,,,", "", "", ""),
    "blank": (b"   ", "", "", ""),
    "empty cells at the end": (b"P45,V45,2024-03-01,Banda,F,1990-04-02,B54,,,,", "accepted", "", ""),
    "the first visit again": (b"P1,V1,2024-03-01,Banda,F,1990-04-02,B54,38.6,60", "accepted", "", ""),
}


def test_every_row_is_right() -> None:
    """Each row is accepted, corrected or rejected for its own reason, and exactly those that hold are applied."""
    raw = b"\xef\xbb\xbf" + b"\r\n".join([HEAD, *(row for row, *_ in DIRT.values())]) + b"\r\n"
    reading = read(raw, dates=["%d/%m/%Y"], nothing=["NULL", "N/A"])
    found = {one.line: one for one in results(Report(issues=reading.issues))}
    applied = {str(c.where) for c in reading.changes.records if c.type == "Encounter"}
    line = 2
    for kind, (row, status, column, reason) in DIRT.items():
        one = found.get(line)
        assert (one.status if one else "accepted") == (status or "accepted"), (kind, one)
        if reason:
            assert one is not None, kind
            assert reason in "; ".join(one.reasons), (kind, one)
            assert column in one.columns, (kind, one)
        held = status in ("accepted", "corrected") and kind != "clean"
        assert (f"line {line}" in applied) is held, kind
        line += 1 + row.count(b"\n")
    assert len(DIRT) > 40


def test_names_come_out_as_they_were_meant() -> None:
    """Lines of two charsets are each read in their own."""
    rows = [DIRT[kind][0] for kind in ("another charset on this line", "UTF-8 on the next")]
    changes = read(b"\n".join([HEAD, *rows])).changes.records
    assert [name_of(c) for c in changes if c.type == "Patient"] == ["Zoë", "Kivú"]


def name_of(change: RecordChange) -> str:
    """The family name of a Patient."""
    assert isinstance(change.document, dict)
    return str(change.document["name"][0]["family"])


@pytest.mark.parametrize(
    ("cell", "number"), [("123", "00000123"), ('"=""00000123"""', "00000123"), ("00000123", "00000123")]
)
def test_leading_zeros_come_back(cell: str, number: str, tmp_path: Path) -> None:
    """A column of numbers of a fixed width gets back the zeros that a spreadsheet took."""
    (tmp_path / "visits.map").write_text(OVERLAY)
    raw = f"patient_id,visit_id,visit_date,national_id\nP1,V1,2024-03-01,{cell}\n"
    (patient,) = (c for c in read(raw, overlay=str(tmp_path)).changes.records if c.type == "Patient")
    assert isinstance(patient.document, dict)
    assert patient.document["identifier"][1]["value"] == number
