"""Records back into rows: what was uploaded comes out equal."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import View
from adapters.emr.export import render, visit_rows, write
from adapters.emr.sheet import read_sheet
from tests.adapters.emr.conftest import emr, read
from tracker_core.changes import RecordChange
from tracker_core.errors import Unsupported


def stored(changes: list[RecordChange]) -> list[dict[str, Any]]:
    """The documents as the core would keep them: with ids, and references to those."""
    ids = {c.name: f"{c.type}/{number}" for number, c in enumerate(changes) if c.name}

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: ids.get(v, v) if k == "reference" else resolve(v) for k, v in node.items() if v is not None}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    return [
        {"id": ids[c.name].partition("/")[2], **resolve(c.document)} for c in changes if c.method == "merge" and c.name
    ]


def rows_of(raw: bytes) -> list[dict[str, str]]:
    """The filled cells of a file's rows."""
    return [{name: cell for name, cell in row.cells.items() if cell} for row in read_sheet(raw).rows]


@pytest.mark.parametrize("layout", ["csv", "tsv", "ndjson"])
def test_upload_comes_out_equal(visits: bytes, layout: str) -> None:
    """Accepted rows are exported as they came, in each layout."""
    sender = emr(layout=layout)
    view = View("person", "visits", stored(read(visits).changes.records))
    raw = render(write(view, sender, "TH1"), sender)
    assert rows_of(raw) == rows_of(visits)
    assert read(raw).issues == []


CODES = st.builds(lambda a, b: f"{a}{b:02d}", st.sampled_from("ABIJK"), st.integers(0, 99))
NAMES = st.text("ÀéñßABCabcŁ'-", min_size=1, max_size=9)
DATES = st.datetimes(datetime(1980, 1, 1), datetime(2023, 12, 31))  # noqa: DTZ001 - the zone is written behind it
CELLS = st.fixed_dictionaries(
    {
        "patient_id": st.text("AZ09|,\\$&%+ -", max_size=6).map(str.rstrip),
        "visit_date": DATES.map(lambda d: f"{d:%Y-%m-%dT%H:%M:%S}Z"),
    },
    optional={
        "sex": st.sampled_from("FMOU"),
        "family_name": NAMES,
        "given_name": st.lists(NAMES, min_size=1, max_size=3).map(" ".join),
        "birth_date": st.sampled_from(["1975", "1975-03", "1975-03-01"]),
        "diagnoses": st.lists(CODES, min_size=1, max_size=4, unique=True).map("; ".join),
        "weight_kg": st.decimals(1, 150, places=2).map(str),
        "malaria_test": st.sampled_from(["positive", "negative", "indeterminate"]),
    },
)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_accepted_rows_are_settled(rows: list[dict[str, str]]) -> None:
    """Whatever is accepted without correction comes out cell by cell as it went in."""
    sender = emr()
    filled = [{**row, "patient_id": f"P{n}{row['patient_id']}", "visit_id": f"V{n}"} for n, row in enumerate(rows)]
    columns = list(dict.fromkeys(name for row in filled for name in row))
    body = "\n".join(json.dumps(row) for row in filled)
    reading = read(body)
    assert [i for i in reading.issues if i.severity != "warning"] == []
    assert set(columns) <= set(visit_rows([], sender.peer).columns)
    assert rows_of(render(visit_rows(stored(reading.changes.records), sender.peer), sender)) == filled_in_order(filled)


def filled_in_order(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows with their filled cells only."""
    return [{name: cell for name, cell in row.items() if cell} for row in rows]


def test_mistakes_and_strangers_are_left_out(visits: bytes) -> None:
    """What was entered in error has no cell; a visit without a known patient has no patient cells."""
    documents = stored(read(visits).changes.records)
    for doc in documents:
        if doc["resourceType"] == "Condition" and doc["code"]["coding"][0]["code"] == "B54":
            doc["verificationStatus"] = {"coding": [{"code": "entered-in-error"}]}
        if doc["resourceType"] == "Observation":
            doc["status"] = "entered-in-error"
    documents = [doc for doc in documents if doc["resourceType"] != "Patient"]
    first, *_ = visit_rows(documents, emr().peer).rows
    assert (first["diagnoses"], first["certainty"]) == ("A09.9", "provisional")
    assert "temperature_c" not in first
    assert "patient_id" not in first
    for doc in documents:
        if doc["resourceType"] == "Encounter":
            doc["status"] = "entered-in-error"
    assert visit_rows(documents, emr().peer).rows == []


def test_other_units_and_codes_make_no_cell(visits: bytes) -> None:
    """A weight in pounds is not written into a column of kilograms, nor a word that the table does not have."""
    documents = stored(read(visits).changes.records)
    for doc in documents:
        if doc["resourceType"] == "Observation" and "valueQuantity" in doc:
            doc["valueQuantity"]["code"] = "mg/dL"
        if doc["resourceType"] == "Observation" and "valueCodeableConcept" in doc:
            doc["valueCodeableConcept"] = {"text": "faint"}
    row = visit_rows(documents, emr().peer).rows[0]
    assert "weight_kg" not in row
    assert "malaria_test" not in row


def test_only_visits_make_rows() -> None:
    """A view without a visit, and an unknown layout, are refused."""
    with pytest.raises(Unsupported, match="without a visit"):
        write(View("report", "x"), emr(), "TH1")
    sender = emr(layout="xls")
    with pytest.raises(Unsupported, match="no layout 'xls'"):
        render(visit_rows([], sender.peer), sender)
