"""Exports in the layouts of imports: in again without a change, since a moment, and disguised for research."""

import csv
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from adapters.contract import Envelope
from adapters.emr.disguise import Disguise
from adapters.emr.exporting import Exported, Wanted, export_set
from adapters.emr.http import FACE
from hub.access import HubAccess
from hub.cli import app
from hub.demo import people
from hub.imports import cut_files, work_off
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from hub.worker import run_inbound
from tests.flows.faces import serving
from tests.flows.synthea import write_synthea
from tracker_core import metadata, peers, records
from tracker_core.context import Peer
from tracker_core.database import Pool, transaction
from tracker_core.errors import Malformed

DAY = date(2026, 3, 5)
HOW = Disguise(b"one project", shift=90, band=10)


@pytest.fixture
def peer(pool: Pool, tmp_path: Path) -> Peer:
    """An EMR that has sent a folder in Synthea's layout."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        peer = peers.save(session, "clinic", "emr", settings={"table": "synthea", "lanes": 1})
    visits = people.make_day(DAY).visits["emr"][:30]
    (tmp_path / "in").mkdir()
    write_synthea(tmp_path / "in", visits)
    take(pool, peer, [tmp_path / "in"])
    return peer


def take(pool: Pool, peer: Peer, paths: list[Path]) -> None:
    """Import files."""
    runtime = Runtime(pool, ADAPTERS)
    found = cut_files(runtime, peer, paths, Envelope(), "test")
    work_off(runtime, found.id, 0)


def export(pool: Pool, peer: Peer, folder: Path, **wanted: object) -> Exported:
    """Export a set into a folder."""
    folder.mkdir()
    with transaction(pool) as session:
        return export_set(session, peer, Wanted("synthea", **wanted), folder)  # type: ignore[arg-type]


def rows(path: Path) -> list[dict[str, str]]:
    """The filled cells of a file."""
    with path.open(newline="") as file:
        return [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(file)]


def versions(pool: Pool) -> list[tuple[int, int]]:
    """How many records of each version there are."""
    with transaction(pool) as session:
        return session.execute("select version, count(*) from record group by 1 order by 1").fetchall()


def test_export_says_what_the_import_said(pool: Pool, peer: Peer, tmp_path: Path) -> None:
    """Each file comes out with the cells that went in, and going in again it changes nothing."""
    done = export(pool, peer, tmp_path / "out")
    for name in ("patients.csv", "conditions.csv", "observations.csv", "organizations.csv"):
        given = sorted(rows(tmp_path / "in" / name), key=str)
        found = [{key: cell for key, cell in row.items() if key != "PHONE"} for row in given]
        order = [sorted(row.items()) for row in found]
        assert sorted(sorted(row.items()) for row in rows(tmp_path / "out" / name)) == sorted(order), name
        assert done.rows[name] == len(given)
    before = versions(pool)
    (tmp_path / "out" / "patients.csv").unlink()  # which has no column for phones
    take(pool, peer, [tmp_path / "out"])
    assert versions(pool) == before


def test_since_a_moment_only_what_changed(pool: Pool, peer: Peer, tmp_path: Path) -> None:
    """Nothing has changed since now; one changed row comes out alone."""
    with transaction(pool) as session:
        now: datetime = session.execute("select clock_timestamp()").fetchone()[0]  # type: ignore[index]
    assert set(export(pool, peer, tmp_path / "none", since=now).rows.values()) == {0}
    first = (tmp_path / "in" / "conditions.csv").read_text().splitlines()[:2]
    (tmp_path / "conditions.csv").write_text("\n".join([first[0], first[1].replace(",,", ",2026-04-01,", 1)]))
    take(pool, peer, [tmp_path / "conditions.csv"])
    done = export(pool, peer, tmp_path / "some", since=now)
    assert {name: count for name, count in done.rows.items() if count} == {"conditions.csv": 1}
    assert rows(tmp_path / "some" / "conditions.csv")[0]["STOP"] == "2026-04-01"


def test_disguised_export_names_nobody(pool: Pool, peer: Peer, tmp_path: Path) -> None:
    """No name, number, phone or day of a person is left; files still join; a person's days move together."""
    export(pool, peer, tmp_path / "out", disguise=HOW)
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for row in rows(tmp_path / "in" / "patients.csv"):
        for column in ("BIRTHDATE", "SSN", "LAST", "PHONE"):
            assert row.get(column, "\0") not in text
    given, found = rows(tmp_path / "in" / "encounters.csv"), rows(tmp_path / "out" / "encounters.csv")
    persons = {row["Id"]: row for row in rows(tmp_path / "out" / "patients.csv")}
    assert {row["PATIENT"] for row in found} == persons.keys()
    assert all(len(row["BIRTHDATE"]) == 4 and row["BIRTHDATE"].endswith("0") for row in persons.values())
    by_key = {HOW.pseudonym("urn:tracker-hub:visit-number", row["Id"]): row for row in given}
    for row in found:
        before = by_key[row["Id"]]
        moved = date.fromisoformat(row["START"]) - date.fromisoformat(before["START"][:10])
        assert moved.days == HOW.days(before["PATIENT"])
        assert 0 < abs(moved.days) <= 90
    visits = {row["Id"] for row in found}
    assert {row["ENCOUNTER"] for row in rows(tmp_path / "out" / "conditions.csv")} <= visits
    assert HOW.pseudonym("x", "1") != Disguise(b"another project").pseudonym("x", "1")


