"""Files against the stored records: once is enough, corrections take back, exports are equal."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.contract import Sender
from adapters.emr import ADAPTER
from adapters.emr.period import Period, export_visits
from adapters.emr.sheet import read_sheet
from tests.adapters.emr.conftest import CSV
from tracker_core import history, peers, records
from tracker_core.context import Peer
from tracker_core.database import Session
from tracker_core.issues import Outcome

HEAD = "patient_id,visit_id,visit_date,sex,diagnoses,weight_kg,malaria_test\n"


@pytest.fixture
def peer(session: Session) -> Peer:
    """The EMR of a health centre."""
    return peers.save(session, "hc1", "emr", settings={"naming": {"national-id": "urn:nid"}})


def upload(session: Session, peer: Peer, raw: bytes | str) -> list[Outcome]:
    """Apply a file; everything in it must hold."""
    body = raw.encode() if isinstance(raw, str) else raw
    reading = ADAPTER.read(ADAPTER.parse(body, CSV), Sender(peer, datetime(2024, 6, 1, tzinfo=UTC)))
    assert [issue for issue in reading.issues if issue.severity == "error"] == []
    context = history.open_change_set(session, "test", peer)
    applied = records.apply(session, context, reading.changes.records, atomic=reading.changes.atomic)
    assert applied.issues == []
    return applied.outcomes


def done(outcomes: list[Outcome]) -> set[str]:
    """What was done, whatever it was done to."""
    return {outcome.action for outcome in outcomes}


def found(session: Session, type_: str) -> list[Any]:
    """Every live record of a type."""
    return records.search(session, type_, [("_count", "1000")]).matches


def exported(session: Session, peer: Peer, start: str = "", end: str = "", layout: str = "csv") -> list[dict[str, str]]:
    """The filled cells of an export."""
    raw = export_visits(session, peer, Period(start, end), layout)[0]
    return [{name: cell for name, cell in row.cells.items() if cell} for row in read_sheet(raw).rows] if raw else []


def test_second_upload_is_quiet(session: Session, peer: Peer, visits: bytes) -> None:
    """The same file again makes nothing and changes nothing."""
    assert done(upload(session, peer, visits)) == {"created"}
    counts = {type_: len(found(session, type_)) for type_ in ("Patient", "Encounter", "Condition", "Observation")}
    assert counts == {"Patient": 2, "Encounter": 3, "Condition": 3, "Observation": 7}
    assert done(upload(session, peer, visits)) <= {"unchanged", "ignored"}
    assert {type_: len(found(session, type_)) for type_ in counts} == counts


@pytest.mark.parametrize("layout", ["csv", "ndjson"])
def test_upload_export_upload_is_quiet(session: Session, peer: Peer, visits: bytes, layout: str) -> None:
    """What comes out equals what went in, and says nothing new when it comes back."""
    upload(session, peer, visits)
    rows = [{name: cell for name, cell in row.cells.items() if cell} for row in read_sheet(visits).rows]
    key = "visit_id"
    assert sorted(exported(session, peer, layout=layout), key=lambda r: r[key]) == sorted(rows, key=lambda r: r[key])
    raw = export_visits(session, peer, Period(), layout)[0]
    assert done(upload(session, peer, raw)) <= {"unchanged", "ignored"}


def test_corrected_row_takes_back(session: Session, peer: Peer) -> None:
    """Removed diagnoses and emptied measurements are retracted, readable still; naming them again revives them."""
    full = f"{HEAD}P1,V1,2024-03-01,F,B54; I10; E11.9; J06.9; A09.9,72.50,positive\n"
    upload(session, peer, full)
    upload(session, peer, f"{HEAD}P1,V2,2024-03-02,F,B54,70,\n")
    upload(session, peer, f"{HEAD}P1,V1,2024-03-01,F,I10,,positive\n")
    rows = {row["visit_id"]: row for row in exported(session, peer)}
    assert (rows["V1"]["diagnoses"], "weight_kg" in rows["V1"], rows["V1"]["malaria_test"]) == (
        "I10",
        False,
        "positive",
    )
    assert rows["V2"]["diagnoses"] == "B54"
    mistakes = [c for c in found(session, "Condition") if b"entered-in-error" in c.doc]
    assert len(mistakes) == 4
    assert len(found(session, "Condition")) == 6
    upload(session, peer, full)
    assert {row["visit_id"]: row for row in exported(session, peer)}["V1"][
        "diagnoses"
    ] == "B54; I10; E11.9; J06.9; A09.9"
    assert [c for c in found(session, "Condition") if b"entered-in-error" in c.doc] == []


def test_export_keeps_to_its_period_and_sender(session: Session, peer: Peer, visits: bytes) -> None:
    """Both ends are included; another EMR's visits need `everyone`."""
    upload(session, peer, visits)
    other = peers.save(session, "hc2", "emr")
    upload(session, other, f"{HEAD}P1,W1,2024-03-01,F,B54,,\n")
    assert [row["visit_id"] for row in exported(session, peer, "2024-03-02", "2024-03-04")] == ["V003"]
    assert {row["visit_id"] for row in exported(session, peer, "2024-03-01", "2024-03-01")} == {"V001", "V002"}
    assert exported(session, peer, "2025") == []
    raw = export_visits(session, peer, Period(everyone=True), "ndjson")[0]
    assert len(raw.splitlines()) == 4


def test_two_emrs_may_use_one_number(session: Session, peer: Peer) -> None:
    """Patient P1 of one EMR is not patient P1 of another, unless they share the national id."""
    head = f"national_id,{HEAD}"
    upload(session, peer, f"{head}N1,P1,V1,2024-03-01,F,B54,,\n")
    other = peers.save(session, "hc2", "emr", settings={"naming": {"national-id": "urn:nid"}})
    upload(session, other, f"{head},P1,V1,2024-03-01,M,B54,,\n")
    assert len(found(session, "Patient")) == 2
    assert len({patient.subject for patient in found(session, "Patient")}) == 2
