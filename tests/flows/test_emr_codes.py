"""An EMR that has codes of its own: ICD-10 in the hub, its own codes again when its layouts are written."""

import csv
from datetime import datetime
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from adapters.contract import Envelope
from adapters.emr.exporting import Exported, Wanted, export_set
from adapters.emr.http import FACE
from adapters.emr.period import Period, export_visits
from adapters.emr.words import report
from hub import translations
from hub.access import HubAccess
from hub.cli import app
from hub.imports import cut_files, work_off
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from mappings.concepts import Target
from tests.flows.faces import serving
from tracker_core import metadata, peers, records
from tracker_core.context import Peer
from tracker_core.database import Pool, transaction

ICD10 = "http://hl7.org/fhir/sid/icd-10"
# PALU and MALARIA mean the same: the first is the one written where neither came in.
MAP = "%s urn:tracker-hub:local:diagnosis -> icd-10\nPALU B54\nMALARIA B54\nTBP A15.0\nNIL -\n"
VISITS = "patient_id,visit_id,visit_date,diagnoses,certainty\n"
LONG = "patient_id,visit_id,date,code\n"


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """The overlay of an EMR with four codes of its own."""
    folder = tmp_path / "overlay"
    (folder / "concepts").mkdir(parents=True)
    for name in ("diagnosis", "long-diagnosis"):
        (folder / "concepts" / f"{name}.map").write_text(MAP % name)
    return folder


@pytest.fixture
def clinic(pool: Pool, words: Path) -> Peer:
    """An EMR with codes of its own."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        return peers.save(session, "clinic", "emr", settings={"overlay": str(words), "lanes": 1})


@pytest.fixture
def hospital(pool: Pool, clinic: Peer) -> Peer:
    """An EMR that sends ICD-10."""
    del clinic
    with transaction(pool) as session:
        return peers.save(session, "hospital", "emr", settings={"lanes": 1})


def take(pool: Pool, peer: Peer, folder: Path, text: str, table: str = "visits") -> None:
    """Import a file of these rows, all of which must hold."""
    path = folder / f"{peer.code}-{abs(hash(text))}.csv"
    path.write_text(text)
    found = cut_files(Runtime(pool, ADAPTERS), peer, [path], Envelope(parameters={"table": table}), "test")
    work_off(Runtime(pool, ADAPTERS), found.id, 0)
    with transaction(pool) as session:
        rejected = session.execute("select convert_from(answer, 'UTF8') from message where answer like '%rejected%'")
        assert rejected.fetchall() == []


def visits(pool: Pool, peer: Peer, period: Period = Period()) -> tuple[list[tuple[str, str]], list[str]]:  # noqa: B008 - frozen
    """The cell of diagnoses of each visit in an export, and what it tells of codes without an equivalent."""
    with transaction(pool) as session:
        raw, untold = export_visits(session, peer, period, "csv")
    rows = csv.DictReader(StringIO(raw.decode()))
    return [(row["visit_id"], f"{row['diagnoses']} / {row['certainty']}") for row in rows], report(untold)


def facts(pool: Pool, peer: Peer, folder: Path, **wanted: object) -> tuple[list[tuple[str, ...]], Exported]:
    """The rows of an export of long facts, as (patient, code, system)."""
    folder.mkdir()
    with transaction(pool) as session:
        done = export_set(session, peer, Wanted("long", **wanted), folder)  # type: ignore[arg-type]
    with (folder / "long.csv").open(newline="") as file:
        return [(row["patient_id"], row["code"], row["system"]) for row in csv.DictReader(file)], done


def test_visits_come_back_in_the_codes_that_came_in(pool: Pool, clinic: Peer, tmp_path: Path) -> None:
    """The record holds ICD-10; the export says each visit's own word for it, be it the second one or ICD-10 itself."""
    rows = "P1,V1,2024-03-01,PALU; TBP,confirmed\nP2,V2,2024-03-02,MALARIA,\nP3,V3,2024-03-03,B54,\n"
    take(pool, clinic, tmp_path, VISITS + rows)
    with transaction(pool) as session:
        held = records.search(session, "Condition", [("code", f"{ICD10}|B54")]).matches
        assert len(held) == 3
    told = [("V1", "PALU; TBP / confirmed"), ("V2", "MALARIA / "), ("V3", "B54 / ")]
    assert visits(pool, clinic) == (told, [])


def test_visits_of_others_are_told_in_the_preferred_code(
    pool: Pool, clinic: Peer, hospital: Peer, tmp_path: Path
) -> None:
    """The first code of the map is the one written; a diagnosis that the map has no code for stays, and is reported."""
    take(pool, hospital, tmp_path, f"{VISITS}H1,W1,2024-03-01,B54; J06.9,confirmed\nH2,W2,2024-03-01,J06.9,\n")
    take(pool, clinic, tmp_path, f"{VISITS}P1,V1,2024-03-01,MALARIA,\n")
    told, warned = visits(pool, clinic, Period(everyone=True))
    assert sorted(cell for _, cell in told) == ["J06.9 / ", "MALARIA / ", "PALU; J06.9 / confirmed"]
    assert warned == [f"diagnosis has no code for {ICD10}|J06.9: 2 written as it is"]
    assert ("W1", "B54; J06.9 / confirmed") in visits(pool, hospital, Period(everyone=True))[0]