def test_cells_with_too_few_are_told_and_left_out(pool: Pool, peer: Peer, tmp_path: Path) -> None:
    """The report counts by SQL's group by over the file itself; with suppression every cell that is left holds."""
    told = export(pool, peer, tmp_path / "all", disguise=HOW, quasi=("GENDER", "BIRTHDATE"), k=4)
    counts: dict[tuple[str, ...], int] = {}
    for row in rows(tmp_path / "all" / "patients.csv"):
        cell = (row["GENDER"], row["BIRTHDATE"])
        counts[cell] = counts.get(cell, 0) + 1
    small = {cell: n for cell, n in counts.items() if n < 4}
    assert told.anonymity is not None
    assert dict(told.anonymity.failing) == small
    assert small
    assert (
        told.anonymity.report()[0]
        == f"{len(counts)} cells by gender, birthdate; {len(small)} with fewer than 4 persons"
    )
    export(pool, peer, tmp_path / "some", disguise=HOW, quasi=("GENDER", "BIRTHDATE"), k=4, suppress=True)
    left = rows(tmp_path / "some" / "patients.csv")
    assert len(left) == sum(n for n in counts.values() if n >= 4)
    kept = {row["Id"] for row in left}
    assert {row["PATIENT"] for row in rows(tmp_path / "some" / "encounters.csv")} <= kept
    with pytest.raises(Malformed, match="no column"):
        export(pool, peer, tmp_path / "wrong", quasi=("SHOE",))


@pytest.fixture
def access(pool: Pool, peer: Peer) -> HubAccess:
    """The hub's way in."""
    return HubAccess(Runtime(pool, ADAPTERS))


def test_files_and_sets_over_http(access: HubAccess, pool: Pool, tmp_path: Path) -> None:
    """A zip is taken as a stream and worked off by a worker; sets come back as a zip; a risky release is refused."""
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "in").iterdir()):
            archive.write(path, f"csv/{path.name}")
    with serving(FACE, access) as client:
        sent = client.post("/hub/emr/clinic/imports?file=set.zip", content=(tmp_path / "set.zip").read_bytes())
        assert sent.status_code == 202
        assert client.get(sent.headers["location"]).json()["state"] == "running"
        while run_inbound(access.runtime, "test"):
            pass
        assert client.get(sent.headers["location"]).json()["state"] == "done"
        result = client.get(f"{sent.headers['location']}/result").text.splitlines()
        assert (result[0], result[1]) == ("file,line,status,column,reason", "organizations.csv,2,accepted,,")
        assert client.get("/hub/emr/clinic/imports/1").status_code == 404
        whole = client.get("/hub/emr/clinic/sets/synthea")
        assert "patients.csv" in ZipFile(BytesIO(whole.content)).namelist()
        risky = "/hub/emr/clinic/sets/synthea?disguise=anonymous&quasi=GENDER,BIRTHDATE&k=4"
        assert (client.get(risky).status_code, client.get(f"{risky}&suppress=true").status_code) == (409, 200)
        assert client.get("/hub/emr/clinic/sets/synthea?disguise=pseudonymous").status_code == 400
        secret = {"x-project-secret": "one project"}
        assert client.get("/hub/emr/clinic/sets/synthea?disguise=pseudonymous", headers=secret).status_code == 200
        assert client.get("/hub/emr/clinic/sets/synthea?since=2024").status_code == 400
        assert client.get("/hub/emr/clinic/sets/visits").status_code == 400


