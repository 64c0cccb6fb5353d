"""The result file: one row per line, whoever decided."""

import json

from adapters.contract import Envelope
from adapters.emr.places import name_place, read_place
from adapters.emr.results import answer
from tracker_core.errors import Malformed
from tracker_core.issues import Issue, Outcome, Report

REPORT = Report(
    outcomes=[
        Outcome("Patient", "p", "created", where="line 2"),
        Outcome("Encounter", "e", "created", where="line 2"),
        Outcome("Encounter", "f", "created", where="line 3"),
        Outcome("Patient", "x", "ignored", where="elsewhere"),
    ],
    issues=[
        Issue("corrected", "read as F", "information", "line 3 column sex", "f"),
        Issue("unlikely", "odd", "warning", "line 2 column age"),
        Issue("bad", "no day", "error", "line 10 column birth date", "x"),
        Issue("corrected", "read as M", "information", "line 10 column sex", "m"),
    ],
)


def test_csv_has_a_row_per_line() -> None:
    """In line order, with reasons joined."""
    assert answer(b"", Envelope("text/csv"), REPORT, None).decode().splitlines() == [
        "line,status,column,reason",
        "2,accepted,age,odd",
        "3,corrected,sex,read as F ('f')",
        "10,rejected,birth date; sex,no day ('x'); read as M ('m')",
    ]


def test_ndjson_has_an_object_per_line() -> None:
    """The same for machines: by the upload's own layout, or when asked for."""
    lines = answer(b"", Envelope("application/x-ndjson"), REPORT, None).decode().splitlines()
    assert json.loads(lines[0]) == {"line": 2, "status": "accepted", "issues": [{"column": "age", "reason": "odd"}]}
    assert len(lines) == 3
    assert (
        answer(b"", Envelope("text/csv", parameters={"result": "ndjson"}), REPORT, None).decode().splitlines() == lines
    )


def test_refused_files_have_one_row() -> None:
    """What stopped the whole file is told once; a bug tells nothing of itself."""
    refused = answer(b"", Envelope(), Report(), Malformed("no text", "line 4 column sex")).decode()
    assert refused.splitlines()[1:] == ["4,rejected,sex,no text"]
    failed = answer(b"", Envelope(), Report(), KeyError("secret")).decode()
    assert failed.splitlines()[1:] == [",failed,,an error in the hub; the file is kept"]


def test_rejected_reports_reject_every_line() -> None:
    """Nothing of a refused file counts as accepted."""
    report = Report(issues=[Issue("x", "wrong", "warning", "line 1 column a")], rejected=True)
    assert b"1,rejected,a,wrong" in answer(b"", Envelope(), report, None)


def test_places_are_read_back() -> None:
    """A place says its line and column; other text speaks of the file."""
    assert read_place(name_place(12, "birth date")) == (12, "birth date")
    assert read_place(name_place(12)) == (12, "")
    assert read_place("Bundle.entry[0]") == (0, "")
