"""Large files: cut into chunks, applied side by side, killed in the middle, gone on with, answered as one file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from adapters.contract import Envelope
from adapters.emr.importing import result_file
from hub.imports import cut_files, work_off
from hub.inbox import look
from hub.registry import ADAPTERS
from hub.runtime import Runtime
from tracker_core import imports, messages, metadata, peers
from tracker_core.context import Peer
from tracker_core.database import Pool, transaction
from tracker_core.errors import Malformed, NotFound

HEAD = "patient_id,visit_id,visit_date\n"


@pytest.fixture
def peer(pool: Pool) -> Peer:
    """The EMR of a health centre."""
    with transaction(pool) as session:
        metadata.bootstrap(session)
        return peers.save(session, "hc1", "emr")


@pytest.fixture
def runtime(pool: Pool, peer: Peer) -> Runtime:
    """A process that knows all formats."""
    return Runtime(pool, ADAPTERS)


def rows(count: int) -> str:
    """Rows of visits, two a person, with every hundredth broken."""
    days = ["2024-13-01" if n % 100 == 99 else f"2024-03-{n % 28 + 1:02d}" for n in range(count)]
    return HEAD + "".join(f"P{n // 2},V{n},{day}\n" for n, day in enumerate(days))


@contextmanager
def half_way(pool: Pool) -> Iterator[None]:
    """Let no chunk be done behind the first one until the block ends."""
    with transaction(pool) as session:
        session.execute(
            "create function hold() returns trigger language plpgsql as $$ begin"
            " if exists (select from message where state = 'done') then perform pg_advisory_xact_lock_shared(7);"
            " end if; return new; end $$"
        )
        session.execute(
            "create trigger hold before update on message for each row when (new.state = 'done')"
            " execute function hold()"
        )
    with transaction(pool) as session:
        session.execute("select pg_advisory_xact_lock(7)")
        yield
    with transaction(pool) as session:
        session.execute("drop function hold cascade")


def states(pool: Pool) -> set[str]:
    """The states that messages are in."""
    with transaction(pool) as session:
        return {row[0] for row in session.execute("select state from message")}


def read_back(pool: Pool, id: int) -> list[str]:
    """The lines of an import's result file."""
    with transaction(pool) as session:
        return b"".join(result_file(session, imports.read(session, id))).decode().splitlines()


def test_killed_import_goes_on_where_it_was(pool: Pool, peer: Peer, database_url: str, tmp_path: Path) -> None:
    """After a kill -9 the same command applies the rest: every row once, and the result names every line in order."""
    file = tmp_path / "visits.csv"
    file.write_text(rows(6000))
    command = [sys.executable, "-m", "hub", "emr", "import", str(file), "--peer", "hc1", "--database-url", database_url]
    with half_way(pool):
        first = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while "done" not in states(pool):
            assert first.poll() is None
            time.sleep(0.02)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert states(pool) == {"done", "waiting"}
    result = tmp_path / "result.csv"
    command += ["--result", str(result)]
    again = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert "6,000 of 6,000 rows, done" in again.stderr
    lines = result.read_text().splitlines()
    assert lines[0] == "line,status,column,reason"
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(2, 6002))
    assert sum(",rejected," in line for line in lines) == 60
    with transaction(pool) as session:
        stored = session.execute("select type, count(*), max(version) from record group by 1 order by 2").fetchall()
    assert [row[1:] for row in stored] == [(3000, 1), (5940, 1)]


def test_same_file_is_one_import(pool: Pool, runtime: Runtime, peer: Peer, tmp_path: Path) -> None:
    """What was cut is not cut again, a part is worked off in order, and progress counts rows."""
    file = tmp_path / "visits.csv"
    file.write_text(rows(2300))
    found = cut_files(runtime, peer, [file], Envelope(), "test")
    assert cut_files(runtime, peer, [file], Envelope(), "test") == found
    assert (found.rows, found.parts) == (2300, 2)
    with transaction(pool) as session:
        assert imports.progress(session, found.id).state == "running"
        assert [one.id for one in imports.latest(session, peer.id)] == [found.id]
    work_off(runtime, found.id, 0)
    with transaction(pool) as session:
        half = imports.progress(session, found.id)
    assert (half.state, half.rows) == ("running", 2300)
    assert 0 < half.ended < 2300
    work_off(runtime, found.id, 1)
    with transaction(pool) as session:
        assert imports.progress(session, found.id).state == "done"
        with pytest.raises(NotFound):
            imports.read(session, found.id + 1)
    assert len(read_back(pool, found.id)) == 2301


def test_cutting_goes_on_too(pool: Pool, runtime: Runtime, peer: Peer, tmp_path: Path) -> None:
    """Of a file that was cut half, the other half is cut; a chunk that needs a person stops its part."""
    file = tmp_path / "visits.csv"
    file.write_text(rows(3000))
    found = cut_files(runtime, peer, [file], Envelope(), "test")
    with transaction(pool) as session:
        gone = session.execute(
            "delete from file_chunk where import = %s and number > 0 returning message, rows", (found.id,)
        ).fetchall()
        session.execute("delete from message where id = any(%s)", ([row[0] for row in gone],))
        session.execute(
            "update file_import set cut = null, chunks = chunks - %s, rows = rows - %s where id = %s",
            (len(gone), sum(row[1] for row in gone), found.id),
        )
        assert imports.progress(session, found.id).state == "cutting"
    again = cut_files(runtime, peer, [file], Envelope(), "test")
    assert (again.id, again.rows, again.chunks) == (found.id, 3000, found.chunks)
    with transaction(pool) as session:
        first = imports.next_message(session, found.id, 0)
        assert first is not None
        messages.finish(session, first[1], "parked")
    work_off(runtime, found.id, 0)
    with transaction(pool) as session:
        stopped = imports.progress(session, found.id)
    assert (stopped.state, stopped.ended) == ("stopped", 0)


def test_wrong_header_is_told_before_anything_is_kept(pool: Pool, runtime: Runtime, peer: Peer, tmp_path: Path) -> None:
    """A file whose columns are not its table's makes no import."""
    file = tmp_path / "other.csv"
    file.write_text("patient_id,visit_date\nP1,2024-01-01\n")
    with pytest.raises(Malformed, match="visit_id"):
        cut_files(runtime, peer, [file], Envelope(), "test")
    with transaction(pool) as session:
        assert imports.latest(session, peer.id) == []


def test_large_files_are_dropped_into_folders(pool: Pool, runtime: Runtime, peer: Peer, tmp_path: Path) -> None:
    """What is too large for a message is imported in chunks, its result beside it; a wrong set fails."""
    folder = tmp_path / "hc1"
    folder.mkdir()
    head, *lines = rows(3000).splitlines()
    wide = [f"{head},family_name", *(f"{line},{'x' * 400}" for line in lines)]
    (folder / "visits.csv").write_text("\n".join(wide))
    with ZipFile(folder / "set.zip", "w") as archive:
        archive.writestr("other.csv", "a,b\n1,2\n")
    look(runtime, folder, look(runtime, folder, {}))
    told = (folder / "visits.csv.result.csv").read_text().splitlines()
    assert (len(told), told[1]) == (3001, "2,accepted,,")
    assert (folder / "done" / "visits.csv").exists()
    assert (folder / "failed" / "set.zip").exists()
    assert "is no column" in (folder / "set.zip.result.csv").read_text()
    with transaction(pool) as session:
        assert [one.name for one in imports.latest(session, peer.id)] == ["visits.csv"]