def test_a_peers_own_user_gets_no_research_data(access: HubAccess, peer: Peer) -> None:
    """What a peer sent is its own; disguised releases and others' records are for administrators."""
    with serving(FACE, access) as client:
        client.headers["x-peer"] = str(peer.id)
        assert client.get("/hub/emr/clinic/sets/synthea").status_code == 200
        assert client.get("/hub/emr/clinic/sets/synthea?disguise=anonymous").status_code == 403
        assert client.get("/hub/emr/clinic/sets/synthea?of=all").status_code == 403
        client.headers["x-peer"] = str(peer.id + 1)
        assert client.post("/hub/emr/clinic/imports", content=b"x").status_code == 403


def test_command_exports_and_is_audited(pool: Pool, peer: Peer, database_url: str, tmp_path: Path) -> None:
    """The command writes the files, tells the cells that fail, and leaves who exported what in the audit trail."""
    secret = tmp_path / "secret"
    secret.write_text("one project")
    options = ["--table", "synthea", "--secret-file", str(secret), "--quasi", "GENDER,BIRTHDATE", "--k", "4"]
    base = ["emr", "export", str(tmp_path / "out"), "--peer", "clinic", "--database-url", database_url]
    done = CliRunner().invoke(app, [*base, *options])
    assert done.exit_code == 1, done.output
    assert "with fewer than 4 persons" in done.output
    assert len(rows(tmp_path / "out" / "patients.csv")) > 0
    assert CliRunner().invoke(app, [*base, *options, "--suppress"]).exit_code == 0
    with transaction(pool) as session:
        told = session.execute("select event, target from audit_entry order by id").fetchall()
    assert told[0] == ("export", "emr/clinic/synthea disguised")


def test_omop_comes_out_as_it_went_in(pool: Pool, second: Runtime, tmp_path: Path) -> None:
    """A set of OMOP's tables goes out and in again without a change, and makes the same records in another hub."""
    given = Path(__file__).parent.parent / "adapters" / "emr" / "samples" / "omop"
    states = []
    for runtime, folder in ((Runtime(pool, ADAPTERS), given), (second, tmp_path / "out")):
        with transaction(runtime.pool) as session:
            metadata.bootstrap(session)
            peer = peers.save(session, "research", "emr", settings={"table": "omop", "lanes": 1})
        take(runtime.pool, peer, [folder])
        states.append(documents(runtime.pool))
        if runtime is second:
            break
        (tmp_path / "out").mkdir()
        with transaction(pool) as session:
            export_set(session, peer, Wanted("omop"), tmp_path / "out")
        before = versions(pool)
        take(pool, peer, [tmp_path / "out"])
        assert versions(pool) == before
    assert states[0] == states[1]
    assert {type_ for type_, _ in states[0]} >= {"Patient", "Encounter", "Condition", "Observation"}


def documents(pool: Pool) -> dict[tuple[str, str], dict[str, Any]]:
    """Every record of one hub by type and id, without what its own writing added."""
    with transaction(pool) as session:
        stored = records.walk(session, ["Patient", "Encounter", "Condition", "Observation", "Organization"], 0, 1000)
    decoded = {(one.type, one.id): records.documents.decode(one.doc) for one in stored}
    return {key: {name: value for name, value in doc.items() if name != "meta"} for key, doc in decoded.items()}