def test_visits_since_a_moment(pool: Pool, clinic: Peer, tmp_path: Path) -> None:
    """Only visits of which something changed come out, a corrected diagnosis among it, in the EMR's codes."""
    take(pool, clinic, tmp_path, f"{VISITS}P1,V1,2024-03-01,PALU,\nP2,V2,2024-03-02,TBP,\n")
    with transaction(pool) as session:
        now: datetime = session.execute("select clock_timestamp()").fetchone()[0]  # type: ignore[index]
    assert visits(pool, clinic, Period(since=now)) == ([], [])
    take(pool, clinic, tmp_path, f"{VISITS}P2,V2,2024-03-02,TBP,confirmed\n")
    assert visits(pool, clinic, Period(since=now)) == ([("V2", "TBP / confirmed")], [])
    with serving(FACE, HubAccess(Runtime(pool, ADAPTERS))) as client:
        got = client.get("/hub/emr/clinic/export", params={"since": now.isoformat()})
        assert (got.status_code, len(got.text.splitlines())) == (200, 2)
        assert client.get("/hub/emr/clinic/export?since=2024-03-01").status_code == 400


def test_long_facts_whole_and_since(pool: Pool, clinic: Peer, hospital: Peer, tmp_path: Path) -> None:
    """Rows of facts: own codes as they came in, others' by preference, what has none with its system; since, too."""
    take(pool, clinic, tmp_path, f"{LONG}P1,V1,2024-03-01,MALARIA\nP2,V2,2024-03-01,B54\n", "long")
    with transaction(pool) as session:
        now: datetime = session.execute("select clock_timestamp()").fetchone()[0]  # type: ignore[index]
    take(
        pool,
        hospital,
        tmp_path,
        f"{LONG}H1,W1,2024-03-01,B54\nH2,W2,2024-03-01,J06.9\nH3,W3,2024-03-01,GRIPPE\n",
        "long",
    )
    own, _ = facts(pool, clinic, tmp_path / "own")
    assert own == [("P1", "MALARIA", ""), ("P2", "B54", "")]
    later, done = facts(pool, clinic, tmp_path / "later", everyone=True, since=now)
    assert [row[1:] for row in later] == [
        ("PALU", ""),
        ("J06.9", ""),
        ("GRIPPE", "urn:tracker-hub:local:long-diagnosis"),
    ]
    assert [code for (_, code), _ in done.untold.items()] == [
        f"{ICD10}|J06.9",
        "urn:tracker-hub:local:long-diagnosis|GRIPPE",
    ]


def test_answers_work_backwards(pool: Pool, clinic: Peer, hospital: Peer, tmp_path: Path) -> None:
    """A code that a person has mapped is the EMR's word for what it means from then on, for others' records, too."""
    take(pool, clinic, tmp_path, f"{LONG}P1,V1,2024-03-01,RHUME\n", "long")
    with transaction(pool) as session:
        waiting = session.execute("select pk from unmapped_code where code = 'RHUME'").fetchone()
        assert waiting is not None
        translations.answer(session, waiting[0], Target(ICD10, "J06.9"), "admin")
    take(pool, hospital, tmp_path, f"{LONG}H2,W2,2024-03-01,J06.9\n", "long")
    rows, done = facts(pool, clinic, tmp_path / "out", everyone=True)
    assert [row[1:] for row in rows] == [("RHUME", ""), ("RHUME", "")]
    assert done.untold == {}


def test_missing_equivalents_are_told_at_every_way_out(
    pool: Pool, clinic: Peer, hospital: Peer, database_url: str, tmp_path: Path
) -> None:
    """The header of a file, a list beside a set, the standard error of the command."""
    take(pool, hospital, tmp_path, f"{LONG}H2,W2,2024-03-01,J06.9\n", "long")
    take(pool, hospital, tmp_path, f"{VISITS}H9,W9,2024-03-01,J06.9,\n")
    with serving(FACE, HubAccess(Runtime(pool, ADAPTERS))) as client:
        one = client.get("/hub/emr/clinic/export?of=all")
        assert one.headers["warning"] == f'199 - "diagnosis has no code for {ICD10}|J06.9: 2 written as it is"'
        path = tmp_path / "set.zip"
        path.write_bytes(client.get("/hub/emr/clinic/sets/long?of=all").content)
        assert ZipFile(path).read("warnings.txt").decode().startswith("long-diagnosis has no code for")
    options = ["--peer", "clinic", "--table", "long", "--everyone", "--database-url", database_url]
    run = CliRunner().invoke(app, ["emr", "export", str(tmp_path / "out"), *options])
    assert (run.exit_code, "long-diagnosis has no code for" in run.stderr) == (0, True), run.output
